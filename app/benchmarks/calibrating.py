"""Measures this machine's instrument: the real engine against the simulator, whose true send times are logged.

What the simulator adds to the errors: it stamps a chunk in user space just before `send`, so each error holds the time
of that system call, the way through the loopback, and any moment in which the system took the simulator off its core
between the stamp and the call. The true error of the instrument is therefore at most what is reported. How late the
simulator was against its own schedule does not matter to the errors, because they are taken from what it really did;
it is reported as `simulator_lag_ms`.
"""

import asyncio
import contextlib
import json
import resource
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from app.benchmarks.calibrations import errors_of, program, read_truth, simulator_lag_ms
from app.benchmarks.local import run_local
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.schemas import BenchmarkSpec
from app.core import machine
from app.core.errors import ServiceUnavailableError
from app.loadgen.plan import Endpoint
from app.stats.calibration import VERSION, load_of

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_SPARE_FILES = 64
SIMULATOR_SHARE = (
    "errors are against stamps that the simulator takes in user space just before each send: they hold that system "
    "call, the loopback and its preemptions, so the instrument's own error is at most this"
)


class Truth(NamedTuple):
    """What the simulated server does."""

    ttft_ms: float = 200.0
    chunk_ms: float = 20.0
    tokens: int = 100


async def calibrate(
    levels: Sequence[int],
    server: Truth,
    *,
    seconds: float,
    stop: asyncio.Event,
    on_point: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """The calibration document of this machine; `on_point` gets each load's result as it is there.

    Every level is a closed loop of `seconds` (a request takes as long as it takes beyond that). A level at which
    nothing could be measured is left out and told with its `error`. Setting `stop` ends it after the level under way.

    Raises:
        ServiceUnavailableError: the simulator does not start.
    """
    facts = machine.facts()
    points = []
    for concurrency in levels:
        if stop.is_set():
            break
        point = await _point(concurrency, server, seconds, stop)
        on_point(point)
        if point["error"] is None and not stop.is_set():
            points.append(point)
    return {
        "version": VERSION,
        "program": program(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "fingerprint": machine.fingerprint(facts),
        "machine": facts,
        "server": server._asdict(),
        "note": SIMULATOR_SHARE,
        "points": points,
    }


async def _point(concurrency: int, server: Truth, seconds: float, stop: asyncio.Event) -> dict[str, Any]:
    results: list[MeasuredResult] = []
    with tempfile.TemporaryDirectory(prefix="ltb-calibrate-") as folder:
        log = Path(folder) / "truth.jsonl"
        async with _simulator(log, server, concurrency) as port:
            endpoint = Endpoint("openai-compatible", f"http://127.0.0.1:{port}/v1", "simulated")
            summary = await run_local(_spec(concurrency, seconds), endpoint, on_results=results.extend, stop=stop)
        truth = read_truth(log)
    samples, joined = errors_of(results, truth)
    instrument = summary["instrument"]
    load = load_of(summary, 1) or {"in_flight": 0.0, "chunks_per_s": 0.0}
    error = summary["error"]
    if error is None and not joined:
        error = "no request succeeded"
    return {
        "concurrency": concurrency,
        **load,
        "requests": summary["requests"]["total"],
        "failed": summary["requests"]["failed"],
        "joined": joined,
        "chunks": summary["chunks"],
        "clock": instrument["clock"],
        "errors_ms": samples.summary(),
        "coalesced_share": instrument["coalesced_share"],
        "cpu_share": instrument["cpu_share"],
        "verdict": instrument["verdict"],
        "simulator_lag_ms": simulator_lag_ms(truth.values(), ttft_ms=server.ttft_ms, chunk_ms=server.chunk_ms),
        "error": error,
    }


def _spec(concurrency: int, seconds: float) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(
        {
            "name": f"calibration, {concurrency} streams",
            "targets": [{"provider": "openai-compatible", "model": "simulated"}],
            "workload": {"kind": "prompt", "prompt": "calibration"},
            "load": {"kind": "closed", "concurrency": concurrency},
            "stop": {"duration_seconds": seconds},
        }
    )


@asynccontextmanager
async def _simulator(log: Path, server: Truth, connections: int) -> AsyncIterator[int]:
    """A simulator in a process of its own; its log is complete when the block has ended."""
    _raise_file_limit(connections + _SPARE_FILES)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.simulator", "--exit-with-stdin", "--port", "0", "--log", str(log)),
        *("--ttft-ms", f"{server.ttft_ms:g}", "--itl-ms", f"{server.chunk_ms:g}", "--tokens", str(server.tokens)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        try:
            async with asyncio.timeout(_START_SECONDS):
                port = int(json.loads(await process.stdout.readline())["port"])
        except (TimeoutError, ValueError, KeyError):
            raise ServiceUnavailableError("the simulator did not start") from None
        yield port
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _raise_file_limit(wanted: int) -> None:
    """Let children open as many sockets as the system allows; each stream is one in the simulator."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
