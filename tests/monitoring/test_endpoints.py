"""Health and metrics over HTTP."""

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from app.accounts.permissions import Permission, Role
from app.core.settings import StorageSettings
from app.monitoring.health import Readiness
from tests.servers import RedisServer
from tests.service import Running, running_service, service_settings


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
async def test_health_is_public(running: Running, prefix: str) -> None:
    client = running.anonymous
    assert (await client.get(f"{prefix}/health/live")).json() == {"status": "ok"}
    ready = await client.get(f"{prefix}/health/ready")
    assert ready.status_code == 200
    assert ready.json()["checks"]["database"]["status"] == "ok"
    health = (await client.get(f"{prefix}/health")).json()
    assert health["status"] == "ok"
    assert set(health) == {"status", "checks"}


async def test_readiness_asks_the_database(storage_settings: StorageSettings) -> None:
    async with running_service(service_settings(storage_settings)) as running:
        client = running.anonymous
        assert (await client.get("/health/ready")).status_code == 200
        async with running.app.state.database.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE users RENAME TO elsewhere"))
        running.app.state.readiness._kept = None
        response = await client.get("/health/ready")
        assert response.status_code == 503
        error = response.json()["error"]
        assert error["code"] == "SERVICE_UNAVAILABLE"
        assert error["details"]["checks"]["database"] == {"status": "failed", "latency_ms": None}
        assert "users" not in response.text
        assert (await client.get("/health")).json()["status"] == "degraded"
        assert (await client.get("/health/live")).status_code == 200


async def test_readiness_asks_redis(sqlite_settings: StorageSettings, redis_server: RedisServer) -> None:
    settings = service_settings(sqlite_settings, distributed={"redis_url": redis_server.url})
    async with running_service(settings) as running:
        client = running.anonymous
        assert set((await client.get("/health/ready")).json()["checks"]) == {"database", "redis"}
        redis_server.stop()
        running.app.state.readiness._kept = None
        response = await client.get("/health/ready")
        assert response.status_code == 503
        assert response.json()["error"]["details"]["checks"]["redis"]["status"] == "failed"
        response = await client.get("/health/ready?optional=redis")  # all replicas at once must not leave an ingress
        assert (response.status_code, response.json()["checks"]["redis"]["status"]) == (200, "failed")
        assert (await client.get("/health/ready?optional=database")).status_code == 422


async def test_a_part_that_hangs_is_a_timeout_and_asked_once() -> None:
    asked = 0

    async def hangs() -> None:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()

    readiness = Readiness({"part": hangs}, timeout_seconds=0.05)
    found = await asyncio.gather(*(readiness.results() for _ in range(10)))
    assert all(results["part"].status == "timeout" for results in found)
    assert asked == 1


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/metrics"])
async def test_metrics_need_a_permission(running: Running, path: str) -> None:
    assert (await running.anonymous.get(path)).status_code == 401
    admin = await running.admin()
    scraper = await running.api_key(admin, scopes=[Permission.METRICS_READ])
    response = await scraper.get(path)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    blind = await running.api_key(admin, scopes=[Permission.PROVIDER_READ])
    assert (await blind.get(path)).status_code == 403


async def test_requests_are_counted_by_template(running: Running) -> None:
    viewer = await running.user("viewer", Role.VIEWER)
    for name in ("one", "two"):
        await viewer.get(f"/api/v1/providers/{name}")
    await viewer.get("/api/v1/not/there")
    await viewer.request("BREW", "/api/v1/providers")
    running.app.state.metrics.active_benchmarks.set_function(lambda: 3)
    running.app.state.metrics.websocket_connections.set_function(lambda: 1)
    families = {family.name: family for family in text_string_to_metric_families((await viewer.get("/metrics")).text)}
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    template = ("path", "/api/v1/providers/{name}")
    assert samples["llm_api_requests_total", ("method", "GET"), template, ("status", "404")] == 2
    assert samples["llm_api_duration_seconds_count", ("method", "GET"), template] == 2
    assert samples["llm_active_benchmarks",] == 3
    assert samples["llm_websocket_connections",] == 1
    assert samples["process_resident_memory_bytes",] > 1e6
    assert "process_cpu_seconds" in families
    assert "llm_active_sessions" in families
    paths = {sample.labels["path"] for sample in families["llm_api_requests"].samples}
    assert not any("one" in path or "not/there" in path for path in paths)
    assert {sample.labels["method"] for sample in families["llm_api_requests"].samples} <= {"GET", "POST", "OTHER"}


async def test_metrics_can_be_switched_off(sqlite_settings: StorageSettings) -> None:
    settings = service_settings(sqlite_settings, monitoring={"enable_metrics": False})
    async with running_service(settings) as running:
        admin = await running.admin()
        for path in ("/metrics", "/api/v1/metrics"):
            assert (await admin.get(path)).status_code == 404


async def test_the_scrapers_token_reads_metrics_and_nothing_else(sqlite_settings: StorageSettings) -> None:
    token = "a-token-of-the-scraper-00"
    settings = service_settings(sqlite_settings, monitoring={"metrics_token": token})
    async with running_service(settings) as running:
        scraper = running.bearer(token)
        assert (await scraper.get("/metrics")).status_code == 200
        assert (await scraper.get("/api/v1/providers")).status_code == 401
        for wrong in (token[:-1].encode(), token.encode() + b"0", b"\xe9" * 24):
            headers = {b"Authorization": b"Bearer " + wrong}
            assert (await running.anonymous.get("/metrics", headers=headers)).status_code == 401
        async with running.app.state.database.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE sessions RENAME TO elsewhere"))
        told = await scraper.get("/metrics")  # the database is broken, and the metrics are still there
        assert told.status_code == 200
        assert "llm_active_sessions NaN" in told.text
