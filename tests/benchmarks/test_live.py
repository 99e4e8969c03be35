from typing import Any

import pytest

from app.benchmarks.live import LiveRun, LiveRuns
from app.benchmarks.measures import measure
from app.benchmarks.result_columns import columns
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.states import Status
from app.benchmarks.supervisor import ShardTick, slo_of
from app.benchmarks.views import Progress, Timeline
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
    values: dict[str, Any] = {"target": 0, "started": 0, "in_flight": 0, "waiting": 0} | fields
    sent = ShardTick(shard=shard, at_ns=ORIGIN_NS + round(second * SECOND), delta=delta.encode(), **values)
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
    point = progress(run, 2.0).point
    assert point is not None
    assert (point.t_s, point.requests_per_s, point.errors_per_s, point.output_tokens_per_s) == (0, 4, 1, 44)


def test_live_points_are_those_of_the_timeline() -> None:
    plan = spec(stop={"duration_seconds": 60})
    run = LiveRun(plan, ORIGIN_NS)
    points = {}
    for quarter in range(1, 41):
        ended = range(max(25 * (quarter - 1) - 21, 0), 25 * quarter - 21)  # one every 10 ms, each takes 201 ms
        run.take(tick(plan, quarter / 4, *ended))
        if (point := progress(run, quarter / 4).point) is not None:
            points[point.t_s] = point
        history = Timeline.model_validate(run.timeline_so_far())
        assert history.t_s == [float(second) for second in range(len(points))]
    final = run.timeline()
    for second, point in points.items():
        for name, value in point.model_dump().items():
            assert value == final[name][int(second)], (second, name)
    assert list(points) == list(range(9))


def test_points_of_long_requests_are_what_was_reported() -> None:
    plan = spec(stop={"duration_seconds": 60})
    run = LiveRun(plan, ORIGIN_NS)
    long_ms = 8_000 * 10**6
    delta = RunStatistics(ORIGIN_NS, slo_of(plan))
    delta.add(KEY, columns(make_measured(0, last_token_ns=ORIGIN_NS + long_ms, end_ns=ORIGIN_NS + long_ms)))
    run.take(ShardTick(0, 0, ORIGIN_NS + 8 * SECOND + 1, 1, 3, 0, delta.encode()))
    point = progress(run, 9.1).point
    assert point is not None
    assert (point.t_s, point.requests_per_s, point.output_tokens_per_s, point.in_flight) == (8, 1, 11, 3)


def test_failures_alone_have_points_too() -> None:
    plan = spec(stop={"duration_seconds": 60})
    run = LiveRun(plan, ORIGIN_NS)
    run.take(tick(plan, 0.2, failed=3))
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
