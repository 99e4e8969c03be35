from typing import Any

import numpy as np
import pytest

from app.benchmarks.live import LiveRun, LiveRuns
from app.benchmarks.live_points import EVERYTHING_NS
from app.benchmarks.measures import measure
from app.benchmarks.result_columns import columns
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.shard_reports import ShardTick
from app.benchmarks.states import Status
from app.benchmarks.supervisor import slo_of
from app.benchmarks.views import Progress, Timeline, TimelinePoint
from app.core.ids import new_id
from app.stats.run_statistics import RunStatistics, TargetKey
from tests.benchmarks.records import CONTEXT, ORIGIN_NS, make_error, make_measured
from tests.factories import make_spec

SECOND = 10**9
KEY = TargetKey("local", "small")


def spec(**fields: Any) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(make_spec(**fields))


def tick(of: BenchmarkSpec, second: float, *indices: int, shard: int = 0, failed: int = 0, **fields: Any) -> ShardTick:
    delta = RunStatistics(ORIGIN_NS, slo_of(of))
    results = [*make_measured(*indices), *[measure(make_error(1000 + i), CONTEXT) for i in range(failed)]]
    delta.add(KEY, columns(results))
    at_ns = ORIGIN_NS + round(second * SECOND)
    values: dict[str, Any] = {"target": 0, "started": 0, "in_flight": 0, "waiting": 0, "settled_ns": at_ns} | fields
    sent = ShardTick(shard=shard, at_ns=at_ns, delta=delta.encode(), **values)
    return ShardTick.decode(sent.encode())


def progress(run: LiveRun, second: float) -> Progress:
    document = run.progress(Status.RUNNING, ORIGIN_NS + round(second * SECOND))
    return Progress.model_validate(document)


def test_before_anything_has_happened_nothing_is_claimed() -> None:
    run = LiveRun(spec(stop={"requests": 10}), ORIGIN_NS)
    now = progress(run, -1)
    assert (now.planned, now.percent, now.eta_s, now.ttft_ms, now.point, now.elapsed_s) == (10, 0, None, None, None, 0)
    assert Timeline.model_validate(run.timeline()).t_s == []


def test_shards_add_up() -> None:
    plan = spec(stop={"requests": 100})
    run = LiveRun(plan, ORIGIN_NS)
    run.take(tick(plan, 0.5, 0, 1, started=6, in_flight=4))
    run.take(tick(plan, 0.6, 2, shard=1, failed=1, started=5, in_flight=3, waiting=2))
    run.take(tick(plan, 0.9, 3, started=7, in_flight=5))
    now = progress(run, 1.0)
    assert now.point is None  # requests that began in this second may still be running
    assert (now.started, now.in_flight, now.waiting) == (12, 8, 2)
    assert (now.completed, now.ok, now.failed, now.errors) == (5, 4, 1, {"http_5xx": 1})
    assert now.error_rate == 0.2
    assert now.percent == 5
    assert now.eta_s == pytest.approx(19)
    assert now.requests_per_s == 4
    assert now.output_tokens_per_s == 44
    assert now.ttft_ms is not None
    assert now.ttft_ms.p50 == pytest.approx(100, rel=1e-3)
    assert now.gap_ms is not None
    assert now.tpot_ms is not None
    run.take(tick(plan, 1.4))
    assert progress(run, 2.0).point is None  # the other shard may tell more of this second
    run.take(tick(plan, 1.4, shard=1))
    point = progress(run, 2.0).point
    assert point is not None
    assert (point.t_s, point.requests_per_s, point.errors_per_s, point.output_tokens_per_s) == (0, 4, 1, 44)


def test_live_points_are_those_of_the_timeline() -> None:
    plan = spec(stop={"duration_seconds": 60})
    run = LiveRun(plan, ORIGIN_NS)
    points = {}
    for quarter in range(1, 41):
        ended = range(max(25 * (quarter - 1) - 21, 0), 25 * quarter - 21)  # one every 10 ms, each takes 201 ms
        oldest_ns = ORIGIN_NS + max(25 * quarter - 21, 0) * SECOND // 100
        run.take(tick(plan, quarter / 4, *ended, settled_ns=oldest_ns))
        if (point := progress(run, quarter / 4).point) is not None:
            points[point.t_s] = point
        history = Timeline.model_validate(run.timeline_so_far())
        assert history.t_s == [float(second) for second in range(len(points))]
    final = run.timeline()
    for second, point in points.items():
        for name, value in point.model_dump().items():
            assert value == final[name][int(second)], (second, name)
    assert list(points) == list(range(9))


