import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.stats.calibration import FACTOR, Calibration, ErrorSamples, decode, load_of, matching

PROGRAM, MACHINE = "llm-test-bench 1.2.3", "0123456789abcdef"


def point(concurrency: int = 64, chunks_per_s: float = 3000.0, clock: str = "kernel") -> dict[str, Any]:
    error = {"n": 10, "p50": 0.01, "p99": 0.05, "max": 0.2}
    return {
        "concurrency": concurrency,
        "in_flight": float(concurrency),
        "chunks_per_s": chunks_per_s,
        "clock": clock,
        "errors_ms": {"ttft_ms": error, "icl_ms": None, "e2e_ms": error, "arrival_ms": error},
    }


def calibration(*points: dict[str, Any], **fields: Any) -> Calibration:
    document = {
        "version": 1,
        "program": PROGRAM,
        "at": "2026-08-01T00:00:00+00:00",
        "fingerprint": MACHINE,
        "machine": {"cores": 2},
        "points": list(points) or [point()],
    }
    return decode(json.dumps(document | fields).encode())


def summary(
    in_flight: float = 64, chunks_per_s: float = 3000, tls_ms: float = 0, clock: str | None = "kernel"
) -> dict[str, Any]:
    # 10 s in which `in_flight` requests of 2 s each were always under way
    return {
        "duration_seconds": 10.0,
        "rates": {"chunks_per_s": chunks_per_s},
        "metrics": {
            "stream_end_ms": {"n": in_flight * 5, "mean": 2000.0},
            "tls_ms": {"max": tls_ms} if tls_ms else None,
        },
        "instrument": {"clock": clock},
    }


def look_up(of: Calibration | None, run: dict[str, Any], **fields: Any) -> tuple[dict[str, Any] | None, str | None]:
    given: dict[str, Any] = {"engines": 1, "fingerprint": MACHINE, "program": PROGRAM}
    return matching(of, run, **given | fields)


def test_a_run_at_the_calibrated_load_shows_its_error() -> None:
    found, reason = look_up(calibration(), summary())
    assert reason is None
    assert found == {
        "at": "2026-08-01T00:00:00+00:00",
        "concurrency": 64,
        "chunks_per_s": 3000.0,
        "errors_ms": {"ttft_ms": {"p50": 0.01, "p99": 0.05}, "e2e_ms": {"p50": 0.01, "p99": 0.05}},
    }


@settings(deadline=None)
@given(st.floats(1, 1000), st.floats(1, 1e6))
def test_both_loads_must_be_within_the_factor(in_flight: float, chunks_per_s: float) -> None:
    found, reason = look_up(calibration(point(32, 1600)), summary(in_flight, chunks_per_s))
    ratios = [max(a / b, b / a) for a, b in ((in_flight, 32.0), (chunks_per_s, 1600.0))]
    if max(ratios) <= FACTOR * (1 - 1e-9):
        assert found is not None
        assert reason is None
    elif max(ratios) > FACTOR * (1 + 1e-9):
        assert found is None
        assert reason is not None
        assert "factor of 2" in reason


def test_the_nearest_point_counts() -> None:
    found, _ = look_up(calibration(point(16, 800), point(32, 1600), point(64, 3200)), summary(24, 1200))
    assert found is not None
    assert found["concurrency"] in {16, 32}
    assert look_up(calibration(point(16, 800), point(32, 1600)), summary(31, 1500))[0]["concurrency"] == 32  # type: ignore[index]


def test_the_load_is_that_of_one_engine() -> None:
    assert look_up(calibration(), summary(128, 6000), engines=2)[0] is not None
    assert look_up(calibration(), summary(256, 12_000), engines=1)[0] is None


@pytest.mark.parametrize(
    ("of", "run", "fields", "words"),
    [
        (None, summary(), {}, "llm-test-bench calibrate"),
        (calibration(), summary(), {"fingerprint": "other"}, "another machine"),
        (calibration(), summary(), {"program": "llm-test-bench 9"}, "llm-test-bench 1.2.3"),
        (calibration(), summary(tls_ms=3.0), {}, "TLS"),
        (calibration(), summary(clock="user"), {}, "clock"),
        (calibration(), summary(clock=None), {}, "clock"),
        (calibration(), summary(64, 0), {}, "factor"),
        (calibration(), summary() | {"metrics": {"stream_end_ms": None}}, {}, "no request"),
    ],
)
def test_what_is_not_comparable_says_why(
    of: Calibration | None, run: dict[str, Any], fields: dict[str, Any], words: str
) -> None:
    found, reason = look_up(of, run, **fields)
    assert found is None
    assert reason is not None
    assert words in reason


def test_load_by_littles_law() -> None:
    load = load_of(summary(50, 900), 1)
    assert load is not None
    assert load["in_flight"] == pytest.approx(50)
    assert load["chunks_per_s"] == 900


@settings(deadline=None)
@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=50))
def test_errors_are_absolute_and_in_milliseconds(errors: list[int]) -> None:
    samples = ErrorSamples()
    for error in errors:
        samples.add("ttft_ms", [error])
    found = samples.summary()
    assert found["e2e_ms"] is None
    ttft = found["ttft_ms"]
    assert ttft is not None
    assert ttft["n"] == len(errors)
    assert ttft["max"] == max(abs(error) for error in errors) / 1e6
    assert ttft["p50"] == pytest.approx(np.median(np.abs(errors)) / 1e6)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"{}", b'{"version": 1}', b'{"version": 2}', b"\xff", b'{"version": 1e400}', b"[" * 100_000],
)
def test_what_is_no_calibration_is_told(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"calibrat|version"):
        decode(text)
