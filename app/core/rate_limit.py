"""Rate limits over a sliding window of one minute, in memory or shared through Redis.

The window is two weighted counters (library `limits`), so a caller costs two numbers however high its limit is.

When Redis fails, each process falls back to its own memory: a limit that is too generous for a while is better than
none, and than a service that is down because its cache is.
"""

import hashlib
import ipaddress
import math
import time
from typing import NamedTuple

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from app.core.errors import RateLimitedError

WINDOW_SECONDS = 60
_REDIS_TIMEOUT_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Standing(NamedTuple):
    """Where a caller stands within a limit after one request."""

    limit: int
    remaining: int
    reset_seconds: int
    allowed: bool

    def headers(self) -> dict[str, str]:
        """Response headers (draft-ietf-httpapi-ratelimit-headers, separate fields)."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }


class RateLimitExceededError(RateLimitedError):
    """Too many requests; carries the caller's standing for the response headers."""

    def __init__(self, message: str, standing: Standing) -> None:
        super().__init__(message, retry_after_seconds=max(1, standing.reset_seconds), limit_per_minute=standing.limit)
        self.standing = standing

    def headers(self) -> dict[str, str]:
        return super().headers() | self.standing.headers()


class RateLimiter:
    """Counts hits per key. Keys are digested, so nothing that a client sent is kept readable."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._memory = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared: SlidingWindowCounterRateLimiter | None = None
        self._pool: ConnectionPool | None = None
        if redis_url is not None:
            self._pool = ConnectionPool.from_url(
                redis_url, socket_timeout=_REDIS_TIMEOUT_SECONDS, socket_connect_timeout=_REDIS_TIMEOUT_SECONDS
            )
            storage = RedisStorage(
                f"async+{redis_url}",
                implementation="redispy",
                key_prefix="ltb-limits",
                connection_pool=self._pool,  # type: ignore[arg-type]  # its options are typed as scalars
            )
            self._shared = SlidingWindowCounterRateLimiter(storage)

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._pool is not None:
            await self._pool.aclose()

    async def hit(self, per_minute: int, *key: str) -> Standing:
        """Count one request against `key` and say where it stands; never raises for being over."""
        item = RateLimitItemPerMinute(per_minute)
        digest = hashlib.sha256("\0".join(key).encode()).hexdigest()
        if self._shared is not None:
            try:
                return await _hit(self._shared, item, digest)
            except (RedisError, OSError) as error:
                log.warning("rate limits are counted per process: Redis failed", error=str(error))
        return await _hit(self._memory, item, digest)

    async def enforce(self, per_minute: int, what: str, *key: str) -> Standing:
        """Count one request and refuse it when it is over the limit.

        Raises:
            RateLimitExceededError: naming `what` there were too many of, and when to come back.
        """
        standing = await self.hit(per_minute, *key)
        if not standing.allowed:
            raise RateLimitExceededError(
                f"too many {what}: {per_minute} per minute are allowed; try again in {standing.reset_seconds} s",
                standing,
            )
        return standing


async def _hit(limiter: SlidingWindowCounterRateLimiter, item: RateLimitItemPerMinute, digest: str) -> Standing:
    allowed = await limiter.hit(item, digest)
    stats = await limiter.get_window_stats(item, digest)
    reset = min(WINDOW_SECONDS, max(1, math.ceil(stats.reset_time - time.time())))
    return Standing(item.amount, max(0, stats.remaining), reset, allowed)


def address_key(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that one IPv6 customer owns."""
    try:
        parsed = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
