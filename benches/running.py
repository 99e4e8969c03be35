"""Runs plans, simulators and the bare C reader for the benchmarks, each on a core of its own."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import trustme

from app.loadgen.frames import Done, Record, Records, Tick
from app.loadgen.plan import Arrivals, Endpoint, Plan, Prompts
from app.loadgen.process import EngineProcess

ENGINE_CORE, SERVER_CORE = 0, 1
BARE_READER = Path(__file__).with_name("bare_reader.c")


class Run(NamedTuple):
    """What an engine measured and what that cost."""

    records: list[Record]
    done: Done
    rss_bytes: int

    @property
    def seconds(self) -> float:
        """How long the load ran."""
        return (self.done.ended_at_ns - self.done.started_at_ns) / 1e9

    @property
    def chunks(self) -> int:
        """Output chunks received."""
        return sum(record.chunks for record in self.records)

    def facts(self) -> str:
        """CPU and memory in words."""
        return f"CPU {self.done.cpu_ns / 1e9 / self.seconds:.0%}, {self.rss_bytes / 1e6:.0f} MB, {self.done.reader}"


@dataclass
class Server:
    """A running simulator; `send_lag_ns` is filled when its block has ended."""

    port: int
    ca_file: str | None = None
    send_lag_ns: dict[str, int] = field(default_factory=dict)

    def endpoint(self) -> Endpoint:
        """Where it is, for a plan."""
        return Endpoint(
            "openai", f"http{'s' if self.ca_file else ''}://127.0.0.1:{self.port}/v1", "m", ca_file=self.ca_file
        )

    def lag(self) -> str:
        """How late it sent, in words."""
        return (
            "sent late by "
            + " / ".join(f"{self.send_lag_ns[name] / 1e6:.2f}" for name in ("p50", "p99", "max"))
            + " ms"
        )


def closed_plan(server: Server, *, streams: int, requests: int, shard: int = 0, shards: int = 1) -> Plan:
    """So many streams at a time until all requests are through."""
    return Plan(
        endpoint=server.endpoint(),
        workload=Prompts(("hello there",)),
        arrivals=Arrivals("closed", concurrency=streams),
        requests=requests,
        shard=shard,
        shards=shards,
        index_base=shard,
        index_stride=shards,
    )


async def run_plan(plan: Plan, core: int | None = ENGINE_CORE) -> Run:
    """Run a plan in an engine process, on a core of its own.

    Raises:
        RuntimeError: the engine could not run it.
    """
    records: list[Record] = []
    rss_bytes = 0
    async with EngineProcess(plan) as engine:
        if core is not None:
            pin(engine.pid, core)
        async for frame in engine.frames():
            if isinstance(frame, Records):
                records += frame.records
            elif isinstance(frame, Tick):
                rss_bytes = max(rss_bytes, frame.rss_bytes)
            elif isinstance(frame, Done):
                return Run(records, frame, rss_bytes)
    raise RuntimeError("the engine could not run the plan")


async def run_shards(plans: list[Plan]) -> list[Run]:
    """Run several engines at once; the system gives them their cores."""
    return await asyncio.gather(*(run_plan(plan, None) for plan in plans))


@contextlib.contextmanager
def served(*arguments: str, tls: bool = False, core: int | None = SERVER_CORE) -> Iterator[Server]:
    """The simulator on a core of its own. Its log and its lags are complete when the block has ended."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(0)
        if tls:
            authority = trustme.CA()
            pem, server.ca_file = f"{folder}/server.pem", f"{folder}/ca.pem"
            authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
            authority.cert_pem.write_to_path(server.ca_file)
            arguments = (*arguments, "--certificate", pem)
        command = [sys.executable, "-m", "app.simulator", "--port", "0", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            if core is not None:
                pin(process.pid, core)
            assert process.stdout is not None
            try:
                server.port = int(json.loads(process.stdout.readline())["port"])
                yield server
            finally:
                process.terminate()
                with contextlib.suppress(ValueError, KeyError):
                    server.send_lag_ns = json.loads(process.stdout.readline())["send_lag_ns"]


@contextlib.contextmanager
def simulator(*arguments: str) -> Iterator[int]:
    """`served`, for who needs only its port."""
    with served(*arguments) as server:
        yield server.port


class BareRun(NamedTuple):
    """What the bare C reader took from a server."""

    seconds: float
    cpu_seconds: float
    reads: int


def compile_bare_reader(folder: str) -> str | None:
    """The compiled yardstick: epoll and recvmsg with stamps and nothing else; None without a C compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None or sys.platform != "linux":
        return None
    program = f"{folder}/bare_reader"
    built = subprocess.run([compiler, "-O2", "-o", program, str(BARE_READER)], capture_output=True, check=False)
    return program if built.returncode == 0 else None


def run_bare_reader(program: str, port: int, *, streams: int, requests: int) -> BareRun:
    """Let it run the same load on the engine's core."""
    with subprocess.Popen(
        [program, str(port), str(streams), str(requests)], stdout=subprocess.PIPE, text=True
    ) as child:
        pin(child.pid, ENGINE_CORE)
        said, _ = child.communicate(timeout=120)
    seconds, cpu_seconds, reads = re.findall(r"[\d.]+", said)
    return BareRun(float(seconds), float(cpu_seconds), int(reads))


def judge(reached: float, goal: float, *, at_most: bool = False) -> str:
    """A goal with whether it was reached."""
    is_met = reached <= goal if at_most else reached >= goal
    return f"{'≤' if at_most else '≥'} {goal:,g} {'met' if is_met else 'missed'}"


def pin(pid: int | None, core: int) -> None:
    """Give a process one core, where the platform can and there is more than one."""
    if pid is not None and hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(pid, {core})
