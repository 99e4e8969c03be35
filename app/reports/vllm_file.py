"""Results as the JSON file that `vllm bench serve --save-result --save-detailed` writes, for tools that read those.

Names and units are vLLM's: seconds in `ttfts`, `itls`, `latencies`, `start_times`, milliseconds in names that end in
`_ms`; a failed request has 0 in each array and its error in `errors`. What vLLM would have that we do not is left out
and told under `llm_test_bench.missing`. Arrays go through files of their own while results come, so memory does not
grow with their number. Formulas and sources: `reports.compat_vllm`.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import IO, Any

import orjson

from app.benchmarks.measures import MeasuredResult
from app.reports.compat import gaps_as_read_ms, has_all_gaps
from app.reports.compat_vllm import VllmView, output_length

ARRAYS = (
    "input_lens",
    "output_lens",
    "ttfts",
    "itls",
    "latencies",
    "start_times",
    "queue_times",
    "generated_texts",
    "errors",
)
_ROWS_TOGETHER = 64
_IN_MEMORY_BYTES = 2**20
_PIECE_BYTES = 64 * 1024


class VllmFile:
    """Takes results, then gives the file. `spec` is the benchmark's, for its traffic and service levels."""

    head = b""

    def __init__(self, spec: Mapping[str, Any] | None = None) -> None:
        self._spec = spec or {}
        limits = self._spec.get("slo") or {}
        self._view = VllmView({name: limit for name, limit in limits.items() if limit is not None})
        self._stack = contextlib.ExitStack()
        self._columns: dict[str, IO[bytes]] = {
            name: self._stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES))  # noqa: SIM115
            for name in ARRAYS
        }
        self._waiting: dict[str, list[bytes]] = {name: [] for name in ARRAYS}
        self._waiting_rows = 0
        self._count = 0
        self._model: str | None = None
        self._first_ns: int | None = None
        self._with_gaps = True
        self._with_texts = False

    def row(self, result: MeasuredResult) -> bytes:
        """Take in one request; nothing can be written yet."""
        self._view.add(result)
        self._model = self._model or result.model
        started_ns = result.started_ns or result.intended_ns
        self._first_ns = min(self._first_ns or started_ns, started_ns)
        good = result.status == "ok" and result.ttft_ms is not None and result.e2e_ms is not None
        self._with_gaps = self._with_gaps and (not good or has_all_gaps(result))
        self._with_texts = self._with_texts or result.response_text is not None
        error = "" if good else result.error or result.error_type or "no output"
        values: dict[str, Any] = {
            "input_lens": result.input_tokens or 0,
            "output_lens": output_length(result) if good else 0,
            "ttfts": (result.ttft_ms or 0.0) / 1000 if good else 0.0,
            "itls": (gaps_as_read_ms(result.gaps) / 1000).tolist() if good else [],
            "latencies": (result.e2e_ms or 0.0) / 1000 if good else 0.0,
            "start_times": started_ns / 1e9,
            "queue_times": max(result.schedule_delay_ms or 0.0, 0.0) / 1000,
            "generated_texts": result.response_text or "",
            "errors": error,
        }
        for name, value in values.items():
            self._waiting[name].append(orjson.dumps(value))
        self._count += 1
        self._waiting_rows += 1
        if self._waiting_rows == _ROWS_TOGETHER:
            self._write()
        return b""

    def end(self) -> Iterator[bytes]:
        """The whole file, in pieces."""
        self._write()
        figures = self._view.document()
        missing = dict(figures["missing"])
        left_out = set()
        if not self._with_gaps:
            left_out.add("itls")
            missing["itls"] = "the chunk gaps were not kept"
        if not self._with_texts:
            missing["generated_texts"] = "response texts were not kept; each is empty"
        known = {name: value for name, value in figures["figures"].items() if value is not None}
        known["request_goodput"] = figures["figures"]["request_goodput"]  # vLLM writes null without limits
        head = self._traffic() | known | {"llm_test_bench": {"notes": figures["notes"], "missing": missing}}
        yield orjson.dumps(head)[:-1]
        for name in ARRAYS:
            if name in left_out:
                continue
            yield f', "{name}": ['.encode()
            column = self._columns[name]
            column.seek(0)
            while piece := column.read(_PIECE_BYTES):
                yield piece
            yield b"]"
        yield b"}\n"

    def _write(self) -> None:
        separator = b", " if self._count > self._waiting_rows else b""
        for name, pieces in self._waiting.items():
            if pieces:
                self._columns[name].write(separator + b", ".join(pieces))
                pieces.clear()
        self._waiting_rows = 0

    def close(self) -> None:
        """Remove the files."""
        self._stack.close()

    def _traffic(self) -> dict[str, Any]:
        load = self._spec.get("load") or {}
        rate = load.get("rate")
        closed = str(load.get("kind", "")).startswith("closed")
        concurrency = load.get("concurrency") if closed else load.get("max_in_flight")
        at = datetime.fromtimestamp((self._first_ns or 0) / 1e9, UTC)
        return {
            "date": at.strftime("%Y%m%d-%H%M%S"),
            "endpoint_type": "openai-chat",
            "backend": "openai-chat",
            "label": self._spec.get("name"),
            "model_id": self._model,
            "tokenizer_id": None,
            "num_prompts": self._count,
            "request_rate": "inf" if closed else rate,
            "burstiness": {"poisson": 1.0}.get(str(load.get("kind")), load.get("burstiness")),
            "max_concurrency": concurrency,
        }
