"""How wrong the instrument is at a known load, and which earlier answer holds for a run. Pure.

A calibration measures a server whose true send times are known, at several loads, and keeps the error distribution of
each. A run is comparable to a calibrated point when the same machine (fingerprint) and the same program version
measured it, with the same clock and without TLS, and when the load of one engine process is alike: requests in flight
and chunks per second both within a factor of `FACTOR`. Both loads are measured, not asked for: requests in flight by
Little's law (throughput times mean time in the system).
"""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

VERSION = 1
FACTOR = 2.0
MEASURES = ("ttft_ms", "icl_ms", "e2e_ms", "arrival_ms")
_NS_PER_MS = 1e6


class PointError(msgspec.Struct, frozen=True):
    """Absolute error of one measure, in milliseconds."""

    n: int
    p50: float
    p99: float
    max: float


class Point(msgspec.Struct, frozen=True):
    """One calibrated load: what was asked for, what it came to for the engine, and the errors at it."""

    concurrency: int
    in_flight: float
    chunks_per_s: float
    clock: str | None
    errors_ms: dict[str, PointError | None]


class Calibration(msgspec.Struct, frozen=True):
    """What `llm-test-bench calibrate` stores, as far as runs need it."""

    version: int
    program: str
    at: str
    fingerprint: str
    points: tuple[Point, ...]


class ErrorSamples:
    """Errors in nanoseconds, by what was measured."""

    def __init__(self) -> None:
        self._parts: dict[str, list[NDArray[np.int64]]] = {name: [] for name in MEASURES}

    def add(self, name: str, errors_ns: NDArray[np.int64] | list[int]) -> None:
        """Take in signed errors; their absolute value counts."""
        self._parts[name].append(np.abs(np.asarray(errors_ns, dtype=np.int64)))

    def summary(self) -> dict[str, dict[str, float] | None]:
        """`n p50 p99 max` of each measure in milliseconds; None where nothing was measured."""
        return {name: _summary(np.concatenate(parts)) if parts else None for name, parts in self._parts.items()}


def distribution_ms(values_ns: NDArray[np.int64]) -> dict[str, float] | None:
    """`n p50 p99 max` of nanoseconds, in milliseconds; None without any."""
    return _summary(values_ns)


def _summary(values_ns: NDArray[np.int64]) -> dict[str, float] | None:
    if not len(values_ns):
        return None
    p50, p99, worst = (float(value) / _NS_PER_MS for value in np.percentile(values_ns, [50, 99, 100]))
    return {"n": len(values_ns), "p50": p50, "p99": p99, "max": worst}


def load_of(summary: Mapping[str, Any], engines: int) -> dict[str, float] | None:
    """`in_flight` and `chunks_per_s` of one engine process, on average over the run; None when nothing succeeded."""
    ended, seconds = summary["metrics"].get("stream_end_ms"), summary["duration_seconds"]
    if not ended or not seconds:
        return None
    chunks_per_s = summary["rates"].get("chunks_per_s") or summary.get("chunks", 0) / seconds
    in_flight = ended["n"] * ended["mean"] / 1000 / seconds
    return {"in_flight": in_flight / engines, "chunks_per_s": chunks_per_s / engines}


def matching(
    calibration: Calibration | None, summary: Mapping[str, Any], *, engines: int, fingerprint: str, program: str
) -> tuple[dict[str, Any] | None, str | None]:
    """The calibration that holds for a run, as `summary.instrument.calibration` shows it, or the reason for none."""
    if calibration is None:
        return None, "this machine has not been calibrated; run `llm-test-bench calibrate`"
    if problem := _of_another_kind(calibration, summary, fingerprint, program):
        return None, problem
    load = load_of(summary, engines)
    if load is None:
        return None, "no request of this run succeeded"
    clock = summary["instrument"]["clock"]
    points = [point for point in calibration.points if point.clock == clock]
    distance, nearest = min(((_distance(point, load), point) for point in points), key=lambda pair: pair[0])
    if distance > FACTOR:
        return None, (
            f"no calibrated load is within a factor of {FACTOR:g} of {load['in_flight']:.3g} requests in flight and "
            f"{load['chunks_per_s']:.4g} chunks/s per engine"
        )
    return {
        "at": calibration.at,
        "concurrency": nearest.concurrency,
        "chunks_per_s": nearest.chunks_per_s,
        "errors_ms": {
            name: {"p50": error.p50, "p99": error.p99}
            for name in ("ttft_ms", "icl_ms", "e2e_ms")
            if (error := nearest.errors_ms.get(name)) is not None
        },
    }, None


def _of_another_kind(
    calibration: Calibration, summary: Mapping[str, Any], fingerprint: str, program: str
) -> str | None:
    """Why nothing in this calibration can hold for a run, whatever its load."""
    if calibration.fingerprint != fingerprint:
        return "the calibration is of another machine or kernel; calibrate again"
    if calibration.program != program:
        return f"the calibration is of {calibration.program}, this is {program}; calibrate again"
    if (summary["metrics"].get("tls_ms") or {}).get("max"):
        return "calibrations are made without TLS, and this run used it"
    clock = summary["instrument"]["clock"]
    if all(point.clock != clock for point in calibration.points):
        return f"no calibrated load was stamped by the clock of this run ({clock or 'none'})"
    return None


def _distance(point: Point, load: Mapping[str, float]) -> float:
    """The larger of the two ratios between a calibrated load and another, at least 1."""
    return max(_ratio(point.in_flight, load["in_flight"]), _ratio(point.chunks_per_s, load["chunks_per_s"]))


def _ratio(one: float, other: float) -> float:
    return max(one / other, other / one) if one > 0 and other > 0 else math.inf


class _Version(msgspec.Struct):
    version: int


def decode(text: bytes) -> Calibration:
    """A calibration as it was stored.

    Raises:
        ValueError: it is none, or one of another format version.
    """
    try:
        version = msgspec.json.decode(text, type=_Version).version
        if version != VERSION:
            raise ValueError(f"has format version {version}, this program reads {VERSION}; calibrate again")
        return msgspec.json.decode(text, type=Calibration)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"is not a calibration ({error})") from None
