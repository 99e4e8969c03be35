"""Runs plans and simulators for the benchmarks, each on a core of its own."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

from app.loadgen.frames import Done, Record, Records, Tick
from app.loadgen.plan import Plan
from app.loadgen.process import EngineProcess

ENGINE_CORE, SERVER_CORE = 0, 1


class Run(NamedTuple):
    """What an engine measured and what that cost."""

    records: list[Record]
    done: Done
    rss_bytes: int

    @property
    def seconds(self) -> float:
        """How long the load ran."""
        return (self.done.ended_at_ns - self.done.started_at_ns) / 1e9

    def facts(self) -> str:
        """CPU and memory in words."""
        return f"CPU {self.done.cpu_ns / 1e9 / self.seconds:.0%}, {self.rss_bytes / 1e6:.0f} MB"


async def run_plan(plan: Plan) -> Run:
    """Run a plan in an engine process that has a core of its own.

    Raises:
        RuntimeError: the engine could not run it.
    """
    records: list[Record] = []
    rss_bytes = 0
    async with EngineProcess(plan) as engine:
        pin(engine.pid, ENGINE_CORE)
        async for frame in engine.frames():
            if isinstance(frame, Records):
                records += frame.records
            elif isinstance(frame, Tick):
                rss_bytes = max(rss_bytes, frame.rss_bytes)
            elif isinstance(frame, Done):
                return Run(records, frame, rss_bytes)
    raise RuntimeError("the engine could not run the plan")


@contextlib.contextmanager
def simulator(*arguments: str) -> Iterator[int]:
    """The simulator on a core of its own; yields its port. Its log is complete when the block has ended."""
    command = [sys.executable, "-m", "app.simulator", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        pin(process.pid, SERVER_CORE)
        try:
            assert process.stdout is not None
            yield int(json.loads(process.stdout.readline())["port"])
        finally:
            process.terminate()


def pin(pid: int | None, core: int) -> None:
    """Give a process one core, where the platform can and there is more than one."""
    if pid is not None and hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(pid, {core})
