"""The stored calibration of this machine, what a run may take from it, and how one is made from the truth.

`calibration.json` lies in the data folder. Whatever is wrong with it costs a run its "± error" and nothing else.
"""

import json
import os
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from app.benchmarks.measures import MeasuredResult
from app.core import machine
from app.loadgen.frames import CENSORED
from app.simulator.truth import Truth
from app.stats.calibration import Calibration, ErrorSamples, decode, distribution_ms, matching

FILE_NAME = "calibration.json"
NOT_HERE = "the calibration of the machines that measured is not at hand"
_LIMIT_BYTES = 2**20
_decode_truth = msgspec.json.Decoder(Truth).decode


def program() -> str:
    """The program and its version, as calibrations and bundles name it."""
    return f"llm-test-bench {version('llm-test-bench')}"


def annotate(summary: dict[str, Any], data_dir: Path | None, *, engines: int) -> dict[str, Any]:
    """The summary with `instrument.calibration`: the known error at a comparable load, or null and the reason.

    And with `instrument.machine` and `instrument.program`, which comparisons look at.

    Without `data_dir` the engines ran somewhere else, and nothing is known about them.
    """
    found: dict[str, Any] | None = None
    reason: str | None = NOT_HERE
    here: dict[str, Any] | None = None
    if data_dir is not None:
        facts = machine.facts()
        fingerprint = machine.fingerprint(facts)
        here = facts | {"fingerprint": fingerprint}
        try:
            document = load(data_dir)
            found, reason = matching(document, summary, engines=engines, fingerprint=fingerprint, program=program())
        except (OSError, ValueError) as error:
            reason = f"the calibration cannot be read: {error}"
    known = {"calibration": found, "calibration_reason": reason, "machine": here, "program": program()}
    instrument = {**summary["instrument"], **known}
    return {**summary, "instrument": instrument}


def load(data_dir: Path) -> Calibration | None:
    """The stored calibration; None when there is none.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not a calibration.
    """
    path = data_dir / FILE_NAME
    if not path.is_file():
        return None
    if path.stat().st_size > _LIMIT_BYTES:
        raise ValueError(f"{path} is larger than {_LIMIT_BYTES} bytes")
    try:
        return decode(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} {error}") from None


def save(data_dir: Path, document: Mapping[str, Any]) -> Path:
    """Write it, whole or not at all; returns where.

    Raises:
        OSError: it cannot be written.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data_dir / FILE_NAME
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read_truth(path: Path) -> dict[str, Truth]:
    """The simulator's log by response id.

    Raises:
        msgspec.DecodeError: a line is not one of its.
    """
    with path.open("rb") as file:
        return {truth.response_id: truth for truth in map(_decode_truth, file)}


def errors_of(results: Iterable[MeasuredResult], truth: Mapping[str, Truth]) -> tuple[ErrorSamples, int]:
    """How far measured requests are off from the truth, and how many of them could be joined.

    Time to first token and end to end are compared from the request's start, or its arrival there; `arrival_ms` is what
    lies between the two: what our start is too early, and what the way takes. Gaps are those of one chunk alone.
    """
    samples, joined = ErrorSamples(), 0
    for result in results:
        true = truth.get(result.response_id or "")
        if result.status != "ok" or true is None or not true.chunk_ns or "clock_stepped" in result.metadata:
            continue
        joined += 1
        started = result.started_ns or 0
        sent = np.array(true.chunk_ns, dtype=np.int64)
        samples.add("arrival_ms", [true.request_ns - started])
        samples.add("ttft_ms", [(result.first_token_ns or 0) - started - (true.chunk_ns[0] - true.request_ns)])
        samples.add("e2e_ms", [(result.last_token_ns or 0) - started - (true.chunk_ns[-1] - true.request_ns)])
        measured = np.frombuffer(result.gaps, dtype="<i8")
        if len(measured) == len(sent) - 1:
            alone = measured != CENSORED
            alone[1:] &= alone[:-1].copy()
            samples.add("icl_ms", (measured - np.diff(sent))[alone])
    return samples, joined


def simulator_lag_ms(truth: Iterable[Truth], *, ttft_ms: float, chunk_ms: float) -> dict[str, float] | None:
    """How late the simulator itself sent, against its own schedule: `n p50 p99 max`. It has no part in the errors."""
    late = [
        np.array(true.chunk_ns, dtype=np.int64)
        - true.request_ns
        - np.rint((ttft_ms + chunk_ms * np.arange(len(true.chunk_ns))) * 1e6).astype(np.int64)
        for true in truth
        if true.chunk_ns
    ]
    return distribution_ms(np.maximum(np.concatenate(late), 0)) if late else None
