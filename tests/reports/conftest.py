"""Measured results that need no database."""

from typing import Any

from app.benchmarks.measures import MeasuredResult
from app.core.ids import new_id
from tests.factories import NOON_NS


def make_measured(index: int = 0, **fields: Any) -> MeasuredResult:
    """A request that went well, with fields of every type."""
    defaults: dict[str, Any] = {
        "index": index,
        "id": new_id(),
        "provider": "local",
        "model": "small",
        "response_id": f"chatcmpl-{index}",
        "status": "ok",
        "error_type": None,
        "error": None,
        "http_status": 200,
        "finish_reason": "stop",
        "attempts": 1,
        "clock": "kernel",
        "connection_reused": index > 0,
        "intended_ns": NOON_NS,
        "started_ns": NOON_NS + 1,
        "first_byte_ns": NOON_NS + 2,
        "first_token_ns": NOON_NS + 3,
        "first_output_ns": NOON_NS + 3,
        "last_token_ns": NOON_NS + 4,
        "end_ns": NOON_NS + 5,
        "schedule_delay_ms": -0.25,
        "ttft_ms": 123.456789,
        "tags": ("nightly", "a b"),
    }
    return MeasuredResult(**defaults | fields)
