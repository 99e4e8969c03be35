"""What `bench_storage` asks of a full database: listings, summaries, exports, and the removal of a large benchmark."""

import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from sqlalchemy import text

from app.accounts.visibility import Visibility
from app.benchmarks import results_removal
from app.benchmarks.curve_service import Chosen, CurveService, Stretch
from app.benchmarks.listing import Direction, Filters, Order, Sort
from app.benchmarks.live import LiveRuns
from app.benchmarks.many import ManyBenchmarks
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.results_removal import Removal
from app.benchmarks.results_service import ResultFilters, ResultService
from app.core.database import Database
from app.core.pagination import encode_cursor
from app.core.settings import StorageSettings
from app.reports.exports import ExportFormat, stream_results
from app.stats.run_statistics import RunStatistics
from app.stats.summary import summarise
from benches.running import judge
from benches.storage_data import RARE_ERROR, DatabaseUnderTest
from tests.factories import make_caller

LISTING_GOAL_MS = 100
SUMMARY_GOAL_MS = 1_000
EXPORT_GOAL_MB = 100
WAIT_GOAL_MS = 500
REPEATS = 40
ADMIN = make_caller(role="admin")
STRANGER = make_caller(role="user")
Ask = Callable[[], Awaitable[object]]


def listings(database: Database, large: UUID) -> list[tuple[str, Ask]]:
    """Every kind of listing, as the API asks for it."""
    results, many = ResultService(database), ManyBenchmarks(database, LiveRuns())

    def of_results(filters: ResultFilters, caller: Any = ADMIN) -> Ask:
        return lambda: results.list(caller, filters, limit=50)

    def of_benchmarks(order: Order, caller: Any = ADMIN, **filters: Any) -> Ask:
        return lambda: many.page(caller, Filters(**filters), order, limit=50)

    async def deep() -> object:
        """A page from the middle of a large benchmark, as whoever follows the cursors gets to."""
        return await results.list(ADMIN, ResultFilters(large), limit=50, cursor=encode_cursor(400_000))

    newest = Order()
    return [
        ("requests of a benchmark", of_results(ResultFilters(large))),
        ("… from its middle", deep),
        ("… failed", of_results(ResultFilters(large, status="error"))),
        ("… by error", of_results(ResultFilters(large, error_type="http_5xx"))),
        ("… no such error", of_results(ResultFilters(large, error_type="dns"))),
        ("… by model", of_results(ResultFilters(large, provider="local", model="model-0"))),
        ("… no such model", of_results(ResultFilters(large, model="none"))),
        ("… failed, by model", of_results(ResultFilters(large, status="error", model="model-0"))),
        ("… no such point", of_results(ResultFilters(large, point=3))),
        ("newest requests of all", of_results(ResultFilters())),
        ("… failed", of_results(ResultFilters(status="error"))),
        ("… by error", of_results(ResultFilters(error_type="http_5xx"))),
        ("… one such error, the oldest", of_results(ResultFilters(error_type=RARE_ERROR))),
        ("… no such error", of_results(ResultFilters(error_type="dns"))),
        ("… by model", of_results(ResultFilters(model="model-3"))),
        ("… of no such model", of_results(ResultFilters(model="none"))),
        ("… of a stranger", of_results(ResultFilters(), STRANGER)),
        ("newest benchmarks", of_benchmarks(newest)),
        ("… by TTFT p95", of_benchmarks(Order(Sort.TTFT_P95, Direction.DESC))),
        ("… by name", of_benchmarks(Order(Sort.NAME, Direction.ASC))),
        ("… by tag", of_benchmarks(newest, tag=("week-3",))),
        ("… no such word", of_benchmarks(newest, text="nowhere")),
        ("… by model, by name", of_benchmarks(Order(Sort.NAME, Direction.DESC), model="model-3")),
        ("… of a stranger", of_benchmarks(newest, STRANGER)),
        ("… counted", lambda: many.count(ADMIN, Filters())),
        ("… counted by tag", lambda: many.count(ADMIN, Filters(tag=("nightly",)))),
    ]


class Taken(NamedTuple):
    """Of one question, in milliseconds. CPU says what an idle machine would do where others disturb the clock."""

    p50: float
    p95: float
    cpu_p95: float
    server_cpu: float


async def take(tested: DatabaseUnderTest, ask: Ask, repeats: int = REPEATS) -> Taken:
    """Ask so many times; the first answer warms caches that the service has in common use."""
    await ask()
    taken: list[float] = []
    own: list[float] = []
    _, before = tested.cpu_seconds()
    for _ in range(repeats):
        begun, cpu = time.perf_counter(), time.process_time()
        await ask()
        taken.append((time.perf_counter() - begun) * 1000)
        own.append((time.process_time() - cpu) * 1000)
    server = (tested.cpu_seconds()[1] - before) / repeats * 1000
    return Taken(float(np.median(taken)), float(np.percentile(taken, 95)), float(np.percentile(own, 95)), server)


async def time_listings(tested: DatabaseUnderTest, large: UUID) -> None:
    """The 95th percentile of each."""
    for name, ask in listings(tested.database, large):
        try:
            found = await take(tested, ask)
        except Exception as error:  # noqa: BLE001  (one that times out should not hide the others)
            print(f"  {name:<30} failed: {str(error).splitlines()[0][:100]}")
            continue
        print(
            f"  {name:<30} p50 {found.p50:7.1f}, p95 {found.p95:7.1f} ms, goal "
            f"{judge(found.p95, LISTING_GOAL_MS, at_most=True)}; CPU {found.cpu_p95:.1f} + {found.server_cpu:.1f} ms"
        )


