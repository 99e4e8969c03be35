"""A benchmark on a server: submitted, followed and exported over its REST API."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.adapters import registry
from app.benchmarks.schemas import BenchmarkSpec
from app.cli import EXIT_FAILED
from app.cli.bench_outcome import show_outcome
from app.cli.bench_output import check_needs_output, parse_formats
from app.cli.bench_spec import BenchOptions, build_spec, headers, option_of, provider_key
from app.cli.bench_view import BenchView
from app.cli.server_client import ServerClient, ServerError
from app.cli.summary_file import HEAD, summary_document
from app.cli.usage import UsageProblem

POLL_SECONDS = 0.5
FINAL = ("completed", "failed", "cancelled")


def run_on_server(options: BenchOptions) -> int:
    """Submit, follow and export; the answer is the exit code."""
    assert options.server
    check_needs_output(options.given, options.output)
    spec, formats = build_spec(options), parse_formats(options.export)
    with ServerClient(options.server, options.api_key) as client:
        _ensure_provider(client, options)
        submitted = _submit(client, spec)
        session_id = submitted["id"]
        view = BenchView(spec.name, quiet=options.quiet)
        view.console.print(f"Submitted as {session_id} to {client.server}", highlight=False)
        with view.running():
            benchmark, interrupted = _follow(client, session_id, view)
        if options.output and benchmark["summary"]:
            _export(client, benchmark, options.output, formats, view, gaps=options.save_gaps)
    if benchmark["summary"] is None or benchmark["status"] == "failed":
        view.console.print(f"error: the benchmark {benchmark['status']}: {benchmark['error'] or 'no reason given'}")
        return EXIT_FAILED
    code = show_outcome(spec.name, benchmark["summary"], as_json=options.as_json, interrupted=interrupted)
    return EXIT_FAILED if benchmark["status"] == "cancelled" and not interrupted else code


def _ensure_provider(client: ServerClient, options: BenchOptions) -> None:
    existing = client.find(f"/providers/{options.provider}")
    if existing is None:
        usual = options.provider if options.provider in registry.names() else "openai-compatible"
        kind_name = usual if options.definition is None else registry.CUSTOM
        base_url = options.base_url or registry.kind(kind_name, options.definition).default_base_url
        if base_url is None:
            raise UsageProblem(
                [f"--provider: {client.server} has no provider {options.provider!r}; give --base-url to add it"]
            )
        body = {
            "name": options.provider,
            "kind": kind_name,
            "base_url": base_url,
            "api_key": provider_key(options),
            "default_model": options.model,
            "options": {"headers": headers(options), "verify_tls": not options.insecure},
            **({} if options.definition is None else {"definition": options.definition}),
        }
        client.call("POST", "/providers", body)
    elif options.definition is not None and options.definition != existing["definition"]:
        known = f"provider {options.provider!r} on {client.server} is described otherwise"
        raise UsageProblem([f"--provider-file: {known}; leave the option out or name another provider"])
    elif options.base_url and options.base_url.rstrip("/") != str(existing["base_url"]).rstrip("/"):
        address = f"provider {options.provider!r} on {client.server} is {existing['base_url']}"
        raise UsageProblem([f"--base-url: {address}; leave the option out or name another provider"])


def _submit(client: ServerClient, spec: BenchmarkSpec) -> dict[str, Any]:
    try:
        submitted: dict[str, Any] = client.call("POST", "/benchmarks", spec.model_dump(mode="json"))
    except ServerError as error:
        problems = error.details.get("errors")
        if error.status == 422 and isinstance(problems, list):
            raise UsageProblem(
                f"{option_of(str(problem['path']).split('.'))}: {problem['message']}" for problem in problems
            ) from None
        raise
    return submitted


def _follow(client: ServerClient, session_id: str, view: BenchView) -> tuple[dict[str, Any], bool]:
    path = f"/benchmarks/{session_id}"
    interrupted = False

    def cancel(_number: int, _frame: object) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True

    restore = _handle_interrupts(cancel)
    asked = False
    try:
        while True:
            if interrupted and not asked:
                asked = True
                view.note("Cancelling on the server. Ctrl-C again leaves; what was measured stays there.")
                client.call("POST", f"{path}/cancel")
            benchmark: dict[str, Any] = client.call("GET", path)
            if benchmark["progress"]:
                view.update(benchmark["progress"])
            if benchmark["status"] in FINAL:
                return benchmark, interrupted
            time.sleep(POLL_SECONDS)
    finally:
        restore()


def _handle_interrupts(handler: Callable[[int, object], None]) -> Callable[[], None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, earlier in before.items():
            signal.signal(number, earlier)

    return restore


def _export(
    client: ServerClient,
    benchmark: dict[str, Any],
    folder: Path,
    formats: tuple[str, ...],
    view: BenchView,
    *,
    gaps: bool,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "summary.json"]
    known = {name: value for name, value in benchmark.items() if name in HEAD}
    document = summary_document(benchmark["summary"], **known)
    written[0].write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    for export_format in formats:
        path = folder / f"results.{export_format}"
        with path.open("wb") as file:
            file.writelines(client.export(benchmark["id"], export_format, gaps=gaps and export_format != "csv"))
        written.append(path)
    view.console.print(f"Wrote {', '.join(str(path) for path in written)}", highlight=False, soft_wrap=True)
