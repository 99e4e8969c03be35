"""How punctually an open loop starts its requests: schedule delay and gaps between starts, against the simulator.

Prints one row per rate of short responses that are not streamed: `started - intended` in microseconds, and by how much
the gaps between starts differ from the schedule's. Engine and simulator get a core each.
"""

import argparse
import asyncio

import numpy as np

from app.loadgen.plan import Arrivals, Endpoint, Plan, Prompts
from benches.running import run_plan, simulator

RATES = ((100, "constant"), (1000, "poisson"), (5000, "poisson"))
SECONDS = 5


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, help="only this rate, Poisson")
    wanted = parser.parse_args().rate
    print(f"{'rate /s':>8} {'arrivals':>9} {'delay p50 µs':>13} {'p99 µs':>9} {'max µs':>9} {'gap p99 µs':>11}   facts")
    for rate, kind in RATES if wanted is None else ((wanted, "poisson"),):
        with simulator("--ttft-ms", "5", "--tokens", "1") as port:
            plan = Plan(
                endpoint=Endpoint("openai", f"http://127.0.0.1:{port}/v1", "m"),
                workload=Prompts(("hello there",)),
                arrivals=Arrivals(kind, concurrency=2000, rate=rate),  # type: ignore[arg-type]
                sampling={"stream": False},
                duration_ns=SECONDS * 10**9,
            )
            run = asyncio.run(run_plan(plan))
        records = sorted(run.records, key=lambda record: record.intended_ns)
        intended = np.array([record.intended_ns for record in records])
        started = np.array([record.started_ns for record in records])
        delay = (started - intended) / 1000
        jitter = np.abs(np.diff(started) - np.diff(intended)) / 1000
        ok = sum(record.status == "ok" for record in records)
        p50, p99, worst = np.percentile(delay, [50, 99, 100])
        facts = f"{ok}/{len(records)} ok in {SECONDS} s, {run.facts()}"
        print(
            f"{rate:>8} {kind:>9} {p50:>13.1f} {p99:>9.1f} {worst:>9.1f} {np.percentile(jitter, 99):>11.1f}   {facts}",
            flush=True,
        )


if __name__ == "__main__":
    main()
