"""Limits count per key, say where a caller stands, and survive the loss of Redis."""

import pytest

from app.core.rate_limit import RateLimiter, RateLimitExceededError, address_key
from tests.servers import RedisServer


async def _exercise(limiter: RateLimiter) -> None:
    standings = [await limiter.hit(3, "login", "a") for _ in range(4)]
    assert [standing.allowed for standing in standings] == [True, True, True, False]
    assert [standing.remaining for standing in standings] == [2, 1, 0, 0]
    assert all(1 <= standing.reset_seconds <= 60 for standing in standings)
    assert (await limiter.hit(3, "login", "b")).allowed
    with pytest.raises(RateLimitExceededError) as caught:
        await limiter.enforce(3, "sign-in tries", "login", "a")
    headers = caught.value.headers()
    assert int(headers["Retry-After"]) >= 1
    assert headers["RateLimit-Limit"] == "3"
    assert headers["RateLimit-Remaining"] == "0"
    assert caught.value.http_status == 429
    assert caught.value.retryable


async def test_in_memory() -> None:
    await _exercise(RateLimiter())


async def test_shared_through_redis(redis_url: str) -> None:
    limiter, other = RateLimiter(redis_url), RateLimiter(redis_url)
    try:
        await _exercise(limiter)
        assert not (await other.hit(3, "login", "a")).allowed
    finally:
        await limiter.close()
        await other.close()


async def test_without_redis_each_process_counts_itself(redis_server: RedisServer) -> None:
    limiter = RateLimiter(redis_server.url)
    redis_server.stop()
    try:
        await _exercise(limiter)
    finally:
        await limiter.close()


def test_a_joined_key_is_not_ambiguous() -> None:
    assert address_key("192.0.2.7") == "192.0.2.7"
    assert address_key("::ffff:192.0.2.7") == "192.0.2.7"
    assert address_key("2001:db8:1:2:3::4") == address_key("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert address_key("2001:db8:1:3::4") != address_key("2001:db8:1:2::9")
    assert address_key("fe80::1%eth0") == "fe80::/64"
    assert address_key("testclient") == "testclient"
