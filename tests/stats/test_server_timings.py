import numpy as np
import pytest

from app.benchmarks.result_columns import columns
from app.stats.run_statistics import RunStatistics, TargetKey
from app.stats.server_timings import MAX_NAMES, ServerTimings
from app.stats.summary import summarise
from tests.benchmarks.records import ORIGIN_NS, make_measured

KEY = TargetKey("local", "small")


def statistics(*values: float) -> RunStatistics:
    run = RunStatistics(ORIGIN_NS)
    for index, value in enumerate(values):
        run.add(KEY, columns(make_measured(index, server_timings={"prompt_ms": value, "queue_ms": 0.0})))
    return run


def test_they_are_summarised_by_name_and_survive_merging_and_encoding() -> None:
    run = statistics(10, 20)
    run.merge(statistics(30))
    run = RunStatistics.decode(run.encode())
    found = summarise(run, None)
    assert found["server_timings"]["prompt_ms"]["n"] == 3
    assert found["server_timings"]["prompt_ms"]["mean"] == pytest.approx(20)
    assert found["server_timings"]["queue_ms"]["max"] == 0
    assert found["by_target"][0]["server_timings"] == found["server_timings"]


def test_failed_requests_and_silent_servers_have_none() -> None:
    run = RunStatistics(ORIGIN_NS)
    run.add(KEY, columns(make_measured(0)))
    run.add(KEY, columns(make_measured(1, status="error", error_type="truncated", server_timings={"prompt_ms": 1.0})))
    assert summarise(run, None)["server_timings"] == {}


def test_names_are_bounded() -> None:
    timings = ServerTimings()
    timings.add([{f"m{number}": float(number)} for number in range(100)])
    assert len(timings.summary()) == MAX_NAMES
    other = ServerTimings()
    other.add([{"m1": 5.0, "new": 1.0}])
    timings.merge(other)
    assert "new" not in timings.summary()
    assert timings.summary()["m1"]["mean"] == pytest.approx(np.mean([1, 5]))
