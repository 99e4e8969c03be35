"""Request quotas: so many a minute with a burst, per caller and route, in memory or shared through Redis.

The algorithm is GCRA (the generic cell rate algorithm, ITU-T I.371): one instant per caller, the *theoretical arrival
time*, says everything, so a caller costs one number however large its burst is. The library `limits`, which counts
sign-in tries, has windows only and no bursts apart from the rate.

Told to clients in both shapes that are in use: `RateLimit-Limit/-Remaining/-Reset`
(draft-ietf-httpapi-ratelimit-headers-06, what most clients read) and `RateLimit-Policy` with `RateLimit` (structured
fields, revision 10, the newest).
"""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core.errors import RateLimitedError, ServiceUnavailableError
from app.core.redis import connect

MAX_CALLERS = 100_000
"""Kept in memory; beyond it the one that was idle longest is forgotten, and begins with a full burst again."""

_KEY_PREFIX = "ltb-quota:"
_RETRY_REDIS_SECONDS = 5.0
# One round trip, by the server's own clock, so that replicas need not agree on the time. Answers (allowed, TAT - now).
_SCRIPT = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1e6
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
local tat = tonumber(redis.call('GET', KEYS[1]) or now)
if tat < now then tat = now end
local allowed = 0
if tat - now <= tolerance + 1e-6 then
  allowed = 1
  tat = tat + interval
  redis.call('SET', KEYS[1], string.format('%.6f', tat), 'PX', math.ceil((tat - now) * 1000) + 1000)
end
return {allowed, string.format('%.6f', tat - now)}
"""

OnRedisFailure = Literal["memory", "refuse", "allow"]

log = structlog.get_logger(__name__)


class Quota(NamedTuple):
    """What a caller may do: `per_minute` on average, `burst` at once. Quotas of different `name` are counted apart."""

    name: str
    per_minute: int
    burst: int

    @property
    def interval_seconds(self) -> float:
        """From one request to the next at the steady rate."""
        return 60 / self.per_minute

    @property
    def tolerance_seconds(self) -> float:
        """How far ahead of the steady rate a caller may run."""
        return self.interval_seconds * (self.burst - 1)


class QuotaStanding(NamedTuple):
    """Where a caller stands after one request."""

    quota: Quota
    allowed: bool
    ahead_seconds: float
    """Until the whole burst is there again."""

    @property
    def remaining(self) -> int:
        """Requests that may follow at once."""
        room = self.quota.tolerance_seconds - self.ahead_seconds
        return max(0, math.floor(room / self.quota.interval_seconds + 1 + 1e-6))

    @property
    def retry_after_seconds(self) -> int:
        """Whole seconds until the next request is allowed, at least one."""
        return max(1, math.ceil(self.ahead_seconds - self.quota.tolerance_seconds - 1e-6))

    def headers(self) -> dict[str, str]:
        """Response headers, see the module."""
        quota = self.quota
        remaining = self.remaining
        reset = math.ceil(self.ahead_seconds) if self.allowed else self.retry_after_seconds
        window = max(1, round(quota.burst * quota.interval_seconds))
        return {
            "RateLimit-Limit": str(quota.burst),
            "RateLimit-Remaining": str(remaining),
            "RateLimit-Reset": str(reset),
            "RateLimit-Policy": f'"{quota.name}";q={quota.burst};w={window}',
            "RateLimit": f'"{quota.name}";r={remaining};t={reset}',
        }


class QuotaExceededError(RateLimitedError):
    """Too many requests; carries the caller's standing for the response headers."""

    def __init__(self, standing: QuotaStanding) -> None:
        wait = standing.retry_after_seconds
        quota = standing.quota
        super().__init__(
            f"too many requests: {quota.per_minute} per minute are allowed, {quota.burst} at once; "
            f"try again in {wait} s",
            retry_after_seconds=wait,
            limit_per_minute=quota.per_minute,
            burst_size=quota.burst,
            policy=quota.name,
        )
        self.standing = standing

    def headers(self) -> dict[str, str]:
        return super().headers() | self.standing.headers()


