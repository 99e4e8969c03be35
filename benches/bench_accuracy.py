"""How far off the instrument is, against the simulator's log of when bytes really left.

Prints rows per load: errors in microseconds, |measured - true|, of time to first token, end to end and single chunk
gaps; the gap between our `started` and the request's arrival; what it cost; and how late the simulator itself sent.
Engine and simulator get a core each.
"""

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from app.loadgen.frames import CENSORED, Record
from benches.running import closed_plan, judge, run_plan, served

LOADS = ((64, 4), (256, 4), (1000, 3), (2000, 2))  # streams, rounds
SURE_UP_TO = 1000  # streams; above, the goal is about the time to first token only
SETTINGS = ("--ttft-ms", "200", "--itl-ms", "20", "--tokens", "100", "--jitter", "0.1")


def errors_us(records: list[Record], truth: dict[str, Any]) -> dict[str, np.ndarray]:
    """Microseconds of error, by what was measured."""
    ttft, end, arrival, gaps = [], [], [], []
    for record in records:
        true = truth[record.response_id or ""]
        sent = np.array(true["chunk_ns"])
        ttft.append(record.first_token_ns - record.started_ns - (sent[0] - true["request_ns"]))
        end.append(record.last_token_ns - record.started_ns - (sent[-1] - true["request_ns"]))
        arrival.append(true["request_ns"] - record.started_ns)
        measured = np.frombuffer(record.gaps, "<i8")
        sure = measured != CENSORED
        sure[1:] &= sure[:-1]
        gaps.append((measured - np.diff(sent))[sure])
    values = {"TTFT": ttft, "end to end": end, "start → arrival": arrival, "gaps": np.concatenate(gaps)}
    return {name: np.abs(np.asarray(value)) / 1000 for name, value in values.items()}


def goal_of(streams: int, name: str, p50: float, p99: float) -> str:
    """What issue 3 asks of this row, and whether it was reached."""
    if streams > SURE_UP_TO:
        return f"p99 {judge(p99, 1000, at_most=True)}" if name == "TTFT" else ""
    if name == "TTFT":
        return f"p50 {judge(p50, 15, at_most=True)}, p99 {judge(p99, 50, at_most=True)}"
    return f"p99 {judge(p99, 50, at_most=True)}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, help="only this many streams")
    wanted = parser.parse_args().streams
    print(f"{'streams':>8} {'measure':>16} {'p50 µs':>9} {'p99 µs':>9} {'max µs':>9}   {'goal':<31} facts")
    for streams, rounds in LOADS if wanted is None else ((wanted, 3),):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "truth.jsonl"
            with served("--log", str(log), *SETTINGS) as server:
                run = asyncio.run(run_plan(closed_plan(server, streams=streams, requests=streams * rounds)))
            truth = {line["response_id"]: line for line in map(json.loads, log.read_text().splitlines())}
        ok = [record for record in run.records if record.status == "ok"]
        facts = (
            f"{len(ok)}/{streams * rounds} ok, {run.chunks / run.seconds:,.0f} chunks/s, {run.facts()}, "
            f"{run.done.cpu_ns / 1000 / run.chunks:.1f} µs/chunk, "
            f"{sum(record.coalesced_chunks for record in ok)} coalesced; server {server.lag()}"
        )
        for name, values in errors_us(ok, truth).items():
            p50, p99, worst = np.percentile(values, [50, 99, 100])
            goal = goal_of(streams, name, float(p50), float(p99))
            print(f"{streams:>8} {name:>16} {p50:>9.1f} {p99:>9.1f} {worst:>9.1f}   {goal:<31} {facts}", flush=True)
            facts = ""


if __name__ == "__main__":
    main()
