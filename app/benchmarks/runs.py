"""One benchmark while it runs, as its coordinator knows it."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from app.benchmarks.alerts import RunAlerts
from app.benchmarks.audience import Audience
from app.benchmarks.budget import BudgetWatch
from app.benchmarks.course import Course
from app.benchmarks.exploring import Exploration
from app.benchmarks.live import LiveRun
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.shard_reports import ShardOutcome
from app.benchmarks.states import Status
from app.benchmarks.stop_signal import BUDGET_REACHED
from app.benchmarks.supervisor import slo_of
from app.benchmarks.token_probe import Probed
from app.core.leases import Lease
from app.stats.instrument import InstrumentFacts
from app.stats.run_statistics import RunStatistics

T = TypeVar("T")


@dataclass
class Run:
    """What is known about it. Whoever ends it early says so with `end_early`; the first reason counts."""

    session_id: UUID
    audience: Audience
    name: str
    spec: BenchmarkSpec
    live: LiveRun
    statistics: RunStatistics
    exploration: Exploration
    budget: BudgetWatch
    instrument: InstrumentFacts = field(default_factory=InstrumentFacts)
    error: str | None = None
    stop_reason: str | None = None
    is_cancelled: bool = False
    has_begun: bool = False
    probed: dict[int, Probed] = field(default_factory=dict)  # by the index of the target
    begun_seconds: float = field(default_factory=time.monotonic)
    lease: Lease | None = None
    course: Course = field(default_factory=Course)
    is_let_go: bool = False  # another server goes on with it, or has begun to
    shards: list[asyncio.Task[ShardOutcome]] = field(default_factory=list)
    _ends: asyncio.Event = field(default_factory=asyncio.Event)

    @cached_property
    def alerts(self) -> RunAlerts:
        """What is watched for while it runs."""
        return RunAlerts(self.session_id, self.name, lambda: self.audience)

    @property
    def status(self) -> Status:
        """As shown while it runs."""
        return Status.CANCELLING if self.is_cancelled else Status.RUNNING

    @property
    def ends(self) -> bool:
        """Whether nothing more may be started."""
        return self.stop_reason is not None or self.error is not None

    def restart_clock(self, origin_ns: int) -> None:
        """Count time from here on; nothing may have been measured yet."""
        waits_for = self.live.waits_for
        self.live = LiveRun(self.spec, origin_ns)
        self.live.waits_for = waits_for
        self.statistics = RunStatistics(origin_ns, slo_of(self.spec))

    def end_early(self, reason: str) -> None:
        """Start nothing more; a budget that is reached gives way to any other reason."""
        if self.stop_reason is None or self.stop_reason == BUDGET_REACHED:
            self.stop_reason = reason
        self._ends.set()

    def lose(self) -> None:
        """Another server coordinates it now (this one was silent for too long): leave it alone."""
        self.is_let_go = True
        self.end_early("another server coordinates it")
        for shard in self.shards:
            shard.cancel()

    async def unless_it_ends(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What `work` gives; None when the run ends before, and then `work` is cancelled."""
        working = asyncio.create_task(work)
        ending = asyncio.create_task(self._ends.wait())
        try:
            await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else None
        finally:
            for task in (working, ending):
                task.cancel()
            await asyncio.gather(working, ending, return_exceptions=True)
