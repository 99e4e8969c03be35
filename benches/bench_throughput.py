"""How many chunks a second one engine takes: plain, with TLS, with two engines, and beside a bare C reader.

Everything gets the same load from the same kind of server: 1,000 streams whose server always has more to send than it
can. Where the server is the limit, chunks per second say nothing about the reader; CPU time per chunk does, and
`could take` is what a core that did nothing else would take at that price. The bare reader is compiled when there is a
C compiler; it decodes nothing.

With two engines the machine needs more cores than two for the server not to be in their way.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from benches.running import closed_plan, compile_bare_reader, judge, run_bare_reader, run_plan, run_shards, served

SETTINGS = ("--ttft-ms", "10", "--itl-ms", "1", "--tokens", "100")
TOKENS = 100
GOALS = {"plain": 115_000, "TLS": 50_000}


class Row(NamedTuple):
    """One measurement."""

    chunks_per_s: float
    cpu_us: float  # per chunk
    lag: str


def engine(*, tls: bool, streams: int, requests: int) -> Row:
    """One engine."""
    with served(*SETTINGS, tls=tls) as server:
        run = asyncio.run(run_plan(closed_plan(server, streams=streams, requests=requests)))
    return Row(run.chunks / run.seconds, run.done.cpu_ns / 1000 / run.chunks, server.lag())


def engines(count: int, *, streams: int, requests: int) -> Row:
    """Several engines that share the load; each has a server of its own, or they would only wait for it."""
    with served(*SETTINGS, core=None) as one, served(*SETTINGS, core=None) as other:
        servers = (one, other)[:count]
        plans = [closed_plan(server, streams=streams // count, requests=requests // count) for server in servers]
        runs = asyncio.run(run_shards(plans))
    chunks = sum(run.chunks for run in runs)
    cpu_us = sum(run.done.cpu_ns for run in runs) / 1000 / chunks
    return Row(chunks / max(run.seconds for run in runs), cpu_us, one.lag())


def bare(program: str, *, streams: int, requests: int) -> Row:
    """The yardstick."""
    with served(*SETTINGS) as server:
        run = run_bare_reader(program, server.port, streams=streams, requests=requests)
    return Row(requests * TOKENS / run.seconds, run.cpu_seconds * 1e6 / (requests * TOKENS), server.lag())


def main() -> None:
    """Print the table: medians of interleaved rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=3000, help="per measurement, of 100 chunks each")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    load = {"streams": options.streams, "requests": options.requests}
    with tempfile.TemporaryDirectory() as folder:
        program = compile_bare_reader(folder)
        measures: dict[str, Callable[[], Row]] = {
            "plain": lambda: engine(tls=False, **load),
            "TLS": lambda: engine(tls=True, **load),
        }
        if program is not None:
            measures["bare C reader"] = partial(bare, program, **load)
        measures["1 engine, any core"] = lambda: engines(1, **load)
        measures["2 engines, any core"] = lambda: engines(2, **load)
        rows: dict[str, list[Row]] = {name: [] for name in measures}
        for _ in range(options.rounds):
            for name, measure in measures.items():
                rows[name].append(measure())
    print(f"{'what':>20} {'chunks/s':>10} {'CPU µs/chunk':>13} {'could take/s':>13}   goal                  server")
    rates = {}
    for name, measured in rows.items():
        rates[name] = statistics.median(row.chunks_per_s for row in measured)
        cpu_us = statistics.median(row.cpu_us for row in measured)
        goal = f"chunks/s {judge(rates[name], GOALS[name])}" if name in GOALS else ""
        print(
            f"{name:>20} {rates[name]:>10,.0f} {cpu_us:>13.1f} {1e6 / cpu_us:>13,.0f}   {goal:<21} {measured[-1].lag}"
        )
    if program is not None:
        share = rates["plain"] / rates["bare C reader"]
        print(f"plain / bare C reader: {share:.2f}   goal {judge(share, 0.8)}")
    ratio = rates["2 engines, any core"] / rates["1 engine, any core"]
    print(f"2 engines / 1 engine: {ratio:.2f}   goal {judge(ratio, 1.8)} ({os.cpu_count()} cores; needs 4)")


if __name__ == "__main__":
    main()
