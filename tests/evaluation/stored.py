"""Finished benchmarks whose requests have latencies that the test chooses."""

from typing import Any

import numpy as np

from app.benchmarks.models import BenchmarkSession
from app.benchmarks.result_columns import columns
from app.core.database import Database
from app.stats.instrument import InstrumentFacts
from app.stats.run_statistics import RunStatistics, TargetKey
from app.stats.summary import summarise
from tests.factories import NOON_NS, Rows, make_result, make_spec
from tests.reports.conftest import make_measured

LIST = {"kind": "list", "prompts": [f"prompt {number}" for number in range(40)]}


async def finished(
    database: Database, *, factor: float = 1.0, failed: int = 0, n: int = 400, seed: int = 1, **fields: Any
) -> BenchmarkSession:
    """A completed benchmark of `n` requests, TTFT around 100 ms times `factor`, the first `failed` of them failed."""
    rng = np.random.default_rng(seed)
    ttfts = 100 * factor * np.exp(0.2 * rng.standard_normal(n))
    spec = fields.pop("spec", None) or make_spec(workload=LIST, stop={"requests": n})
    values = []
    for index, ttft in enumerate(ttfts.tolist()):
        start = NOON_NS + index * 10**8
        one: dict[str, Any] = {
            "intended_ns": start,
            "started_ns": start,
            "first_token_ns": start + round(ttft * 1e6),
            "last_token_ns": start + round((ttft + 100) * 1e6),
            "end_ns": start + round((ttft + 101) * 1e6),
            "ttft_ms": ttft,
            "ttfo_ms": ttft,
            "tpot_ms": 10.0,
            "e2e_ms": ttft + 100,
            "ttft_from_intended_ms": ttft,
            "ttfo_from_intended_ms": ttft,
            "e2e_from_intended_ms": ttft + 100,
        }
        values.append(one | ({"status": "error", "error_type": "http_5xx"} if index < failed else {}))
    run = RunStatistics(NOON_NS)
    batch = columns([make_measured(index, **one, output_tokens=11) for index, one in enumerate(values)])
    run.add(TargetKey("local", "small"), batch)
    summary = summarise(run, InstrumentFacts())
    session = await Rows(database).session(
        status="completed", spec=spec, summary=summary, histograms=run.encode(with_timeline=False), **fields
    )
    await Rows(database).add([make_result(index, session_id=session.id, **one) for index, one in enumerate(values)])
    return session
