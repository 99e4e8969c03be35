"""What a load offers over time, against what its schedule really holds."""

from typing import Any

import pytest

from app.benchmarks.offered import StageStart, column
from app.benchmarks.schemas import BenchmarkSpec
from tests.factories import make_spec


def _offered(stages: list[StageStart], seconds: int, **fields: Any) -> list[float | None]:
    spec = BenchmarkSpec.model_validate(make_spec(**fields))
    return column(spec, stages, [float(second) for second in range(seconds)], 1.0)


def test_a_steady_rate_until_its_duration_or_its_requests_end_it() -> None:
    load = {"kind": "poisson", "rate": 10}
    assert _offered([StageStart(0.5)], 4, load=load, stop={"duration_seconds": 2}) == pytest.approx([5, 10, 5, 0])
    assert _offered([StageStart(0)], 3, load=load, stop={"requests": 15}) == pytest.approx([10, 5, 0])


def test_a_ramp_and_a_trace() -> None:
    ramp = {"kind": "ramp", "from_rate": 5, "to_rate": 10, "seconds": 2}
    assert _offered([StageStart(0)], 3, load=ramp, stop={"duration_seconds": 60}) == pytest.approx([6.25, 8.75, 10])
    trace = {"kind": "trace", "at_seconds": [0, 0.5, 2, 2.5, 2.9], "speed": 2}
    assert _offered([StageStart(0)], 2, load=trace, stop={}) == pytest.approx([2, 3])


def test_each_level_of_a_sweep_offers_its_own() -> None:
    stages = [StageStart(0, 2.0), StageStart(3, 8.0)]
    fields = {
        "load": {"kind": "constant", "rate": 1},
        "stop": {"duration_seconds": 2},
        "explore": {"kind": "sweep", "parameter": "rate", "values": [2, 8]},
    }
    assert _offered(stages, 5, **fields) == pytest.approx([2, 2, 0, 8, 8])


def test_users_who_wait_for_answers_offer_nothing() -> None:
    assert _offered([StageStart(0)], 2, load={"kind": "closed", "concurrency": 4}, stop={"requests": 9}) == [None, None]
    assert _offered([], 2, load={"kind": "constant", "rate": 4}, stop={"requests": 9}) == [None, None]
