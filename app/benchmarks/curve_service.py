"""The shape of a benchmark's latencies: curves with bands, heatmaps, errors over time; of stored and running ones."""

import asyncio
import math
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, select

from app.accounts.caller import Caller
from app.benchmarks.audience import visible_to
from app.benchmarks.curve_views import (
    CdfCurve,
    Curve,
    Distributions,
    ErrorTimeline,
    Heatmap,
    Metric,
    Part,
    SpectrumCurve,
)
from app.benchmarks.live import LiveRun, LiveRuns
from app.benchmarks.models import BenchmarkSession
from app.core.database import Database
from app.core.errors import InvalidRequestError, NotFoundError
from app.stats import curves, heatmap
from app.stats.distribution import Distribution
from app.stats.run_statistics import RunStatistics, TargetKey, TargetStatistics
from app.stats.slices import Slices
from app.stats.steady import GivenWindow, find_window

_LIVE_SERIES = {"ttft_ms": "ttft", "icl_ms": "gap"}
_RUNS = "it is known when the benchmark has ended"
_ELSEWHERE = "another server process runs this benchmark; it is known when the benchmark has ended"
_OLD = "this benchmark was measured before slices of time were kept"


class Chosen(NamedTuple):
    """Which part of a run: a target by its position in the spec, one of its levels; None is all."""

    target: int | None = None
    point: int | None = None


class Stretch(NamedTuple):
    """Seconds of the run; None is its beginning or end."""

    from_s: float | None = None
    to_s: float | None = None

    def check(self) -> None:
        """Raise `InvalidRequestError` when it is none."""
        if self.from_s is not None and self.to_s is not None and self.from_s >= self.to_s:
            message = "must be above from_s"
            raise InvalidRequestError(f"to_s: {message}", errors=[{"path": "to_s", "message": message}])

    @property
    def is_set(self) -> bool:
        """Whether anything is given."""
        return (self.from_s, self.to_s) != (None, None)


@dataclass(frozen=True)
class _Stored:
    targets: list[tuple[str, str]]
    window: GivenWindow
    statistics: RunStatistics


class CurveService:
    """Serves requests about the shape of latencies; a caller sees that of the benchmarks that they see."""

    def __init__(self, database: Database, live: LiveRuns) -> None:
        self._database = database
        self._live = live

    async def distributions(
        self, caller: Caller, session_id: UUID, metric: Metric, stretch: Stretch, chosen: Chosen
    ) -> Distributions:
        """Curves of one metric.

        Raises:
            NotFoundError: there is no such benchmark.
            InvalidRequestError: it has no such target or level, or the stretch ends before it begins.
        """
        stretch.check()
        row = await self._row(caller, session_id)
        _check_target(row, chosen)
        if (live := self._live.run(session_id)) is not None:
            copied = _copied(live, metric, _names(row), chosen)
            return await asyncio.to_thread(_live_distributions, metric, copied)
        if row.histograms is None:
            note = _ELSEWHERE if row.summary is None else _OLD
            return Distributions(metric=metric, curves=[], parts=[], note=note)
        return await asyncio.to_thread(_distributions, row, metric, stretch, chosen)

    async def heatmap(self, caller: Caller, session_id: UUID, metric: Metric, chosen: Chosen) -> Heatmap:
        """Counts by time and latency; while the benchmark runs of `ttft_ms` and `icl_ms` only. Raises as above."""
        row = await self._row(caller, session_id)
        _check_target(row, chosen)
        if (live := self._live.run(session_id)) is not None:
            series = _LIVE_SERIES.get(metric)
            if series is None:
                return _heatmap(metric, heatmap.grid([]), "event", _RUNS)
            timeline = live.statistics.timeline
            points = dict(timeline.histograms[series])  # its values are replaced, never changed
            found = await asyncio.to_thread(lambda: heatmap.grid([heatmap.of_points(timeline.width_s, points)]))
            return _heatmap(metric, found, "event", None)
        if row.histograms is None:
            return _heatmap(metric, heatmap.grid([]), "start", _ELSEWHERE if row.summary is None else _OLD)
        found = await asyncio.to_thread(_stored_grid, row, metric, chosen)
        return _heatmap(metric, found, "start", None if found.columns else "nothing of it was measured")

    async def errors(self, caller: Caller, session_id: UUID) -> ErrorTimeline:
        """Failed requests per second by class; raises `NotFoundError`."""
        row = await self._row(caller, session_id)
        if (live := self._live.run(session_id)) is not None:
            at, series = live.errors.columns()
            return ErrorTimeline(by="report", width_s=live.errors.width_s, t_s=at, per_s=series)
        if row.histograms is None:
            return ErrorTimeline(by="start", width_s=1, t_s=[], per_s={})
        return await asyncio.to_thread(_stored_errors, row)

    async def _row(self, caller: Caller, session_id: UUID) -> Row[Any]:
        # Parts of the spec only: whole ones may hold megabytes of prompts.
        query = select(
            BenchmarkSession.spec["targets"].label("targets"),
            BenchmarkSession.spec["window"].label("window"),
            BenchmarkSession.summary,
            BenchmarkSession.histograms,
        ).where(BenchmarkSession.id == session_id, visible_to(caller))
        async with self._database.read() as session:
            row = (await session.execute(query)).one_or_none()
        if row is None:
            raise NotFoundError(f"there is no benchmark {session_id}", resource="benchmark", id=str(session_id))
        return row


def _names(row: Row[Any]) -> list[tuple[str, str]]:
    return [(target["provider"], target["model"]) for target in row.targets]


