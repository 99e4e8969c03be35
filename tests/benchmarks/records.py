"""Records as an engine would report them."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from app.benchmarks.measures import MeasureContext, MeasuredResult, measure
from app.loadgen.frames import CENSORED, ERROR_TYPES, Record

ORIGIN_NS = 1_800_000_000 * 10**9
CONTEXT = MeasureContext("local", "small", "openai-compatible", ("nightly",))
MS = 10**6


def make_record(index: int = 0, **fields: Any) -> Record:
    """A request that went well: TTFT 100 ms, eleven chunks 10 ms apart."""
    started = ORIGIN_NS + index * 10 * MS
    defaults: dict[str, Any] = {
        "index": index,
        "status": "ok",
        "intended_ns": started - MS,
        "started_ns": started,
        "first_byte_ns": started + 99 * MS,
        "first_token_ns": started + 100 * MS,
        "first_output_ns": started + 110 * MS,
        "last_token_ns": started + 200 * MS,
        "end_ns": started + 201 * MS,
        "reused": True,
        "http_status": 200,
        "response_id": f"r-{index}",
        "finish_reason": "stop",
        "chunks": 11,
        "gaps": np.full(10, 10 * MS, dtype="<i8").tobytes(),
        "uncached_input_tokens": 5,
        "visible_output_tokens": 8,
        "reasoning_tokens": 3,
        "token_count_source": "usage",
        "usage": b'{"prompt_tokens":5,"completion_tokens":11}',
    }
    return Record(**defaults | fields)


def make_error(index: int = 0, error_type: str = "http_5xx", **fields: Any) -> Record:
    """A request that failed before its first token."""
    defaults: dict[str, Any] = {
        "index": index,
        "status": "error",
        "intended_ns": ORIGIN_NS,
        "started_ns": ORIGIN_NS + MS,
        "end_ns": ORIGIN_NS + 2 * MS,
        "error_type": error_type,
        "error": "it broke",
    }
    return Record(**defaults | fields)


def make_measured(*indices: int, **fields: Any) -> list[MeasuredResult]:
    """Measured results of good records."""
    return [measure(make_record(index, **fields), CONTEXT) for index in indices]


_instants = st.one_of(st.just(0), st.integers(ORIGIN_NS, ORIGIN_NS + 10**13))
_counts = st.one_of(st.none(), st.integers(-5, 2**63 - 1))
_texts = st.one_of(st.none(), st.text(max_size=400))
_gaps = st.lists(st.one_of(st.just(CENSORED), st.integers(0, 10**11)), max_size=20)

ANY_RECORD = st.builds(
    Record,
    index=st.integers(0, 2**62),
    status=st.sampled_from(["ok", "error"]),
    intended_ns=st.integers(ORIGIN_NS, ORIGIN_NS + 10**13),
    started_ns=_instants,
    first_byte_ns=_instants,
    first_token_ns=_instants,
    first_output_ns=_instants,
    last_token_ns=_instants,
    end_ns=_instants,
    connect_ns=st.integers(0, 10**12),
    reused=st.booleans(),
    attempts=st.integers(1, 10),
    clock_stepped=st.booleans(),
    error_type=st.one_of(st.none(), st.sampled_from(ERROR_TYPES)),
    error=_texts,
    http_status=st.one_of(st.none(), st.integers(100, 999)),
    response_id=_texts,
    finish_reason=_texts,
    chunks=st.integers(0, 10**6),
    coalesced_chunks=st.integers(0, 10**6),
    gaps=_gaps.map(lambda gaps: np.array(gaps, dtype="<i8").tobytes()),
    uncached_input_tokens=_counts,
    cache_read_tokens=_counts,
    visible_output_tokens=_counts,
    reasoning_tokens=_counts,
    token_count_source=st.one_of(st.none(), st.sampled_from(["usage", "chunks"])),
    usage=st.one_of(
        st.just(b""),
        st.binary(max_size=20),
        st.just(b'{"a":"\\u0000"}'),
        st.just(b'{"n":1e400}'),
        st.just(b'{"n":99999999999999999999999999}'),
        st.just(b'{"s":"\\ud800"}'),
    ),
    response_text=_texts,
)
