"""A benchmark in this process and its engine processes, with no server and no database."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

from app.benchmarks import calibrations, gaps, planner
from app.benchmarks.budget import estimate
from app.benchmarks.local import run_local
from app.benchmarks.measures import LINE_FIELDS, MeasuredResult, results_line
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.workloads import ConversationList, SyntheticConversations
from app.cli.bench_outcome import show_outcome
from app.cli.bench_output import OutputError, ResultFiles, check_needs_output, parse_formats
from app.cli.bench_spec import BenchOptions, build_endpoint, build_spec, endpoints_of
from app.cli.bench_view import BenchView
from app.cli.bundle_files import write_bundle
from app.cli.usage import UsageProblem
from app.core.errors import ConfigError, InvalidRequestError
from app.core.settings import load_settings
from app.loadgen.plan import Endpoint

_STOPPING = "Stopping: requests in flight get a few seconds. Ctrl-C again leaves at once."


def run_here(options: BenchOptions) -> int:
    """Run, show and write; the answer is the exit code."""
    check_needs_output(options.given, options.output)
    spec, endpoint, formats = build_spec(options), build_endpoint(options), parse_formats(options.export)
    return run_spec(spec, endpoint, formats, options)


def run_spec(spec: BenchmarkSpec, endpoint: Endpoint, formats: tuple[str, ...], options: BenchOptions) -> int:
    """As `run_here`, of a spec that is there already; `options` say what is kept and shown."""
    endpoints = endpoints_of(spec, endpoint)
    _check_budget(spec, endpoints)
    fields = (*LINE_FIELDS, *_more_fields(spec))
    files = ResultFiles(options.output, formats, fields) if options.output else None
    view = BenchView(spec.name, quiet=options.quiet)
    with files or nullcontext():
        try:
            with view.running():
                summary, interrupted = asyncio.run(_run(spec, endpoints, files, view, options))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None  # the second Ctrl-C
        summary = calibrations.annotate(summary, _data_dir(), engines=planner.shard_count(spec))
        if files:
            status = "failed" if summary["error"] else "interrupted" if interrupted else "completed"
            try:
                written = files.finish({**_context(spec, endpoint, status), **summary})
                written.append(write_bundle(files.folder, spec, endpoint, started=summary["requests"]["total"]))
            except OutputError as error:
                summary["error"] = summary["error"] or error.message
            else:
                view.console.print(f"Wrote {', '.join(str(path) for path in written)}", highlight=False, soft_wrap=True)
    return show_outcome(spec.name, summary, as_json=options.as_json, interrupted=interrupted)


def _check_budget(spec: BenchmarkSpec, endpoints: list[Endpoint]) -> None:
    if spec.budget_usd is not None:
        try:
            estimate(spec, [endpoint.adapter for endpoint in endpoints])
        except InvalidRequestError as error:
            raise UsageProblem([f"--budget: {problem['message']}" for problem in error.details["errors"]]) from None


async def _run(
    spec: BenchmarkSpec, endpoints: list[Endpoint], files: ResultFiles | None, view: BenchView, options: BenchOptions
) -> tuple[dict[str, Any], bool]:
    stop = asyncio.Event()

    def keep(results: list[MeasuredResult]) -> None:
        if files:
            files.write(_line(result, spec, options) for result in results)

    def interrupt() -> None:
        view.note(_STOPPING)
        stop.set()

    with _on_interrupt(interrupt):
        summary = await run_local(spec, endpoints, on_progress=view.update, on_results=keep, stop=stop)
    return summary, stop.is_set()


def _line(result: MeasuredResult, spec: BenchmarkSpec, options: BenchOptions) -> dict[str, Any]:
    more = {"response_text": result.response_text, **result.metadata}
    line = results_line(result) | {name: more.get(name) for name in _more_fields(spec)}
    if options.save_gaps:
        line["gaps_ms"] = gaps.milliseconds(result.gaps)
    return line


def _more_fields(spec: BenchmarkSpec) -> tuple[str, ...]:
    """Fields that only some runs have."""
    turns = ("conversation", "turn") if isinstance(spec.workload, SyntheticConversations | ConversationList) else ()
    return (*turns, "response_text") if spec.save_responses else turns


@contextmanager
def _on_interrupt(first: Callable[[], None]) -> Iterator[None]:
    """The first SIGINT or SIGTERM calls `first`; the next one cancels the running task."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    steps = iter([first])

    def handle() -> None:
        next(steps, task.cancel)()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, handle)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _data_dir() -> Path | None:
    """Where this machine's calibration lies; a broken configuration costs only that."""
    try:
        return load_settings().storage.data_dir
    except ConfigError:
        return None


def _context(spec: BenchmarkSpec, endpoint: Endpoint, status: str) -> dict[str, Any]:
    """What it takes to run the same again; keys and header values stay out."""
    return {
        "name": spec.name,
        "status": status,
        "program": f"llm-test-bench {version('llm-test-bench')}",
        "base_url": endpoint.base_url,
        "spec": spec.model_dump(mode="json"),
    }
