"""What a run's page should say, computed from its exported rows with numpy alone; rules: `docs/statistics.md`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = list[dict[str, Any]]
PERCENTILES = ("p50", "p75", "p90", "p95", "p99", "p99.9")
CONNECTION = {"dns_ms", "connect_ms", "tls_ms"}


def samples(rows: Rows, metric: str) -> NDArray[np.float64]:
    """The values of a metric that count."""
    counted = [row for row in rows if row["status"] == "ok" and row["attempts"] == 1 and row[metric] is not None]
    if metric in CONNECTION:
        counted = [row for row in counted if not row["connection_reused"]]
    return np.array([row[metric] for row in counted], dtype=np.float64)


def latencies(rows: Rows, metric: str) -> dict[str, float | None]:
    """Every column of the table of latencies; None where there are too few samples."""
    values = samples(rows, metric)
    n = len(values)
    found: dict[str, float | None] = {"n": float(n), "min": values.min(), "max": values.max()}
    found |= {"mean": values.mean(), "stdev": values.std(ddof=1)}
    for name in PERCENTILES:
        share = float(name[1:])
        refused = n < round(1 / (1 - share / 100))
        found[name] = None if refused else float(np.percentile(values, share, method="inverted_cdf"))
    return found


def totals(rows: Rows) -> dict[str, float]:
    """Figures of the table of totals, in the units that it shows."""
    ok = [row for row in rows if row["status"] == "ok"]
    seconds = (max(row["end_ns"] for row in rows) - min(row["started_ns"] for row in rows)) / 1e9
    output = sum(row["output_tokens"] for row in ok)
    return {
        "Requests ok": len(ok),
        "Requests failed": len(rows) - len(ok),
        "Requests per second": len(ok) / seconds,
        "Input tokens": sum(row["input_tokens"] for row in ok),
        "Output tokens (usage)": output,
        "Output speed": output / seconds,
        "Input and output": (output + sum(row["input_tokens"] for row in ok)) / seconds,
        "One user, median": 1000 / float(np.percentile(samples(rows, "tpot_ms"), 50, method="inverted_cdf")),
    }


def failures(rows: Rows) -> dict[str, int]:
    """Failed requests by class."""
    classes = [row["error_type"] for row in rows if row["status"] != "ok"]
    return {name: classes.count(name) for name in set(classes)}
