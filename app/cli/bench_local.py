"""A benchmark in this process and its engine processes, with no server and no database."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.adapters import prices
from app.benchmarks import calibrations, gaps, planner
from app.benchmarks.budget import estimate
from app.benchmarks.calibrations import program
from app.benchmarks.inputs import check_kinds
from app.benchmarks.local import run_local
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.result_lines import LINE_FIELDS, results_line
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.spans import SpanSink
from app.cli.bench_outcome import show_outcome
from app.cli.bench_output import OutputError, ResultFiles, check_needs_output, parse_formats
from app.cli.bench_spec import BenchOptions, build_endpoint, build_spec, endpoints_of
from app.cli.bench_view import BenchView
from app.cli.bundle_files import write_bundle
from app.cli.first_failures import FirstFailures
from app.cli.summary_file import summary_document
from app.cli.usage import UsageProblem
from app.core.errors import ConfigError, InvalidRequestError
from app.core.settings import Settings, load_settings
from app.loadgen.plan import Endpoint, TokenModel
from app.monitoring.tracing import Tracer, new_tracer
from app.providers.own_prices import price_list

_STOPPING = "Stopping: requests in flight get a few seconds. Ctrl-C again leaves at once."


def run_here(options: BenchOptions) -> int:
    """Run, show and write; the answer is the exit code."""
    check_needs_output(options.given, options.output)
    spec, endpoint, formats = build_spec(options), build_endpoint(options), parse_formats(options.export)
    return run_spec(spec, endpoint, formats, options)


def run_spec(
    spec: BenchmarkSpec,
    endpoint: Endpoint,
    formats: tuple[str, ...],
    options: BenchOptions,
    tokens: list[TokenModel] | None = None,
) -> int:
    """As `run_here`, of a spec that is there already; `options` say what is kept and shown.

    `tokens` are those of `run_local`.
    """
    endpoints = endpoints_of(spec, endpoint)
    settings = _settings()
    check_spec(spec, endpoints, settings)
    fields = (*LINE_FIELDS, "response_text") if spec.save_responses else LINE_FIELDS
    files = ResultFiles(options.output, formats, fields) if options.output else None
    view = BenchView(spec.name, quiet=options.quiet)
    failures = FirstFailures()
    started_at = datetime.now(UTC)
    with files or nullcontext(), _traces(settings, view) as spans:
        try:
            with view.running():
                summary, interrupted = asyncio.run(_run(spec, endpoints, files, view, failures, options, tokens, spans))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None  # the second Ctrl-C
        summary = calibrations.annotate(summary, _data_dir(), engines=planner.shard_count(spec))
        if files:
            status = "failed" if summary["error"] else "interrupted" if interrupted else "completed"
            try:
                document = summary_document(
                    summary,
                    name=spec.name,
                    status=status,
                    started_at=started_at.isoformat(),
                    finished_at=datetime.now(UTC).isoformat(),
                    program=program(),
                    base_url=endpoint.base_url,
                    spec=spec.model_dump(mode="json"),
                    error=summary["error"],
                )
                written = files.finish(document)
                written.append(write_bundle(files.folder, spec, endpoints, summary))
            except OutputError as error:
                summary["error"] = summary["error"] or error.message
            else:
                view.console.print(f"Wrote {', '.join(str(path) for path in written)}", highlight=False, soft_wrap=True)
    code = show_outcome(spec.name, summary, as_json=options.as_json, interrupted=interrupted)
    for line in failures.lines():
        print(line, file=sys.stderr)
    return code


def check_spec(spec: BenchmarkSpec, endpoints: list[Endpoint], settings: Settings | None = None) -> None:
    """Refuse what these endpoints cannot be asked, and a budget that cannot be kept; raises `UsageProblem`."""
    settings = settings or _settings()
    if settings is not None:
        prices.use(price_list(settings.providers))
    _check_inputs(spec, endpoints)
    _check_budget(spec, endpoints)


def _settings() -> Settings | None:
    """This machine's configuration; a broken one costs only what it would have said."""
    try:
        return load_settings()
    except ConfigError:
        return None


def _check_inputs(spec: BenchmarkSpec, endpoints: list[Endpoint]) -> None:
    try:
        check_kinds(spec.workload, [one.adapter for one in endpoints], [one.definition for one in endpoints])
    except InvalidRequestError as error:
        problems = dict.fromkeys(problem["message"] for problem in error.details["errors"])
        raise UsageProblem([f"--provider: {problem}" for problem in problems]) from None


def _check_budget(spec: BenchmarkSpec, endpoints: list[Endpoint]) -> None:
    if spec.budget_usd is not None:
        try:
            estimate(spec, [endpoint.adapter for endpoint in endpoints])
        except InvalidRequestError as error:
            raise UsageProblem([f"--budget: {problem['message']}" for problem in error.details["errors"]]) from None


async def _run(
    spec: BenchmarkSpec,
    endpoints: list[Endpoint],
    files: ResultFiles | None,
    view: BenchView,
    failures: FirstFailures,
    options: BenchOptions,
    tokens: list[TokenModel] | None,
    spans: SpanSink | None,
) -> tuple[dict[str, Any], bool]:
    stop = asyncio.Event()

    def keep(results: list[MeasuredResult]) -> None:
        failures.take(results)
        if files:
            files.write(_line(result, options, with_text=spec.save_responses) for result in results)

    def interrupt() -> None:
        view.note(_STOPPING)
        stop.set()

    with _on_interrupt(interrupt):
        summary = await run_local(
            spec, endpoints, on_progress=view.update, on_results=keep, stop=stop, tokens=tokens, spans=spans
        )
    return summary, stop.is_set()


@contextmanager
def _traces(settings: Settings | None, view: BenchView) -> Iterator[Tracer | None]:
    """What exports the trace of the run, if something is to; says at the end what became of it."""
    tracer = None if settings is None else new_tracer(settings, "bench")
    if settings is None or tracer is None:
        yield None
        return
    try:
        yield tracer
    finally:
        tracer.close()
        counts = dict(tracer.delivery.counts)
        sent, lost = counts.pop("exported"), sum(counts.values())
        words = f"Trace {tracer.last_trace_id}: {sent} spans sent to {tracer.endpoint}"
        if lost:
            words += f", {lost} lost"
        if sent and (link := settings.telemetry.link(tracer.last_trace_id)):
            words += f"; {link}"
        view.console.print(words, highlight=False, soft_wrap=True, markup=False)


def _line(result: MeasuredResult, options: BenchOptions, *, with_text: bool) -> dict[str, Any]:
    line = results_line(result)
    if with_text:
        line["response_text"] = result.response_text
    if options.save_gaps:
        line["gaps_ms"] = gaps.milliseconds(result.gaps)
    return line


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
