"""Quotas: the burst, the steady rate, what headers say, and what happens without Redis."""

import re

import pytest

from app.core.errors import ConfigError, ServiceUnavailableError
from app.core.quotas import MemoryBuckets, Quota, QuotaExceededError, Quotas
from app.core.settings import StorageSettings, load_settings
from tests.servers import RedisServer
from tests.service import running_service, service_settings

QUOTA = Quota("default", per_minute=60, burst=3)


def test_a_burst_then_the_steady_rate() -> None:
    now = 1000.0
    buckets = MemoryBuckets(lambda: now)
    assert [buckets.take_now(QUOTA, "a").remaining for _ in range(3)] == [2, 1, 0]
    refused = buckets.take_now(QUOTA, "a")
    assert not refused.allowed
    assert refused.retry_after_seconds == 1
    assert buckets.take_now(QUOTA, "b").allowed, "another caller"
    assert buckets.take_now(QUOTA._replace(name="other"), "a").allowed, "another quota"
    now += 1  # one a second comes back, and refused ones cost nothing
    assert buckets.take_now(QUOTA, "a").allowed
    assert not buckets.take_now(QUOTA, "a").allowed
    now += 3600
    assert [buckets.take_now(QUOTA, "a").allowed for _ in range(4)] == [True, True, True, False]


def test_memory_is_bounded() -> None:
    buckets = MemoryBuckets(lambda: 0.0, max_callers=2)
    quota = Quota("default", 60, 1)
    assert buckets.take_now(quota, "a").allowed
    assert buckets.take_now(quota, "b").allowed
    assert not buckets.take_now(quota, "b").allowed
    assert buckets.take_now(quota, "c").allowed
    assert buckets.take_now(quota, "a").allowed, "the idlest was forgotten"


def test_headers_in_both_shapes() -> None:
    headers = MemoryBuckets(lambda: 0.0).take_now(QUOTA, "a").headers()
    assert headers == {
        "RateLimit-Limit": "3",
        "RateLimit-Remaining": "2",
        "RateLimit-Reset": "1",
        "RateLimit-Policy": '"default";q=3;w=3',
        "RateLimit": '"default";r=2;t=1',
    }


async def test_replicas_share_through_redis(redis_url: str) -> None:
    one, other = Quotas(redis_url), Quotas(redis_url)
    slow = Quota("default", per_minute=1, burst=3)
    try:
        for quotas in (one, other, one):
            await quotas.take(slow, "a")
        with pytest.raises(QuotaExceededError) as caught:
            await other.take(slow, "a")
        assert 1 <= int(caught.value.headers()["Retry-After"]) <= 60
        assert await other.take(slow, "b")
    finally:
        await one.close()
        await other.close()


async def test_without_redis_as_configured(redis_server: RedisServer) -> None:
    found = {how: Quotas(redis_server.url, how) for how in ("memory", "refuse", "allow")}
    redis_server.stop()
    quota = Quota("default", per_minute=1, burst=1)
    try:
        assert await found["memory"].take(quota, "a")
        with pytest.raises(QuotaExceededError):
            await found["memory"].take(quota, "a")
        with pytest.raises(ServiceUnavailableError) as caught:
            await found["refuse"].take(quota, "a")
        assert int(caught.value.headers()["Retry-After"]) >= 1
        assert [await found["allow"].take(quota, "a") for _ in range(3)] == [None, None, None]
    finally:
        for quotas in found.values():
            await quotas.close()


async def test_routes_with_quotas_of_their_own(sqlite_settings: StorageSettings) -> None:
    endpoints = [
        {"path": "/api/v1/benchmarks/{id}", "method": "GET", "requests_per_minute": 2},
        {"path": "/api/v1/providers*", "requests_per_minute": 1},
        {"path": "/api/v1/results", "requests_per_minute": 0},
    ]
    limits = {"requests_per_minute": 60, "burst_size": 5, "endpoints": endpoints}
    async with running_service(service_settings(sqlite_settings, server={"rate_limit": limits})) as running:
        admin = await running.admin()

        async def statuses(path: str, count: int) -> list[int]:
            return [(await admin.get(f"/api/v1{path}")).status_code for _ in range(count)]

        one = "/benchmarks/0190a5e8-0000-7000-8000-000000000000"
        assert await statuses(one, 3) == [404, 404, 429]
        assert await statuses("/providers", 1) == [200]
        assert await statuses("/providers/none", 1) == [429], "one quota for all routes of a pattern"
        assert await statuses("/results", 7) == [200] * 7, "not limited"
        last = await admin.get("/api/v1/auth/me")
        assert last.headers["RateLimit-Limit"] == "5"
        assert re.fullmatch(r'"default";r=\d;t=\d', last.headers["RateLimit"])


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        ({"path": "/api/v1/benchmark", "requests_per_minute": 1}, "did you mean /api/v1/benchmarks?"),
        ({"path": "/nothing/*", "requests_per_minute": 1}, "routes are: /api/v1/auth/login"),
        ({"path": "/api/v1/auth/me", "method": "PATCH", "requests_per_minute": 1}, "it has GET"),
    ],
)
async def test_a_wrong_route_is_a_configuration_error(
    sqlite_settings: StorageSettings, endpoint: dict[str, object], says: str
) -> None:
    settings = service_settings(sqlite_settings, server={"rate_limit": {"endpoints": [endpoint]}})
    with pytest.raises(ConfigError, match=re.escape(says)):
        async with running_service(settings):
            pass


def test_the_old_setting_still_works(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_settings(server={"rate_limit_requests_per_minute": 7})
    assert settings.server.rate_limit.requests_per_minute == 7
    assert "server.rate_limit.requests_per_minute" in "".join(capsys.readouterr())
    monkeypatch.setenv("LTB_SERVER__RATE_LIMIT_REQUESTS_PER_MINUTE", "8")
    assert load_settings().server.rate_limit.requests_per_minute == 8
    with pytest.raises(ConfigError, match="give one of them"):
        load_settings(server={"rate_limit": {"requests_per_minute": 1}})
