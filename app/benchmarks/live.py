"""What is known about running benchmarks: merges the ticks of all shards into progress and a timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.benchmarks import load_facts, offered, planner
from app.benchmarks.explorations import Search
from app.benchmarks.live_points import Known, LivePoints, masked, rows_of
from app.benchmarks.offered import StageStart
from app.benchmarks.planner import Point
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.shard_reports import ShardTick
from app.benchmarks.states import Status
from app.benchmarks.supervisor import slo_of
from app.stats.error_classes import ErrorClasses
from app.stats.histogram import Histogram
from app.stats.rolling import SERIES, RollingWindow, Slot
from app.stats.run_statistics import Counters, RunStatistics, TargetKey

_NS_PER_S = 1e9
_PERCENTILES = (50.0, 95.0, 99.0)


@dataclass
class _ShardCounters:
    started: int = 0
    in_flight: int = 0
    waiting: int = 0


class LiveRun:
    """One running benchmark. `origin_ns` is the instant at which its first shard starts."""

    def __init__(self, spec: BenchmarkSpec, origin_ns: int) -> None:
        self.statistics = RunStatistics(origin_ns, slo_of(spec))
        self.target_index = 0
        self.point: Point | None = None
        self.errors = ErrorClasses()
        self._stages: list[StageStart] = []
        self._spec = spec
        self._origin_ns = origin_ns
        self._stage_began_ns = origin_ns
        self._planned = planner.requests_planned(spec)
        self._seconds = load_facts.seconds(spec)
        self._window = RollingWindow()
        self._reported_ns = origin_ns
        self._points_told = LivePoints(origin_ns)
        self._shards: dict[tuple[int, int, int], _ShardCounters] = {}
        self._points = planner.point_count(spec)
        self._ended_before = 0  # the stage began
        self.is_preparing = False
        self.waits_for: str | None = None  # what of the cluster it waits for before it can go on

    def prepare(self) -> None:
        """Time does not count until the first stage begins: it waits for workers, or asks the targets something."""
        self.is_preparing = True

    def begin_stage(self, target_index: int, start_at_ns: int, point: Point | None = None) -> None:
        """The next target's turn, or the next point's."""
        self.is_preparing, self.waits_for = False, None
        self.target_index = target_index
        self.point = point
        self._stage_began_ns = start_at_ns
        self._ended_before = self.counters().total
        self._stages.append(StageStart((start_at_ns - self._origin_ns) / _NS_PER_S, point.level if point else None))

    def take(self, tick: ShardTick) -> RunStatistics:
        """Merge a shard's report; the answer is what it measured since its last one."""
        delta = RunStatistics.decode(tick.delta)
        # What is shown is of the whole target: keeping its points apart would only take memory.
        delta.targets = {TargetKey(key.provider, key.model): target for key, target in delta.targets.items()}
        touched = delta.timeline
        self.statistics.merge(delta)
        shard = (tick.target, tick.point, tick.shard)
        width_s = self.statistics.timeline.width_s
        self._points_told.take(shard, tick.at_ns, tick.settled_ns, touched, width_s)
        self._reported_ns = max(self._reported_ns, tick.at_ns)
        slot = self._window.slot(max(int((tick.at_ns - self._origin_ns) // _NS_PER_S), 0))
        slot.add(delta)
        for statistics in delta.targets.values():
            self.errors.add((tick.at_ns - self._origin_ns) / _NS_PER_S, statistics.counters.by_error_type)
        counters = _ShardCounters(tick.started, tick.in_flight, tick.waiting)
        self._shards[shard] = counters
        return delta

    def counters(self) -> Counters:
        """Requests that have ended so far, over all targets."""
        total = Counters()
        for target in self.statistics.targets.values():
            total.merge(target.counters, one_after_another=True)
        return total

    def timeline(self) -> dict[str, list[float | None]]:
        """All columns, for a run that is over."""
        return self.with_offered(self.statistics.timeline.columns())

    def with_offered(self, columns: dict[str, list[float | None]]) -> dict[str, list[float | None]]:
        """Columns of a timeline of this run, with what its load offered beside what was achieved."""
        at = columns["t_s"]
        width_s = (at[1] or 0.0) - (at[0] or 0.0) if len(at) > 1 else float(self.statistics.timeline.width_s)
        return columns | {"offered_per_s": offered.column(self._spec, self._stages, at, width_s)}

    def timeline_so_far(self) -> dict[str, list[float | None]]:
        """Columns of a run that lasts, up to the newest second that `progress` tells as its point."""
        known = self._known(self._reported_ns)
        return masked(self.with_offered(self.statistics.timeline.columns(range(known.told))), 0, known.whole)

    def news(self, now_ns: int) -> list[dict[str, Any]]:
        """Points before that of `progress` of which something has become known; each is told once."""
        known = self._known(now_ns)
        return self._rows(known, self._points_told.news(known))

    def progress(self, status: Status, now_ns: int) -> dict[str, Any]:
        """The `Progress` document, see `benchmarks.views`."""
        counters = self.counters()
        if self.is_preparing:
            now_ns = self._origin_ns
        elapsed_s = max((now_ns - self._origin_ns) / _NS_PER_S, 0.0)
        recent = self._window.total()
        covered_s = min(elapsed_s, self._window.seconds - 1 + elapsed_s % 1)
        percent = self._percent(counters.total, now_ns)
        if status == Status.COMPLETED and isinstance(self._spec.explore, Search):
            percent = 100.0  # how many points it would need was not known before
        eta_s = elapsed_s * (100 - percent) / percent if percent else None
        tpot = self._percentiles(recent, "tpot", 50.0)
        known = self._known(now_ns)

        def rate(count: int) -> float:
            return count / covered_s if covered_s > 0 else 0.0

        return {
            "status": status.value,
            "waits_for": self.waits_for,
            "planned": self._planned,
            "started": self._sum("started"),
            "completed": counters.total,
            "ok": counters.ok,
            "failed": counters.failed,
            "in_flight": self._sum("in_flight"),
            "waiting": self._sum("waiting"),
            "elapsed_s": elapsed_s,
            "eta_s": eta_s,
            "percent": percent,
            "requests_per_s": rate(recent.counters.ok),
            "output_tokens_per_s": rate(recent.counters.output_tokens),
            "chunks_per_s": rate(recent.counters.chunks),
            "ttft_ms": self._named(recent, "ttft"),
            "gap_ms": self._named(recent, "gap"),
            "tpot_ms": {"p50": tpot[0]} if tpot else None,
            "error_rate": counters.failed / counters.total if counters.total else 0.0,
            "cost_usd": counters.known_cost_usd,
            "errors": dict(sorted(counters.by_error_type.items())),
            "point": next(iter(self._rows(known, range(known.told)[-1:])), None),
            "earlier": [],
            "target_index": self.target_index,
            **self._exploration(),
        }

    def started(self) -> int:
        """Requests that have started, over all targets."""
        return self._sum("started")

    def _exploration(self) -> dict[str, Any]:
        explore = self._spec.explore
        if explore is None:
            return {"point_index": None, "points": None, "level": None, "parameter": None, "explores": None}
        return {
            "point_index": self.point.point if self.point else 0,
            "points": self._points,
            "level": self.point.level if self.point else None,
            "parameter": explore.parameter,
            "explores": explore.kind,
        }

    def _sum(self, name: str) -> int:
        return sum(getattr(counters, name) for counters in self._shards.values())

    def _percent(self, completed: int, now_ns: int) -> float | None:
        shares = []
        if self._planned:
            shares.append(completed / self._planned)
        if self._seconds is not None:
            elapsed_s = max((now_ns - self._stage_began_ns) / _NS_PER_S, 0.0)
            shares.append(self._share_with(elapsed_s / self._seconds if self._seconds else 1.0))
        if isinstance(self._spec.explore, Search) and (requests := self._spec.stop.requests) is not None:
            shares.append(self._share_with((completed - self._ended_before) / requests))
        return min(max(shares), 1.0) * 100 if shares else None

    def _share_with(self, of_stage: float) -> float:
        """Share of the run that is over; of a search, which may end early, at least."""
        stage = self.target_index * self._points + (self.point.point if self.point else 0)
        return (stage + min(max(of_stage, 0.0), 1.0)) / (len(self._spec.targets) * self._points)

    def _percentiles(self, slot: Slot, name: str, *wanted: float) -> list[float] | None:
        """Of the window; while nothing has been reported in it, of the run so far."""
        if (values := slot.percentiles_ms(name, *wanted)) is not None:
            return values
        so_far = Slot()
        for target in self.statistics.targets.values():
            so_far.histograms[name].merge(target.metrics[SERIES[name]].histogram)
        return so_far.percentiles_ms(name, *wanted)

    def _named(self, slot: Slot, name: str) -> dict[str, float] | None:
        values = self._percentiles(slot, name, *_PERCENTILES)
        return dict(zip(("p50", "p95", "p99"), values, strict=True)) if values else None

    def _known(self, now_ns: int) -> Known:
        """How much of the timeline can be told."""
        ended = Histogram()
        for target in self.statistics.targets.values():
            ended.merge(target.metrics["stream_end_ms"].histogram)
        longest = ended.percentiles(99.0)
        known = self._points_told.known(now_ns, longest[0] / _NS_PER_S if longest else None)
        length = len(self.statistics.timeline)
        return Known(min(known.told, length), min(known.whole, length))

    def _rows(self, known: Known, points: Sequence[int]) -> list[dict[str, Any]]:
        """Points of the timeline as documents, without what is not known yet."""
        found = []
        for point in points:
            columns = self.with_offered(self.statistics.timeline.columns(range(point, point + 1)))
            found += rows_of(masked(columns, point, known.whole))
        return found


class LiveRuns:
    """The benchmarks that this process coordinates, for those who ask about them."""

    def __init__(self) -> None:
        self._runs: dict[UUID, LiveRun] = {}
        self._progress: dict[UUID, dict[str, Any]] = {}

    def put(self, session_id: UUID, run: LiveRun) -> None:
        """A benchmark has begun."""
        self._runs[session_id] = run

    def set_progress(self, session_id: UUID, progress: dict[str, Any]) -> None:
        """Keep the newest progress, as it was published."""
        self._progress[session_id] = progress

    def drop(self, session_id: UUID) -> None:
        """A benchmark has ended."""
        self._runs.pop(session_id, None)
        self._progress.pop(session_id, None)

    def __len__(self) -> int:
        return len(self._runs)

    def progress(self, session_id: UUID) -> dict[str, Any] | None:
        """The newest progress; None when this process does not run it."""
        return self._progress.get(session_id)

    def run(self, session_id: UUID) -> LiveRun | None:
        """The run itself; None when this process does not run it."""
        return self._runs.get(session_id)

    def timeline(self, session_id: UUID) -> dict[str, list[float | None]] | None:
        """The timeline so far; None when this process does not run it."""
        run = self._runs.get(session_id)
        return run.timeline_so_far() if run else None
