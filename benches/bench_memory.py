"""How much memory an engine takes, and that it does not grow with the number of requests.

First 1,000 streams of 100 chunks at 50 chunks a second; then many short requests at full speed, with the resident
memory at every tenth of them and the growth that this would mean over a million requests (a least-squares line through
the second half, when everything that is allocated once is there).
"""

import argparse
import asyncio

import numpy as np

from app.loadgen.frames import Done, Records, Tick
from app.loadgen.plan import Arrivals, Plan, Prompts
from app.loadgen.process import EngineProcess
from benches.running import ENGINE_CORE, Server, closed_plan, judge, pin, run_plan, served

GOAL_MB = 50
GOAL_GROWTH_MB = 5  # a million requests; what a leak of 5 bytes a request would be


async def resident(server: Server, requests: int) -> list[tuple[int, int]]:
    """`(requests completed, resident bytes)` over a run of short requests; records are thrown away as they come."""
    plan = Plan(
        endpoint=server.endpoint(),
        workload=Prompts(("hello there",)),
        arrivals=Arrivals("closed", concurrency=64),
        sampling={"stream": False},
        requests=requests,
    )
    points = []
    async with EngineProcess(plan) as engine:
        pin(engine.pid, ENGINE_CORE)
        async for frame in engine.frames():
            if isinstance(frame, Tick):
                points.append((frame.completed, frame.rss_bytes))
            elif not isinstance(frame, Records) and isinstance(frame, Done):
                assert frame.completed == requests
    return points


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000, help="short ones")
    options = parser.parse_args()
    with served("--ttft-ms", "200", "--itl-ms", "20", "--tokens", "100") as server:
        run = asyncio.run(run_plan(closed_plan(server, streams=1000, requests=3000)))
    most = run.rss_bytes / 1e6
    print(f"1,000 streams of 100 chunks: {most:.1f} MB, goal {judge(most, GOAL_MB, at_most=True)}; {server.lag()}")
    with served("--ttft-ms", "0", "--tokens", "1") as server:
        points = asyncio.run(resident(server, options.requests))
    print(f"{'requests':>10} {'MB':>7}")
    for tenth in range(1, 11):
        wanted = options.requests * tenth // 10
        done, rss_bytes = min(points, key=lambda point: abs(point[0] - wanted))
        print(f"{done:>10,} {rss_bytes / 1e6:>7.1f}")
    second = np.array(points[len(points) // 2 :], dtype=float)
    growth = float(np.polyfit(second[:, 0], second[:, 1], 1)[0]) if len(second) > 1 else float("nan")
    print(f"growth over a million requests: {growth:+.1f} MB, goal {judge(growth, GOAL_GROWTH_MB, at_most=True)}")


if __name__ == "__main__":
    main()