def long_requests(seconds: int) -> ShardTick:
    """Two requests that began with the run, with a chunk every 100 ms, told when they have ended."""
    plan = spec(stop={"duration_seconds": 60})
    end_ns = ORIGIN_NS + seconds * SECOND
    gaps = np.full(10 * seconds - 1, SECOND // 10, dtype="<i8").tobytes()
    delta = RunStatistics(ORIGIN_NS, slo_of(plan))
    instants = {"started_ns": ORIGIN_NS, "last_token_ns": end_ns, "end_ns": end_ns}
    tokens = {"visible_output_tokens": 10 * seconds, "reasoning_tokens": 0}
    results = make_measured(0, 1, **instants, chunks=10 * seconds, gaps=gaps, **tokens)
    delta.add(KEY, columns(results))
    return ShardTick(0, 0, end_ns + SECOND // 4, 2, 0, 0, delta.encode(), settled_ns=end_ns + SECOND // 4)


def test_seconds_of_long_requests_are_told_again_when_they_are_known() -> None:
    plan = spec(stop={"duration_seconds": 60})
    run = LiveRun(plan, ORIGIN_NS)
    told: dict[float, TimelinePoint] = {}

    def look(second: float) -> list[float]:
        now = progress(run, second)
        if now.point is not None:
            told[now.point.t_s] = now.point
        earlier = [TimelinePoint.model_validate(row) for row in run.news(ORIGIN_NS + round(second * SECOND))]
        told.update({point.t_s: point for point in earlier})
        return [point.t_s for point in earlier]

    for quarter in range(1, 49):
        empty = RunStatistics(ORIGIN_NS, slo_of(plan))
        empty.add_in_flight(KEY, ORIGIN_NS + (quarter - 1) * SECOND // 4, ORIGIN_NS + quarter * SECOND // 4, 2)
        run.take(ShardTick(0, 0, ORIGIN_NS + quarter * SECOND // 4, 2, 2, 0, empty.encode(), settled_ns=ORIGIN_NS + 1))
        earlier = look(quarter / 4)
    newest = told[max(told)]
    assert sorted(told) == list(range(11)), "seconds that were waited for in vain are told without what is not known"
    assert (newest.t_s, newest.in_flight, newest.requests_per_s) == (10, 2, 0)
    assert (newest.output_tokens_per_s, newest.chunks_per_s, newest.gap_p50_ms) == (None, None, None)
    assert earlier == []
    so_far = Timeline.model_validate(run.timeline_so_far())
    assert (so_far.t_s[-1], so_far.output_tokens_per_s[-1], so_far.in_flight[-1]) == (10, None, 2)

    run.take(long_requests(12))
    assert look(12.75) == list(range(11))
    assert look(13.0) == [], "each is told once"
    final = run.timeline()
    for second, point in told.items():
        for name, value in point.model_dump().items():
            assert value == final[name][int(second)], (second, name)
    assert told[5].chunks_per_s == told[5].output_tokens_per_s == 20


def test_what_comes_late_is_told_again_but_not_waited_for() -> None:
    plan = spec(stop={"duration_seconds": 200})
    run = LiveRun(plan, ORIGIN_NS)
    for second in range(1, 81):  # one request in flight from the start, which takes much longer than all others
        run.take(tick(plan, second, *range(max(100 * second - 121, 0), 100 * second - 21), settled_ns=ORIGIN_NS + 1))
        now = progress(run, second)
        news = run.news(ORIGIN_NS + second * SECOND)
    assert now.point is not None
    assert (now.point.t_s, now.point.requests_per_s) == (74, 100), "five seconds are enough to wait"
    assert news == []
    late = RunStatistics(ORIGIN_NS, slo_of(plan))
    end_ns = ORIGIN_NS + 70 * SECOND
    instants = {"started_ns": ORIGIN_NS, "last_token_ns": end_ns, "end_ns": end_ns}
    first = {"first_byte_ns": ORIGIN_NS, "first_token_ns": end_ns - SECOND // 10, "first_output_ns": end_ns}
    late.add(KEY, columns(make_measured(99_999, **instants, **first)))
    run.take(ShardTick(0, 0, ORIGIN_NS + 81 * SECOND, 1, 0, 0, late.encode(), settled_ns=ORIGIN_NS + 81 * SECOND))
    now = progress(run, 81.6)
    assert now.point is not None
    told_now = [(second, 100) for second in range(75, int(now.point.t_s))]
    news = run.news(ORIGIN_NS + round(81.6 * SECOND))
    assert [(row["t_s"], row["requests_per_s"]) for row in news] == [(69, 100), (70, 101), *told_now]


def test_a_timeline_that_grew_coarser_goes_on() -> None:
    plan = spec(stop={"duration_seconds": 9_000})
    run = LiveRun(plan, ORIGIN_NS)
    run.take(tick(plan, 10, 0, 1))
    run.news(ORIGIN_NS + 10 * SECOND)
    late = RunStatistics(ORIGIN_NS, slo_of(plan))
    late.add(KEY, columns(make_measured(4_000 * 100)))
    run.take(ShardTick(0, 0, ORIGIN_NS + 4_010 * SECOND, 3, 0, 0, late.encode(), settled_ns=ORIGIN_NS + 4_010 * SECOND))
    point = progress(run, 4_012).point
    assert point is not None
    assert point.t_s == 4_000
    news = run.news(ORIGIN_NS + 4_012 * SECOND)
    assert [row["t_s"] for row in news] == [2.0 * row for row in range(120)], "a bounded number at once, oldest first"


def test_a_shard_that_has_ended_holds_nothing_back() -> None:
    plan = spec(stop={"duration_seconds": 60})
    run = LiveRun(plan, ORIGIN_NS)
    run.take(tick(plan, 1.0, 0, settled_ns=EVERYTHING_NS))
    run.take(tick(plan, 4.0, 100, 200, 300, shard=1))
    point = progress(run, 4.1).point
    assert point is not None
    assert point.t_s == 2


def test_failures_alone_have_points_too() -> None:
    plan = spec(stop={"duration_seconds": 60})
    run = LiveRun(plan, ORIGIN_NS)
    run.take(tick(plan, 0.2, failed=3))
    run.take(tick(plan, 1.2))
    point = progress(run, 1.6).point
    assert point is not None
    assert (point.t_s, point.errors_per_s) == (0, 3)


def test_rates_are_of_the_last_seconds_but_percentiles_outlive_a_lull() -> None:
    plan = spec(stop={"duration_seconds": 60})
    run = LiveRun(plan, ORIGIN_NS)
    run.take(tick(plan, 0.5, 0, 1))
    run.take(tick(plan, 30.5))
    now = progress(run, 30.6)
    assert now.requests_per_s == 0
    assert now.ttft_ms is not None
    assert now.percent == pytest.approx(51)
    assert now.planned is None


def test_the_share_of_a_timed_run_counts_its_targets() -> None:
    plan = spec(targets=[{"provider": "local", "model": m} for m in "ab"], stop={"duration_seconds": 10})
    run = LiveRun(plan, ORIGIN_NS)
    run.begin_stage(1, ORIGIN_NS + 12 * SECOND)
    assert progress(run, 17).percent == pytest.approx(75)
    assert progress(run, 17).target_index == 1


def test_time_does_not_count_while_something_is_found_out_before_the_run() -> None:
    run = LiveRun(spec(stop={"duration_seconds": 10}), ORIGIN_NS)
    run.prepare()
    now = progress(run, 3)
    assert (now.percent, now.elapsed_s, now.eta_s) == (0, 0, None)
    run.begin_stage(0, ORIGIN_NS + 4 * SECOND)
    assert progress(run, 5).percent == pytest.approx(10)


def test_the_registry_forgets_what_has_ended() -> None:
    runs, id_ = LiveRuns(), new_id()
    run = LiveRun(spec(), ORIGIN_NS)
    runs.put(id_, run)
    runs.set_progress(id_, {"ok": 1})
    assert runs.progress(id_) == {"ok": 1}
    assert runs.timeline(id_) == run.timeline_so_far()
    runs.drop(id_)
    assert runs.progress(id_) is None
    assert runs.timeline(id_) is None
