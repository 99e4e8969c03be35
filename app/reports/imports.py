"""A result file of another tool as a run of ours: which tool wrote it, and the summary under our names.

The summary comes from per-request data through the same columns and statistics as our own runs. Its certificate can
only say that the other instrument's error is unknown.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import ValidationError

from app.benchmarks.result_columns import columns
from app.benchmarks.schemas import BenchmarkSpec
from app.reports import import_aiperf, import_guidellm, import_vllm
from app.reports.imported import Imported, ImportFileError
from app.stats.instrument import InstrumentFacts
from app.stats.run_statistics import RunStatistics, Slo, TargetKey
from app.stats.summary import summarise

Format = Literal["auto", "vllm", "aiperf", "guidellm"]

MAX_DOCUMENT_BYTES = 512 * 2**20  # of one JSON document, which has to be held whole
MAX_FILE_BYTES = 8 * 2**30  # of lines
MAX_LINE_BYTES = 64 * 2**20
_BATCH = 1_000


def read_file(path: Path, kind: Format = "auto", benchmark: int | None = None) -> Imported:
    """The run in a file; `benchmark` chooses one of several in GuideLLM's, from 1.

    Raises:
        ImportFileError: it is not of a known format, too large, or something in it is wrong.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise ImportFileError(f"{path.name} has {size} bytes; at most {MAX_FILE_BYTES} can be imported")
    first = _first_line(path)
    if kind in {"auto", "aiperf"} and import_aiperf.matches_line(first):
        return import_aiperf.read(_lines(path))
    if size > MAX_DOCUMENT_BYTES:
        raise ImportFileError(f"{path.name} has {size} bytes; a JSON document may have {MAX_DOCUMENT_BYTES}")
    document = _document(path)
    if kind in {"auto", "guidellm"} and import_guidellm.matches(document):
        return import_guidellm.read(document, benchmark)
    if kind in {"auto", "aiperf"} and import_aiperf.matches(document):
        return import_aiperf.read_aggregates(document)
    if kind in {"auto", "vllm"} and import_vllm.matches(document):
        return import_vllm.read(document)
    known = "vLLM bench's, AIPerf's or GuideLLM's" if kind == "auto" else f"of the format {kind}"
    raise ImportFileError(f"{path.name} is not {known}")


def sha256(path: Path) -> str:
    """Of the file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def statistics(run: Imported) -> RunStatistics:
    """The run's results, as our own runs count theirs."""
    origin_ns = min((result.started_ns or result.intended_ns for result in run.results), default=0)
    counted = RunStatistics(origin_ns, Slo())
    for begin in range(0, len(run.results), _BATCH):
        batch = run.results[begin : begin + _BATCH]
        counted.add(TargetKey(run.tool, run.model), columns(batch))
        for result in batch:
            if result.started_ns and result.end_ns and "started_ns" not in run.not_recorded:
                counted.timeline.add_in_flight(result.started_ns, result.end_ns, 1)
    return counted


def summary(run: Imported, counted: RunStatistics, source: dict[str, Any]) -> dict[str, Any]:
    """The summary under our names, with where it comes from and what is missing."""
    made = summarise(counted, InstrumentFacts())
    for part in (made, *made["by_target"]):
        _correct_rates(run, part)
        if "started_ns" in run.not_recorded:  # every request was put at the start: there is no course of time
            reason = f"imported: {run.not_recorded['started_ns']}"
            part["window"] = {**part["window"], "from_s": None, "to_s": None, "method": "none", "reason": reason}
            part |= {"steady": None, "queueing": None}
    reason = f"imported: the error of {run.tool}'s instrument is unknown"
    instrument = {**made["instrument"], "verdict": "suspect", "reason": reason, "clock": None}
    instrument |= {"calibration": None, "calibration_reason": "calibrations are of this instrument"}
    return {
        **made,
        "instrument": instrument,
        "source": source,
        "not_recorded": run.not_recorded,
        "notes": run.notes,
        "claims": run.claims,
        "error": None,
    }


def spec_of(run: Imported, name: str, tags: list[str]) -> BenchmarkSpec:
    """A spec that describes the run as well as the file tells; for showing, not for running again."""
    lengths = {
        which: [tokens for result in run.results if (tokens := getattr(result, f"{which}_tokens")) is not None]
        for which in ("input", "output")
    }
    mean = {which: max(round(sum(values) / len(values)), 1) if values else 1 for which, values in lengths.items()}
    load = run.load or {"kind": "closed", "concurrency": 1}
    document = {
        "name": name[:200],
        "tags": [*tags, "imported"][:32],
        "targets": [{"provider": run.tool, "model": run.model}],
        "workload": {"kind": "synthetic", "input_tokens": mean["input"], "output_tokens": mean["output"]},
        "load": load,
        "stop": {"requests": max(len(run.results), 1)},
    }
    try:
        return BenchmarkSpec.model_validate(document)
    except ValidationError:  # a load or a length that this program does not know
        document |= {"load": {"kind": "closed", "concurrency": 1}, "workload": {"kind": "prompt", "prompt": "imported"}}
        return BenchmarkSpec.model_validate(document)


def _correct_rates(run: Imported, figures: dict[str, Any]) -> None:
    """Rates over the recorded duration where instants are unknown; none where only some requests are in the file."""
    if run.duration_seconds:
        factor = figures["duration_seconds"] / run.duration_seconds
        figures["duration_seconds"] = run.duration_seconds
        figures["rates"] = {
            name: value * factor if name.endswith("_per_s") and isinstance(value, float) else value
            for name, value in figures["rates"].items()
        }
    if not run.rates_are_known or ("started_ns" in run.not_recorded and not run.duration_seconds):
        figures["rates"] = dict.fromkeys(figures["rates"])


def _first_line(path: Path) -> Any:
    with path.open("rb") as file:
        line = file.readline(MAX_LINE_BYTES)
    try:
        return orjson.loads(line)
    except ValueError:
        return None


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise ImportFileError(f"{path.name}, line {number}: longer than {MAX_LINE_BYTES} bytes")
            if line.strip():
                yield _decoded(line, f"{path.name}, line {number}")


def _document(path: Path) -> Any:
    data = path.read_bytes()
    try:
        return orjson.loads(data)
    except ValueError as error:
        if len(data.strip().splitlines()) > 1 and isinstance(_first_line(path), dict):
            problem = "holds several documents, one a line (vLLM's --append-result); keep the one to import"
            raise ImportFileError(f"{path.name} {problem}") from None
        raise ImportFileError(f"{path.name}: not JSON ({error})") from None


def _decoded(line: bytes, where: str) -> Any:
    try:
        return orjson.loads(line)
    except ValueError as error:
        raise ImportFileError(f"{where}: not JSON ({error})") from None
