"""What a server says about its own times, as `{name: milliseconds}`, out of headers and bodies. Pure.

Headers: `openai-processing-ms` (OpenAI API reference, "Debugging requests"), `x-envoy-upstream-service-time`
(Envoy's HTTP router filter: milliseconds), TGI's and TEI's `x-total-time`, `x-validation-time`, `x-queue-time`,
`x-inference-time`, `x-time-per-token`, `x-tokenization-time` (whole milliseconds), and `server-timing` (W3C Server
Timing: `dur` in milliseconds). Left out: `x-compute-time`, which is seconds with some servers and milliseconds with
others.

Bodies: llama.cpp's `timings` (`prompt_ms`, `predicted_ms` …), Ollama's `*_duration` (nanoseconds), Bedrock's
`latencyMs`, and Groq's and Cerebras' `queue_time`, `prompt_time`, `completion_time`, `total_time` (seconds).

Bounds: `MAX_NAMES` names of lower-case letters, digits and underscores; values from 0 to a day. Everything else is left
out: what a server says must never break a measurement.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

MAX_NAMES = 16
MAX_MS = 86_400_000.0
_MAX_NAME = 48
_MAX_HEADER_BYTES = 8192
_MAX_BODY_BYTES = 64 * 1024

_HEADERS = {
    b"openai-processing-ms": "openai_processing_ms",
    b"x-envoy-upstream-service-time": "envoy_upstream_service_ms",
    b"x-total-time": "total_ms",
    b"x-validation-time": "validation_ms",
    b"x-tokenization-time": "tokenization_ms",
    b"x-queue-time": "queue_ms",
    b"x-inference-time": "inference_ms",
    b"x-time-per-token": "per_token_ms",
}
_LLAMA_CPP = ("prompt_ms", "prompt_per_token_ms", "predicted_ms", "predicted_per_token_ms")
_SECONDS = {"queue_time": "queue_ms", "prompt_time": "prompt_ms", "completion_time": "completion_ms"}
_SECONDS |= {"total_time": "total_ms"}
_OLLAMA = {
    "total_duration": "total_ms",
    "load_duration": "load_ms",
    "prompt_eval_duration": "prompt_eval_ms",
    "eval_duration": "eval_ms",
}
_BEDROCK = {"latencyMs": "latency_ms"}
_NOT_A_NAME = re.compile(r"[^a-z0-9]+")
# One metric: a token, then parameters whose values are tokens or quoted strings (RFC 9110, section 5.6).
_METRIC = re.compile(
    r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)((?:\s*;\s*(?:[^;,="]*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^;,"]*))?))*)'
)
_DURATION = re.compile(r';\s*dur\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,"\s]*))', re.IGNORECASE)

_decode = msgspec.json.Decoder().decode


def server_timings(headers: Iterable[tuple[bytes, bytes]], body: bytes = b"") -> dict[str, float]:
    """All that a response says: `headers` with lower-case names, `body` the part of it that an adapter kept."""
    found: dict[str, float] = {}
    for name, milliseconds in (*from_headers(headers), *from_body(body)):
        if len(found) < MAX_NAMES or name in found:
            found.setdefault(name, milliseconds)
    return found


def from_headers(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[str, float]]:
    """Names and milliseconds, in the order of the headers."""
    for name, value in headers:
        if known := _HEADERS.get(name):
            if (milliseconds := _number(value.decode("latin-1"))) is not None:
                yield known, milliseconds
        elif name == b"server-timing":
            yield from parse_server_timing(value[:_MAX_HEADER_BYTES].decode("latin-1"))


def parse_server_timing(value: str) -> Iterator[tuple[str, float]]:
    """The metrics of a `Server-Timing` header that have a duration, as `server_timing_<metric>_ms`."""
    position = 0
    while position < len(value):
        found = _METRIC.match(value, position)
        if found is None:
            position = value.find(",", position) + 1 or len(value)
            continue
        position = found.end()
        duration = _DURATION.search(found[2])
        metric = _NOT_A_NAME.sub("_", found[1].lower()).strip("_")
        if duration is not None and metric:
            milliseconds = _number(duration[1] if duration[1] is not None else duration[2])
            if milliseconds is not None:
                yield f"server_timing_{metric[:_MAX_NAME]}_ms", milliseconds
        position = value.find(",", position) + 1 or len(value)


def from_body(body: bytes) -> list[tuple[str, float]]:
    """Names and milliseconds of llama.cpp's `timings`, of an object with `*_time` seconds, or of Ollama's durations."""
    if not body or len(body) > _MAX_BODY_BYTES:
        return []
    try:
        document = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if not isinstance(document, dict):
        return []
    return [
        *_named(document, dict(zip(_LLAMA_CPP, _LLAMA_CPP, strict=True)), 1.0),
        *_named(document, _SECONDS, 1e3),
        *_named(document, _OLLAMA, 1e-6),
        *_named(document, _BEDROCK, 1.0),
    ]


def _named(document: Mapping[str, Any], names: Mapping[str, str], factor: float) -> Iterator[tuple[str, float]]:
    for key, name in names.items():
        value = document.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            milliseconds = float(value) * factor if abs(value) < 1e18 else math.inf
            if 0 <= milliseconds <= MAX_MS:
                yield name, milliseconds


def _number(text: str) -> float | None:
    try:
        value = float(text.strip()) if len(text) <= 40 and "_" not in text else math.nan
    except ValueError:
        return None
    return value if 0 <= value <= MAX_MS else None
