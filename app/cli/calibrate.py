"""`llm-test-bench calibrate`: how wrong the instrument is on this machine, at known loads."""

import asyncio
import contextlib
import signal
from typing import Annotated, Any

import typer
from rich.table import Table

from app.cli import EXIT_FAILED, EXIT_INTERRUPTED
from app.cli.options import ConfigOption, DataDirOption, examples
from app.cli.terminal import Console
from app.cli.usage import UsageProblem

MAX_STREAMS = 20_000
_MEASURES = {
    "ttft_ms": "TTFT",
    "icl_ms": "chunk gap",
    "e2e_ms": "end to end",
    "arrival_ms": "start → arrival",
}

calibrate_app = typer.Typer(add_completion=False, rich_markup_mode=None)


@calibrate_app.command(
    "calibrate",
    epilog=examples(
        "llm-test-bench calibrate",
        "llm-test-bench calibrate --concurrency 1,16,64,256 --chunk-ms 20 --tokens 100 --ttft-ms 200",
    ),
)
def calibrate(
    concurrency: Annotated[
        str, typer.Option(help="Streams at once, one load after another, separated by commas.")
    ] = "1,16,64,256",
    ttft_ms: Annotated[float, typer.Option(min=0, max=60_000, help="True time to first token.")] = 200.0,
    chunk_ms: Annotated[float, typer.Option(min=0, max=60_000, help="True gap between chunks.")] = 20.0,
    tokens: Annotated[int, typer.Option(min=1, max=100_000, help="Chunks of an answer.")] = 100,
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="How long each load starts requests.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the calibration as JSON.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Measure the instrument's own error against a simulated server whose true send times are known.

    The result is kept in the data folder; runs at a comparable load then show it as "± error".
    """
    levels = _levels(concurrency)
    from app.benchmarks.calibrating import SIMULATOR_SHARE, Truth  # noqa: PLC0415 - help stays fast
    from app.benchmarks.calibrations import save  # noqa: PLC0415
    from app.core.settings import load_settings  # noqa: PLC0415

    overrides: dict[str, Any] = {"storage": {"data_dir": data_dir}} if data_dir is not None else {}
    folder = load_settings(config, **overrides).storage.data_dir
    console = Console(stderr=as_json)
    document, interrupted = asyncio.run(_run(levels, Truth(ttft_ms, chunk_ms, tokens), seconds, console))
    points = document["points"]
    if points:
        console.print(_table(points), highlight=False)
        console.print(f"Absolute values; {SIMULATOR_SHARE}.", highlight=False)
    if as_json:
        import orjson  # noqa: PLC0415

        print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    if interrupted:
        console.print("Interrupted: nothing was stored.")
        raise typer.Exit(EXIT_INTERRUPTED)
    if len(points) < len(levels):
        console.print(f"{len(levels) - len(points)} of {len(levels)} loads could not be measured; nothing was stored.")
        raise typer.Exit(EXIT_FAILED)
    console.print(f"Wrote {save(folder, document)}", highlight=False, soft_wrap=True)


def _levels(text: str) -> list[int]:
    try:
        levels = [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageProblem([f"--concurrency: {text!r} is not a list of whole numbers, such as 1,16,64"]) from None
    if any(not 1 <= level <= MAX_STREAMS for level in levels):
        raise UsageProblem([f"--concurrency: each must be between 1 and {MAX_STREAMS}, not {text}"])
    return list(dict.fromkeys(levels))


async def _run(levels: list[int], server: Any, seconds: float, console: Console) -> tuple[dict[str, Any], bool]:
    from app.benchmarks.calibrating import calibrate as measure  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)

    def tell(point: dict[str, Any]) -> None:
        console.print(f"{point['concurrency']} streams: {point['error'] or _facts(point)}", highlight=False)

    try:
        document = await measure(levels, server, seconds=seconds, stop=stop, on_point=tell)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return document, stop.is_set()


def _table(points: list[dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name in ("streams", "error of", "n", "p50 µs", "p99 µs", "max µs"):
        table.add_column(name, justify="left" if name == "error of" else "right", no_wrap=True)
    for point in points:
        head = str(point["concurrency"])
        for name, label in _MEASURES.items():
            error = point["errors_ms"].get(name)
            figures = [f"{error[part] * 1000:,.1f}" for part in ("p50", "p99", "max")] if error else ["—"] * 3
            table.add_row(head, label, f"{error['n']:,}" if error else "0", *figures)
            head = ""
    return table


def _facts(point: dict[str, Any]) -> str:
    lag = point["simulator_lag_ms"]
    late = f", the simulator's own sends {lag['p99']:.3f} ms late (p99)" if lag else ""
    return (
        f"{point['joined']:,} requests, {point['chunks_per_s']:,.0f} chunks/s, engine CPU {point['cpu_share']:.0%}, "
        f"{point['coalesced_share']:.2%} of chunks coalesced{late}"
    )
