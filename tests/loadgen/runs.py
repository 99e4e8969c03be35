"""Runs a plan through a real engine process."""

import asyncio
from typing import Any, NamedTuple

from app.loadgen.frames import Done, Failed, Ready, Record, Records, Tick
from app.loadgen.plan import Arrivals, Endpoint, Limits, Plan, Prompts
from app.loadgen.process import EngineProcess


class Run(NamedTuple):
    """Everything an engine said."""

    records: list[Record]
    ticks: list[Tick]
    ready: Ready | None
    end: Done | Failed


def plan(port: int, *, requests: int | None = 1, concurrency: int = 1, scheme: str = "http", **fields: Any) -> Plan:
    """A closed-loop plan against a local port, with short time-outs."""
    values: dict[str, Any] = {
        "endpoint": Endpoint("openai", f"{scheme}://127.0.0.1:{port}/v1", "m"),
        "workload": Prompts(("one two three",)),
        "arrivals": Arrivals("closed", concurrency=concurrency),
        "limits": Limits(2 * 10**9, 2 * 10**9, 2 * 10**9, 5 * 10**9),
        "requests": requests,
        "save_responses": True,
    }
    return Plan(**(values | fields))


def run(plan: Plan) -> Run:
    """Run it to its end."""
    return asyncio.run(run_async(plan))


async def run_async(plan: Plan) -> Run:
    """Run it to its end, within a running loop."""
    records: list[Record] = []
    ticks: list[Tick] = []
    ready = None
    async with asyncio.timeout(60), EngineProcess(plan) as engine:
        async for frame in engine.frames():
            if isinstance(frame, Records):
                records += frame.records
            elif isinstance(frame, Tick):
                ticks.append(frame)
            elif isinstance(frame, Ready):
                ready = frame
            else:
                end = frame
    return Run(records, ticks, ready, end)
