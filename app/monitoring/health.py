"""Whether this process is alive, and whether it can do its work: real checks with a time-out, kept for a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog
from redis.asyncio import Redis
from sqlalchemy import text

from app.core.database import Database
from app.monitoring.schemas import CheckResult

CHECK_TIMEOUT_SECONDS = 3.0
KEPT_SECONDS = 1.0  # the endpoints are public: however often they are asked, each part is asked once a second

Check = Callable[[], Awaitable[None]]
log = structlog.get_logger(__name__)


class Readiness:
    """Runs named checks together."""

    def __init__(self, checks: Mapping[str, Check], timeout_seconds: float = CHECK_TIMEOUT_SECONDS) -> None:
        self._checks = dict(checks)
        self._timeout_seconds = timeout_seconds
        self.is_draining = False
        """Set when the service is told to stop: it finishes what it has, and is to get nothing new."""
        self._lock = asyncio.Lock()
        self._kept: tuple[float, dict[str, CheckResult]] | None = None

    async def results(self) -> dict[str, CheckResult]:
        """The result of each check, at most a second old."""
        async with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] >= KEPT_SECONDS:
                found = await asyncio.gather(*(self._run(name, check) for name, check in self._checks.items()))
                self._kept = (time.monotonic(), dict(zip(self._checks, found, strict=True)))
            return self._kept[1]

    async def _run(self, name: str, check: Check) -> CheckResult:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await check()
        except TimeoutError:
            log.warning("a readiness check timed out", check=name)
            return CheckResult(status="timeout", latency_ms=None)
        except Exception as error:  # noqa: BLE001
            # Whatever a driver raises means "not ready"; what it says stays in the log, these endpoints are public.
            log.warning("a readiness check failed", check=name, error=str(error))
            return CheckResult(status="failed", latency_ms=None)
        return CheckResult(status="ok", latency_ms=round((time.perf_counter() - started) * 1000, 2))


def database_check(database: Database) -> Check:
    """Asks the database for a row of a real table, so that a missing migration shows too."""

    async def check() -> None:
        async with database.read() as session:
            await session.execute(text("SELECT 1 FROM users LIMIT 1"))

    return check


def redis_check(url: str) -> Check:
    """Asks Redis for a pong over a new connection."""

    async def check() -> None:
        async with Redis.from_url(
            url, socket_timeout=CHECK_TIMEOUT_SECONDS, socket_connect_timeout=CHECK_TIMEOUT_SECONDS
        ) as client:
            await client.ping()

    return check