def _check_target(row: Row[Any], chosen: Chosen) -> None:
    if chosen.target is not None and chosen.target >= len(row.targets):
        message, allowed = "the benchmark has no such target", f"0 … {len(row.targets) - 1}"
        raise InvalidRequestError(
            f"target: {message}", errors=[{"path": "target", "message": message, "allowed": allowed}]
        )


def _stored(row: Row[Any]) -> _Stored:
    given = GivenWindow(**(row.window or {}))
    return _Stored(_names(row), given, RunStatistics.decode(row.histograms))


def _parts(stored: _Stored) -> list[Part]:
    keys = sorted(stored.statistics.targets, key=lambda key: (stored.targets.index(key[:2]), key.point))
    if len(keys) < 2:
        return []
    return [
        Part(
            target=stored.targets.index(key[:2]),
            provider=key.provider,
            model=key.model,
            point=None if key.level is None else key.point,
            level=key.level,
        )
        for key in keys
    ]


def _selected(stored: _Stored, chosen: Chosen) -> list[TargetStatistics]:
    wanted = None if chosen.target is None else stored.targets[chosen.target]
    found = [
        statistics
        for key, statistics in stored.statistics.targets.items()
        if (wanted is None or key[:2] == wanted) and (chosen.point is None or key.point == chosen.point)
    ]
    if chosen.point is not None and not found:
        message = "the benchmark has no such level of load"
        raise InvalidRequestError(f"point: {message}", errors=[{"path": "point", "message": message}])
    return found


def _distributions(row: Row[Any], metric: Metric, stretch: Stretch, chosen: Chosen) -> Distributions:
    stored = _stored(row)
    selected = _selected(stored, chosen)
    whole = Distribution()
    for statistics in selected:
        whole.merge(statistics.metrics[metric])
    found = [_curve("run", whole)]
    note = None
    if len(selected) == 1:
        slices = selected[0].slices
        window = find_window(selected[0], stored.window)
        if window.exists:
            low, high = window.low, window.high
            inside = slices.distributions(low, high)[metric]
            found.append(_curve("steady", inside, low * slices.width_s, high * slices.width_s))
        else:
            note = f"there is no steady window: {window.reason}"
    elif selected:
        note = "targets and levels were measured one after another: each has a steady window of its own"
    if stretch.is_set:
        found += _asked([statistics.slices for statistics in selected], metric, stretch)
    return Distributions(metric=metric, curves=found, parts=_parts(stored), note=note)


def _asked(slices: list[Slices], metric: Metric, stretch: Stretch) -> list[Curve]:
    """The curve of a stretch, whose ends are moved outwards to edges of slices."""
    together, from_s, to_s = Distribution(), math.inf, 0.0
    for one in slices:
        if not one.length:
            continue
        first, last = one.first, one.first + one.length
        low = first if stretch.from_s is None else max(first, math.floor(stretch.from_s / one.width_s))
        high = last if stretch.to_s is None else min(last, math.ceil(stretch.to_s / one.width_s))
        if low < high:
            together.merge(one.distributions(low, high)[metric])
            from_s, to_s = min(from_s, low * one.width_s), max(to_s, high * one.width_s)
    if math.isinf(from_s):
        return [_curve("window", together, stretch.from_s or 0.0, stretch.to_s)]
    return [_curve("window", together, from_s, to_s)]


def _copied(live: LiveRun, metric: Metric, names: list[tuple[str, str]], chosen: Chosen) -> Distribution:
    """The run so far; a copy, because ticks go on being merged while curves are made of it in a thread."""
    together = Distribution()
    for key, statistics in live.statistics.targets.items():
        if chosen.target is None or key == TargetKey(*names[chosen.target]):
            together.merge(statistics.metrics[metric])
    return together


def _live_distributions(metric: Metric, so_far: Distribution) -> Distributions:
    return Distributions(
        metric=metric, curves=[_curve("run", so_far)], parts=[], note=f"the run lasts; of its steady window {_RUNS}"
    )


def _curve(scope: Any, distribution: Distribution, from_s: float | None = None, to_s: float | None = None) -> Curve:
    moments, n = distribution.moments, distribution.histogram.total
    return Curve(
        scope=scope,
        from_s=from_s,
        to_s=to_s,
        n=n,
        min_ms=moments.minimum / 1e6 if n else None,
        max_ms=moments.maximum / 1e6 if n else None,
        mean_ms=moments.mean / 1e6 if n else None,
        cdf=CdfCurve.model_validate(curves.cdf(distribution)),
        spectrum=SpectrumCurve.model_validate(curves.spectrum(distribution)),
    )


def _stored_grid(row: Row[Any], metric: Metric, chosen: Chosen) -> heatmap.Grid:
    stored = _stored(row)
    return heatmap.grid([heatmap.of_slices(one.slices, metric) for one in _selected(stored, chosen)])


def _heatmap(metric: Metric, grid: heatmap.Grid, by: Any, note: str | None) -> Heatmap:
    return Heatmap(metric=metric, by=by, note=note, n=sum(grid.count), **vars(grid))


def _stored_errors(row: Row[Any]) -> ErrorTimeline:
    slices = [statistics.slices for statistics in RunStatistics.decode(row.histograms).targets.values()]
    width_ns = max((one.width_ns for one in slices), default=10**9)
    points: dict[int, dict[str, int]] = {}
    for one in slices:
        for number, counts in one.errors.items():
            point = points.setdefault(number * one.width_ns // width_ns, {})
            for name, count in counts.items():
                point[name] = point.get(name, 0) + count
    ordered, width_s = sorted(points), width_ns / 1e9
    names = sorted({name for counts in points.values() for name in counts})
    return ErrorTimeline(
        by="start",
        width_s=width_s,
        t_s=[number * width_s for number in ordered],
        per_s={name: [points[number].get(name, 0) / width_s for number in ordered] for name in names},
    )
