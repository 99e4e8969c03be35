"""Which point of a benchmark comes next, and what its points say in the end. The same for a run here or on a server.

A benchmark that explores nothing has one point per target; a sweep has those of its spec; a search decides with what
the points before have shown (`stats.search`). Pure but for the state that it keeps.
"""

from dataclasses import dataclass
from typing import Any

from app.benchmarks import planner
from app.benchmarks.budget import BudgetWatch
from app.benchmarks.explorations import Search
from app.benchmarks.loads import ClosedLoad, ClosedStepsLoad
from app.benchmarks.planner import Point
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.supervisor import window_of
from app.stats import interruptions
from app.stats.criteria import Criteria, Judgement, LatencyLimit, joined, judge
from app.stats.instrument import InstrumentFacts
from app.stats.pace import Pace, falls_behind, starts_late
from app.stats.run_statistics import RunStatistics, TargetKey, TargetStatistics
from app.stats.search import Probe, SearchPlan, answer, level_text, next_level, statement, warnings
from app.stats.summary import Conditions, figures


@dataclass(frozen=True)
class _Measured:
    """A point that has ended. `judgement` is None when nothing was asked of it, or when it was cut short."""

    point: Point
    certificate: dict[str, Any]
    judgement: Judgement | None
    cut_short: str | None