async def time_summaries(tested: DatabaseUnderTest, session_id: UUID) -> None:
    """What a benchmark of very many requests says of itself, out of its histograms."""
    curves = CurveService(tested.database, LiveRuns())

    async def again() -> object:
        async with tested.database.read() as session:
            encoded = await session.scalar(
                BenchmarkSession.__table__.select()
                .with_only_columns(BenchmarkSession.histograms)
                .where(BenchmarkSession.id == session_id)
            )
        return await asyncio.to_thread(lambda: summarise(RunStatistics.decode(encoded), None))

    questions: dict[str, Ask] = {
        "all percentiles, with intervals": again,
        "distribution of TTFT": lambda: curves.distributions(ADMIN, session_id, "ttft_ms", Stretch(), Chosen()),
        "distribution of chunk gaps": lambda: curves.distributions(ADMIN, session_id, "icl_ms", Stretch(), Chosen()),
        "heatmap of TTFT": lambda: curves.heatmap(ADMIN, session_id, "ttft_ms", Chosen()),
    }
    for name, ask in questions.items():
        found = await take(tested, ask, 10)
        print(
            f"  {name:<34} p50 {found.p50:7.1f}, p95 {found.p95:7.1f} ms, goal "
            f"{judge(found.p95, SUMMARY_GOAL_MS, at_most=True)}; CPU {found.cpu_p95:.0f} + {found.server_cpu:.0f} ms"
        )


class Exported(NamedTuple):
    """By a process that did nothing else."""

    rows: int
    bytes: int
    seconds: float
    cpu_seconds: float
    growth_bytes: int


def export(url: str, warm_up: UUID, session_id: UUID, kind: str, with_gaps: bool) -> Exported:
    """Export a benchmark in this process; the growth is that of its peak, over a small export before."""

    async def run() -> Exported:
        database = Database(StorageSettings(database_url=url))
        service = ResultService(database)
        try:
            await pull(service, warm_up)
            before = _resident("VmRSS")
            _forget_peak()
            begun, cpu = time.perf_counter(), time.process_time()
            size, lines = await pull(service, session_id)
            seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu
            return Exported(lines, size, seconds, cpu_seconds, _resident("VmHWM") - before)
        finally:
            await database.close()

    async def pull(service: ResultService, id_: UUID) -> tuple[int, int]:
        rows = await service.stream(ADMIN, id_, with_gaps=with_gaps)
        size = lines = 0
        async for piece in stream_results(rows, ExportFormat(kind), with_gaps=with_gaps):
            size += len(piece)
            lines += piece.count(b"\n")
        return size, lines

    return asyncio.run(run())


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _resident(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


async def time_exports(url: str, small: UUID, large: UUID) -> None:
    """How fast, and how much memory, in a process of its own for each."""
    for kind, with_gaps in (("csv", False), ("jsonl", False), ("jsonl", True)):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            found = await asyncio.get_running_loop().run_in_executor(pool, export, url, small, large, kind, with_gaps)
        print(
            f"  {kind + (' with gaps' if with_gaps else ''):<16} {found.rows:,} lines, {found.bytes / 1e6:,.0f} MB in "
            f"{found.seconds:.1f} s ({found.cpu_seconds / found.rows * 1e6:.0f} µs CPU a line); memory grew by "
            f"{found.growth_bytes / 1e6:.1f} MB, goal {judge(found.growth_bytes / 1e6, EXPORT_GOAL_MB, at_most=True)}"
        )


async def time_removal(tested: DatabaseUnderTest, large: UUID, other: UUID) -> None:
    """Delete a benchmark, and meanwhile change another one again and again."""
    database = tested.database
    waits: list[float] = []

    async def change() -> None:
        while True:
            begun = time.perf_counter()
            async with database.write() as writer:
                row = await writer.get(BenchmarkSession, other)
                assert row is not None
                row.visibility = Visibility.ALL.value if len(waits) % 2 else Visibility.PRIVATE.value
            waits.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(0.02)

    begun = time.perf_counter()
    async with database.write() as writer:
        assert await results_removal.remove(writer, large, "completed") is False
    deleted_ms = (time.perf_counter() - begun) * 1000
    writer_task = asyncio.create_task(change())
    await Removal(database).remove_marked()
    seconds = time.perf_counter() - begun
    writer_task.cancel()
    await asyncio.gather(writer_task, return_exceptions=True)
    async with database.read() as reader:
        left = await reader.scalar(
            text("SELECT count(*) FROM results WHERE session_id = :id"),
            {"id": large.hex if tested.dialect == "sqlite" else large},
        )
    assert left == 0
    longest = max(waits)
    print(
        f"  gone for readers after {deleted_ms:.0f} ms, from the disk after {seconds:.0f} s; another writer waited "
        f"p50 {np.median(waits):.1f}, p99 {np.percentile(waits, 99):.0f}, at most {longest:.0f} ms, goal "
        f"{judge(longest, WAIT_GOAL_MS, at_most=True)}"
    )