class Buckets(Protocol):
    """Where theoretical arrival times are kept."""

    async def take(self, quota: Quota, key: str) -> QuotaStanding:
        """Count one request, unless it is over the quota."""
        ...


class MemoryBuckets:
    """Of this process, least recently seen first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, max_callers: int = MAX_CALLERS) -> None:
        self._clock = clock
        self._max_callers = max_callers
        self._arrival: OrderedDict[tuple[str, str], float] = OrderedDict()

    def take_now(self, quota: Quota, key: str) -> QuotaStanding:
        """Count one request, unless it is over the quota."""
        now = self._clock()
        name = (quota.name, key)
        arrival = max(self._arrival.get(name, now), now)
        if arrival - now > quota.tolerance_seconds + 1e-6:
            return QuotaStanding(quota, allowed=False, ahead_seconds=arrival - now)
        arrival += quota.interval_seconds
        self._arrival[name] = arrival
        self._arrival.move_to_end(name)
        if len(self._arrival) > self._max_callers:
            self._arrival.popitem(last=False)
        return QuotaStanding(quota, allowed=True, ahead_seconds=arrival - now)

    async def take(self, quota: Quota, key: str) -> QuotaStanding:
        return self.take_now(quota, key)


class RedisBuckets:
    """Shared by all replicas of one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._script = redis.register_script(_SCRIPT)

    async def take(self, quota: Quota, key: str) -> QuotaStanding:
        digest = hashlib.sha256(f"{quota.name}\0{key}".encode()).hexdigest()
        found = await self._script(keys=[_KEY_PREFIX + digest], args=[quota.interval_seconds, quota.tolerance_seconds])
        allowed, ahead = cast("tuple[int, bytes]", found)
        return QuotaStanding(quota, allowed=bool(allowed), ahead_seconds=float(ahead))


class Quotas:
    """Counts requests in Redis when there is one, else here; what happens while Redis fails is configured."""

    def __init__(self, redis_url: str | None = None, on_redis_failure: OnRedisFailure = "memory") -> None:
        self._memory = MemoryBuckets()
        self._redis = connect(redis_url, client_name="ltb-quotas") if redis_url is not None else None
        self._shared = RedisBuckets(self._redis) if self._redis is not None else None
        self._on_failure = on_redis_failure
        self._failed_at: float | None = None

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._redis is not None:
            await self._redis.aclose()

    async def take(self, quota: Quota, key: str) -> QuotaStanding | None:
        """Count one request; None when nothing could be counted and that means "let it in".

        Raises:
            QuotaExceededError: it is over the quota.
            ServiceUnavailableError: Redis failed, and the configuration says to refuse then.
        """
        standing = await self._standing(quota, key)
        if standing is not None and not standing.allowed:
            raise QuotaExceededError(standing)
        return standing

    async def _standing(self, quota: Quota, key: str) -> QuotaStanding | None:
        if self._shared is None:
            return self._memory.take_now(quota, key)
        now = time.monotonic()
        # A Redis that hangs must not add its time-out to every request: after a failure it is left alone for a while.
        if self._failed_at is None or now - self._failed_at >= _RETRY_REDIS_SECONDS:
            try:
                standing = await self._shared.take(quota, key)
            except (RedisError, OSError) as error:
                self._failed_at = time.monotonic()
                log.warning("request limits: Redis failed", error=str(error), instead=self._on_failure)
            else:
                self._failed_at = None
                return standing
        if self._on_failure == "refuse":
            raise LimitsUnavailableError
        return self._memory.take_now(quota, key) if self._on_failure == "memory" else None


class LimitsUnavailableError(ServiceUnavailableError):
    """Redis is gone and `server.rate_limit.on_redis_failure` is `refuse`."""

    def __init__(self) -> None:
        super().__init__("requests cannot be counted because Redis does not answer; try again soon")

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(math.ceil(_RETRY_REDIS_SECONDS))}
