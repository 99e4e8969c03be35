"""What a running shard tells: its ticks to the coordinator, its newest results to whoever watches."""

import heapq
from collections import deque
from datetime import UTC, datetime
from uuid import UUID

from app.benchmarks.announcements import tick_channel
from app.benchmarks.audience import Audience
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.shard_reports import ShardTick
from app.benchmarks.shard_watch import Watch
from app.events.bus import Bus
from app.events.types import Event, Topic

_RESULTS = 10
_EXTREMES = 5
_ERROR_CHARACTERS = 200


class ShardTeller:
    """Publishes a shard's ticks, and the newest results as `test.completed`."""

    def __init__(self, bus: Bus, session_id: UUID, audience: Audience, watch: Watch) -> None:
        self._bus = bus
        self._session_id = session_id
        self._audience = audience
        self._watch = watch
        self._newest: deque[MeasuredResult] = deque(maxlen=_RESULTS)
        self._slowest: list[MeasuredResult] = []
        self._failed: deque[MeasuredResult] = deque(maxlen=_EXTREMES)
        self._number = 0

    def remember(self, results: list[MeasuredResult]) -> None:
        """Results that have been measured."""
        self._newest.extend(results)
        self._failed.extend(result for result in results if result.status != "ok")
        timed = [result for result in results if result.status == "ok" and result.e2e_ms is not None]
        self._slowest = heapq.nlargest(_EXTREMES, [*self._slowest, *timed], key=lambda one: one.e2e_ms or 0.0)
        self._number += len(results)

    async def tell(self, tick: ShardTick) -> None:
        """Publish."""
        await self._bus.publish_raw(tick_channel(self._session_id), tick.encode())
        if not self._number:
            return
        names = ("id", "index", "status", "error_type", "provider", "model", "ttft_ms", "e2e_ms", "output_tokens")
        newest = [{name: _plain(getattr(result, name)) for name in names} for result in self._newest]
        slowest = [{"index": one.index, "ttft_ms": one.ttft_ms, "e2e_ms": one.e2e_ms} for one in self._slowest]
        payload = {
            "number": self._number,
            "newest": newest,
            "slowest": slowest,
            "failed": [_failure(result) for result in self._failed],
        }
        self._newest.clear()
        self._slowest.clear()
        self._failed.clear()
        self._number = 0
        await self._bus.publish(
            Event(
                Topic.TEST_COMPLETED,
                payload,
                datetime.now(UTC),
                session_id=self._session_id,
                **(self._watch.audience or self._audience)._asdict(),
            )
        )


def _failure(result: MeasuredResult) -> dict[str, object]:
    return {
        "index": result.index,
        "error_type": result.error_type or "unknown",
        "error": result.error[:_ERROR_CHARACTERS] if result.error else None,
        "http_status": result.http_status,
        "attempts": result.attempts,
        "failed_after_ms": result.stream_end_ms,
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value
