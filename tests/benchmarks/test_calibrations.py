import asyncio
from pathlib import Path

import numpy as np
import pytest

from app.benchmarks import calibrations
from app.benchmarks.calibrating import Truth as Server
from app.benchmarks.calibrating import calibrate
from app.core import machine
from app.loadgen.frames import CENSORED
from app.simulator.truth import Truth
from tests.benchmarks.records import MS, ORIGIN_NS, make_measured

SUMMARY = {
    "duration_seconds": 1.0,
    "rates": {"chunks_per_s": 0.0},
    "metrics": {"stream_end_ms": None},
    "instrument": {"clock": "kernel", "verdict": "trusted"},
}


def truth(index: int = 0, *, early_ns: int = 0) -> Truth:
    """The truth of `make_measured(index)`: it arrived 20 µs after its start; the first chunk left `early_ns` early."""
    arrived = ORIGIN_NS + index * 10 * MS + 20_000
    sent = [arrived + 100 * MS + number * 10 * MS for number in range(11)]
    sent[0] -= early_ns
    return Truth(f"r-{index}", arrived, sent[0], sent, sent[-1])


def test_errors_against_the_truth() -> None:
    samples, joined = calibrations.errors_of(make_measured(0, 1, 2), {"r-0": truth(), "r-1": truth(1, early_ns=5_000)})
    found = samples.summary()
    assert joined == 2
    assert found["arrival_ms"] == {"n": 2, "p50": 0.02, "p99": 0.02, "max": 0.02}
    assert found["ttft_ms"]["max"] == pytest.approx(0.005)  # type: ignore[index]
    assert found["e2e_ms"]["max"] == 0  # type: ignore[index]
    assert found["icl_ms"]["n"] == 20  # type: ignore[index]
    assert found["icl_ms"]["max"] == pytest.approx(0.005)  # type: ignore[index]


def test_censored_gaps_and_stepped_clocks_do_not_count() -> None:
    gaps = np.full(10, 10 * MS, dtype="<i8")
    gaps[3] = CENSORED
    samples, joined = calibrations.errors_of(make_measured(0, gaps=gaps.tobytes()), {"r-0": truth()})
    assert joined == 1
    assert samples.summary()["icl_ms"]["n"] == 8  # type: ignore[index]
    assert calibrations.errors_of(make_measured(0, clock_stepped=True), {"r-0": truth()})[1] == 0


def test_how_late_the_simulator_was() -> None:
    late = calibrations.simulator_lag_ms([truth()], ttft_ms=99, chunk_ms=10)
    assert late == {"n": 11, "p50": 1.0, "p99": 1.0, "max": 1.0}
    assert calibrations.simulator_lag_ms([], ttft_ms=99, chunk_ms=10) is None


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 99}', "x" * (2**20 + 1)])
def test_a_broken_calibration_costs_only_the_error(content: str, tmp_path: Path) -> None:
    (tmp_path / calibrations.FILE_NAME).write_text(content)
    instrument = calibrations.annotate(SUMMARY, tmp_path, engines=1)["instrument"]
    assert instrument["verdict"] == "trusted"
    assert instrument["calibration"] is None
    assert "cannot be read" in instrument["calibration_reason"]


def test_without_a_calibration_the_reason_says_what_to_do(tmp_path: Path) -> None:
    assert "calibrate" in calibrations.annotate(SUMMARY, tmp_path, engines=1)["instrument"]["calibration_reason"]
    assert calibrations.annotate(SUMMARY, None, engines=1)["instrument"]["calibration_reason"] == calibrations.NOT_HERE


async def test_this_machine_is_calibrated_with_the_real_engine(tmp_path: Path) -> None:
    seen: list[int] = []
    document = await calibrate(
        [1, 8],
        Server(ttft_ms=30, chunk_ms=5, tokens=10),
        seconds=0.6,
        stop=asyncio.Event(),
        on_point=lambda point: seen.append(point["concurrency"]),
    )
    assert seen == [1, 8]
    assert document["fingerprint"] == machine.fingerprint(machine.facts())
    for point, concurrency in zip(document["points"], (1, 8), strict=True):
        assert point["failed"] == 0
        assert point["joined"] == point["requests"] > 0
        assert 0 < point["in_flight"] <= concurrency * 1.01
        ttft = point["errors_ms"]["ttft_ms"]
        assert ttft["n"] == point["joined"]
        assert 0 <= ttft["p50"] <= ttft["p99"] <= ttft["max"] < 30
        assert point["simulator_lag_ms"]["n"] == point["chunks"]
    calibrations.save(tmp_path, document)
    stored = calibrations.load(tmp_path)
    assert stored is not None
    assert [point.concurrency for point in stored.points] == [1, 8]