class Exploration:
    """The points of one benchmark, in order."""

    def __init__(self, spec: BenchmarkSpec) -> None:
        self._spec = spec
        self._conditions = Conditions(not isinstance(spec.load, ClosedLoad | ClosedStepsLoad), window=window_of(spec))
        self._measured: list[_Measured] = []
        self._ended: str | None = None  # why no further point is measured

    def next(self) -> Point | None:
        """The point to measure now; None when the benchmark is over."""
        if self._ended is not None:
            return None
        for target_index in range(len(self._spec.targets)):
            if (point := self._next_of(target_index)) is not None:
                return point
        return None

    def take(
        self,
        point: Point,
        statistics: RunStatistics,
        instrument: InstrumentFacts,
        pace: Pace,
        *,
        cut_short: str | None = None,
    ) -> None:
        """A point has ended. `statistics` are of the whole run so far, the rest of this point.

        `cut_short` says why the point, and the run with it, ended early: then there is no verdict and no next point.
        """
        self._ended = self._ended or cut_short
        mine = statistics.targets.get(self._key(point), TargetStatistics())
        counters = mine.counters
        round_ms = mine.metrics["stream_end_ms"].percentiles_ms(50.0)
        certificate = instrument.certificate(
            counters.chunks, counters.coalesced_chunks, round_ms[0] if round_ms else None
        )
        judgement = None
        if isinstance(self._spec.explore, Search) and cut_short is None:
            judgement = self._judge(point, statistics, certificate, pace)
        self._measured.append(_Measured(point, certificate, judgement, cut_short))

    def end(self, reason: str) -> None:
        """No further point will be measured, because the run has been stopped or has failed."""
        self._ended = self._ended or reason

    def summary(self, statistics: RunStatistics) -> dict[str, Any]:
        """The parts `points`, `exploration` and `warnings` of a summary."""
        explore = self._spec.explore
        if explore is None:
            return {"points": None, "exploration": None, "warnings": []}
        targets = range(len(self._spec.targets))
        stored = (key for key in statistics.targets if key.level is not None)
        keys = {*stored, *(self._key(one.point) for one in self._measured)}
        ordered = sorted(keys, key=self._position)
        return {
            "points": [self._row(key, statistics, is_last=key == ordered[-1]) for key in ordered],
            "exploration": {
                "kind": explore.kind,
                "parameter": explore.parameter,
                "confidence": explore.confidence if isinstance(explore, Search) else None,
                "by_target": [self._of_target(target, statistics) for target in targets],
            },
            "warnings": [warning for target in targets for warning in self._warnings(target, statistics)],
        }

    # ---------------------------------------------------------------- which comes next

    def _next_of(self, target_index: int) -> Point | None:
        done = [one for one in self._measured if one.point.target_index == target_index]
        if isinstance(self._spec.explore, Search):
            level = next_level(search_plan(self._spec.explore), self._probes(target_index))
            return None if level is None else Point(target_index, len(done), level)
        points = planner.first_points(self._spec, target_index)
        return points[len(done)] if len(done) < len(points) else None

    def _probes(self, target_index: int) -> list[Probe]:
        return [
            Probe(one.point.level, one.judgement)
            for one in self._measured
            if one.point.target_index == target_index and one.judgement is not None and one.point.level is not None
        ]

    # ---------------------------------------------------------------- verdicts

    def _judge(self, point: Point, statistics: RunStatistics, certificate: dict[str, Any], pace: Pace) -> Judgement:
        assert isinstance(self._spec.explore, Search)
        same_level = [
            self._key(one.point)
            for one in self._measured
            if (one.point.target_index, one.point.level) == (point.target_index, point.level)
            and not _is_client_bound(one.certificate)  # its load was not what it was said to be
        ]
        keys = [key for key in (*same_level, self._key(point)) if key in statistics.targets]
        together = joined([statistics.targets[key] for key in keys]) if keys else TargetStatistics()
        client = certificate["reason"] if _is_client_bound(certificate) else None
        problem = None
        if self._spec.explore.parameter == "rate":
            assert point.level is not None
            problem = starts_late(pace, point.level)
            if problem and not client and self._is_rate_limited():
                client = f"{problem}, because limits.requests_per_minute or limits.tokens_per_minute held them back"
            if problem:
                problem += ": the server does not keep up, and the cap on requests in flight is reached"
            problem = problem or self._growth(point, statistics, pace)
        return judge(together, search_plan(self._spec.explore).criteria, falls_behind=problem, client_limit=client)

    def _is_rate_limited(self) -> bool:
        return bool(self._spec.limits.requests_per_minute or self._spec.limits.tokens_per_minute)

    def _growth(self, point: Point, statistics: RunStatistics, pace: Pace) -> str | None:
        assert point.level is not None
        timeline = statistics.timeline
        width_ns = timeline.width_s * 10**9
        in_flight = [value or 0.0 for value in timeline.columns()["in_flight"]]
        ends = [timeline.origin_ns + (number + 1) * width_ns for number in range(len(in_flight))]
        mine = statistics.targets.get(self._key(point), TargetStatistics())
        typical = mine.metrics["stream_end_ms"].percentiles_ms(50.0)
        return falls_behind(pace, point.level, ends, in_flight, typical[0] * 1e6 if typical else 0.0)

    # ---------------------------------------------------------------- the summary

    def _key(self, point: Point) -> TargetKey:
        target = self._spec.targets[point.target_index]
        return TargetKey(target.provider, target.model, point.point, point.level)

    def _position(self, key: TargetKey) -> tuple[int, int]:
        names = [(target.provider, target.model) for target in self._spec.targets]
        return names.index((key.provider, key.model)), key.point

    def _row(self, key: TargetKey, statistics: RunStatistics, *, is_last: bool) -> dict[str, Any]:
        assert self._spec.explore is not None
        measured = next((one for one in self._measured if self._key(one.point) == key), None)
        judgement = measured.judgement if measured else None
        # Points whose own report died with the server: a search lost its verdicts; of a sweep only the last was cut.
        lost = self._ended if is_last or isinstance(self._spec.explore, Search) else None
        reason = judgement.reason if judgement else measured.cut_short if measured else lost
        certificate = measured.certificate if measured else None
        return {
            "point": key.point,
            "parameter": self._spec.explore.parameter,
            "value": key.level,
            "provider": key.provider,
            "model": key.model,
            "verdict": judgement.verdict if judgement else None,
            "reason": reason,
            "instrument": certificate and {name: certificate[name] for name in ("verdict", "reason")},
            **figures(statistics.targets.get(key, TargetStatistics()), statistics.slo, self._conditions),
        }

    def _of_target(self, target_index: int, statistics: RunStatistics) -> dict[str, Any]:
        explore, target = self._spec.explore, self._spec.targets[target_index]
        assert explore is not None
        found = None
        if isinstance(explore, Search):
            probes = self._probes(target_index)
            found = answer(probes)
            finished = next_level(search_plan(explore), probes) is None
            text = statement(search_plan(explore), probes, cut_short=None if finished else self._ended)
        else:
            mine = [one for one in self._measured if one.point.target_index == target_index]
            reported = {one.point.point for one in mine}
            stored = {key.point for key in statistics.targets if key[:2] == (target.provider, target.model)}
            levels = [explore.values[point] for point in sorted(reported | stored)]
            shown = ", ".join(map(level_text, levels))
            text = f"{explore.parameter} {shown} measured" if levels else "nothing measured"
            is_cut = any(one.cut_short for one in mine) or (not self._measured and self._ended is not None)
            if len(levels) < len(explore.values) or is_cut:
                text += f"; the sweep is not finished: {self._ended or 'it was not run to its end'}"
        return {"provider": target.provider, "model": target.model, "answer": found, "statement": text}

    def _warnings(self, target_index: int, statistics: RunStatistics) -> list[str]:
        explore = self._spec.explore
        assert explore is not None
        target = self._spec.targets[target_index]
        bound = [
            f"at {explore.parameter} {level_text(key.level or 0)} {told}: its rates are those of the whole time"
            for key, one in sorted(statistics.targets.items(), key=lambda item: item[0].point)
            if key[:2] == (target.provider, target.model) and (told := interruptions.said(one.slices))
        ]
        bound += [
            f"at {explore.parameter} {level_text(one.point.level or 0)} the client was the limit: "
            f"{one.certificate['reason']}"
            for one in self._measured
            if one.point.target_index == target_index and _is_client_bound(one.certificate)
        ]
        if not isinstance(explore, Search):
            return bound
        return bound + warnings(search_plan(explore), self._probes(target_index))


def completed(
    summary: dict[str, Any], statistics: RunStatistics, exploration: Exploration, budget: BudgetWatch
) -> dict[str, Any]:
    """The summary with what is known about points, the search and the budget."""
    found = exploration.summary(statistics)
    told = [*summary.get("warnings", []), *found["warnings"], *budget.warnings()]
    return summary | found | {"budget": budget.summary(statistics), "warnings": told}


def _is_client_bound(certificate: dict[str, Any]) -> bool:
    return bool(certificate["verdict"] == "client_bound")


def search_plan(search: Search) -> SearchPlan:
    """The spec's search as statistics take it."""
    limits = tuple(LatencyLimit(one.metric, one.percentile, one.limit_ms) for one in search.criteria)
    criteria = Criteria(limits, search.max_error_rate, search.confidence)
    return SearchPlan(search.parameter, search.minimum, search.maximum, criteria, search.tolerance, search.max_points)
