"""`bench --print-spec`, `--dry-run` and `--list-presets`: what would run, without running it."""

import json
import sys
from typing import Any

from rich.table import Table

from app.benchmarks.budget import dollars
from app.benchmarks.checking import described
from app.benchmarks.forecast_views import ExpectedRange, SpecCheck
from app.benchmarks.presets import presets
from app.benchmarks.schemas import BenchmarkSpec
from app.cli import EXIT_FAILED
from app.cli.bench_spec import BenchOptions, build_endpoint, build_spec, endpoints_of, option_of
from app.cli.server_client import ServerClient
from app.cli.terminal import Console


def list_presets(*, as_json: bool) -> int:
    """Print every preset with its purpose."""
    found = presets()
    if as_json:
        print(found.model_dump_json(indent=2))
        return 0
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for preset in found.presets:
        table.add_row(preset.name, preset.purpose)
    Console().print(table)
    return 0


def print_spec(options: BenchOptions) -> int:
    """The spec that the options make, whole, as JSON."""
    print(json.dumps(build_spec(options).model_dump(mode="json"), indent=2))
    return 0


def dry_run(options: BenchOptions) -> int:
    """Say what would run and what it would cost; the answer is the exit code.

    With `--server` the service says so, which knows its providers, workers and prices.
    """
    spec = build_spec(options)
    answer = _asked(options, spec) if options.server else _reckoned(options, spec)
    if options.as_json:
        print(json.dumps(answer, indent=2))
    else:
        _show(spec, answer)
    return 0 if answer["is_valid"] else EXIT_FAILED


def _asked(options: BenchOptions, spec: BenchmarkSpec) -> dict[str, Any]:
    assert options.server
    with ServerClient(options.server, options.api_key) as client:
        answer: dict[str, Any] = client.call("POST", "/benchmarks/validate", spec.model_dump(mode="json"))
    return answer


def _reckoned(options: BenchOptions, spec: BenchmarkSpec) -> dict[str, Any]:
    from app.cli.bench_local import check_spec  # noqa: PLC0415 - it loads the engine's side

    endpoints = endpoints_of(spec, build_endpoint(options))
    check_spec(spec, endpoints)
    plan = described(spec, [endpoint.adapter for endpoint in endpoints])
    return {"is_valid": True, "problems": [], "plan": plan.model_dump(mode="json")}


def _show(spec: BenchmarkSpec, answer: dict[str, Any]) -> None:
    for problem in answer["problems"]:
        place = option_of(problem["path"].split(".")) if problem["path"] else "spec"
        print(f"error: {place}: {problem['message']}", file=sys.stderr)
    if answer["plan"] is None:
        return
    plan = SpecCheck.model_validate(answer["plan"])
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{spec.name}: nothing was started", markup=False)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    if plan.stages > 1:
        table.add_row("stages", f"{plan.stages}, one after another")
    table.add_row("requests", _between(plan.requests))
    table.add_row("duration", f"{_between(plan.duration_seconds, ' s')}  ({plan.duration_note})")
    table.add_row("in flight", f"at most {plan.peak_in_flight:,}")
    table.add_row("input tokens", _between(plan.input_tokens))
    table.add_row("output tokens", _between(plan.output_tokens))
    table.add_row("cost", _cost(plan.cost))
    for cost in plan.costs:
        price = "price unknown"
        if cost.price is not None:
            day = f" as of {cost.price.as_of}" if cost.price.as_of else ""
            tokens = f"${cost.price.input or 0:f} in, ${cost.price.output or 0:f} out per million tokens"
            price = f"{tokens} ({cost.price.source}{day})"
        table.add_row("", f"{cost.provider} / {cost.model}: {_cost(cost.usd)}, {price}")
    console.print(table)
    for warning in plan.warnings:
        console.print(f"warning: {option_of(warning.path.split('.'))}: {warning.message}", markup=False)


def _between(found: ExpectedRange, unit: str = "") -> str:
    low = f"{found.low:,.0f}"
    if found.high is None:
        return f"at least {low}{unit}" if found.low else "unknown"
    high = f"{found.high:,.0f}"
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def _cost(found: ExpectedRange | None) -> str:
    if found is None:
        return "unknown"
    if found.high is None:
        return f"at least {dollars(found.low)}"
    low, high = dollars(found.low), dollars(found.high)
    return low if low == high else f"{low} to {high}"
