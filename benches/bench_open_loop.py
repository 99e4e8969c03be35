"""How punctually an open loop starts its requests, and at which rate, against the simulator.

Prints one row per load of short responses that are not streamed: the rate asked for and achieved, `started - intended`
in microseconds, and the jitter: by how much gaps between starts differ from the schedule's. Goals: constant at 100/s,
jitter p99 at most 200 µs; 5,000/s, delay p99 at most 1,000 µs. Engine and simulator get a core each.
"""

import argparse
import asyncio
from typing import NamedTuple

import numpy as np

from app.loadgen.plan import Arrivals, Endpoint, Plan, Prompts, Segment
from benches.running import run_plan, simulator

SECONDS = 5
CAP = 2000


class Load(NamedTuple):
    """One row."""

    name: str
    asked: float  # mean rate
    arrivals: Arrivals


def loads() -> tuple[Load, ...]:
    """All rows."""
    ramp = (Segment(100, 1900, SECONDS), Segment(1900, 1900))
    return (
        Load("constant", 100, Arrivals("constant", CAP, 100)),
        Load("constant", 1000, Arrivals("constant", CAP, 1000)),
        Load("poisson", 1000, Arrivals("poisson", CAP, 1000)),
        Load("gamma 0.25", 1000, Arrivals("gamma", CAP, 1000, burstiness=0.25)),
        Load("ramp 100-1900", 1000, Arrivals("poisson", CAP, segments=ramp)),
        Load("constant", 5000, Arrivals("constant", CAP, 5000)),
        Load("poisson", 5000, Arrivals("poisson", CAP, 5000)),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, help="only this rate, Poisson")
    wanted = parser.parse_args().rate
    rows = loads() if wanted is None else (Load("poisson", wanted, Arrivals("poisson", CAP, wanted)),)
    print(
        f"{'load':>14} {'asked /s':>9} {'due /s':>8} {'sent /s':>8} {'delay p50 µs':>13} {'p99 µs':>9} {'max µs':>9} "
        f"{'jitter p99 µs':>14}   facts"
    )
    for load in rows:
        print(row(load), flush=True)


def row(load: Load) -> str:
    """Run one load."""
    with simulator("--ttft-ms", "5", "--tokens", "1") as port:
        plan = Plan(
            endpoint=Endpoint("openai", f"http://127.0.0.1:{port}/v1", "m"),
            workload=Prompts(("hello there",)),
            arrivals=load.arrivals,
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
    # Chance decides how many arrivals are due in five seconds; what counts is that those are sent in that time.
    end_ns = run.done.started_at_ns + SECONDS * 10**9
    sent = int((started < end_ns).sum())
    p50, p99, worst = np.percentile(delay, [50, 99, 100])
    facts = f"{ok}/{len(records)} ok, {run.facts()}"
    return (
        f"{load.name:>14} {load.asked:>9g} {len(records) / SECONDS:>8.1f} {sent / SECONDS:>8.1f} {p50:>13.1f} "
        f"{p99:>9.1f} {worst:>9.1f} {np.percentile(jitter, 99):>14.1f}   {facts}"
    )


if __name__ == "__main__":
    main()
