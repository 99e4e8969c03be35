"""The options of `bench` that say when requests start → the parts `load` and `limits` of a spec.

A trace file says what is asked as well: it gives the part `workload` too.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from app.benchmarks.loads import WEEK_SECONDS
from app.cli.usage import UsageProblem
from app.cli.workload_options import WORKLOAD_OPTIONS
from app.datasets.traces import BLOCK_TOKENS, RecordedTrace, TraceError, TraceFormat, read_trace

if TYPE_CHECKING:
    from app.cli.bench_spec import BenchOptions

OPTIONS = frozenset(
    (
        *("concurrency", "rate", "arrival", "burstiness", "ramp_to", "ramp_seconds", "ramp_curve", "rate_steps"),
        *("concurrency_steps", "spike", "ramp_up", "trace", "trace_speed", "trace_format"),
    )
)
"""Giving any of these replaces the load of a spec file."""

OPTION_OF_FIELD = {
    "load.concurrency": "--concurrency",
    "load.rate": "--rate",
    "load.burstiness": "--burstiness",
    "load.gamma.burstiness": "--burstiness",
    "load.closed.ramp_up_seconds": "--ramp-up",
    "load.ramp_up_seconds": "--ramp-up",
    "load.closed_steps": "--concurrency-steps",
    "load.steps": "--rate-steps",
    "load.ramp.from_rate": "--rate",
    "load.ramp.to_rate": "--ramp-to",
    "load.ramp.seconds": "--ramp-seconds",
    "load.spike": "--spike",
    "load.spike.rate": "--rate",
    "load.trace": "--trace",
    "load.trace.speed": "--trace-speed",
    "workload.trace": "--trace",
    "limits.requests_per_minute": "--max-requests-per-minute",
    "limits.tokens_per_minute": "--max-tokens-per-minute",
    "load.max_in_flight": "--concurrency",
} | {
    f"load.{kind}.{field}": option
    for kind in ("gamma", "ramp", "steps", "spike", "trace")
    for field, option in {
        "max_in_flight": "--concurrency",
        "burstiness": "--burstiness",
        "arrival": "--arrival",
    }.items()
}
_SHAPES = {
    "ramp_to": "--ramp-to",
    "rate_steps": "--rate-steps",
    "spike": "--spike",
    "concurrency_steps": "--concurrency-steps",
    "trace": "--trace",
}
_NUMBER = r"\s*([0-9.eE+-]+?)\s*"
_STEP = re.compile(f"{_NUMBER}:{_NUMBER}")
_SPIKE = re.compile(rf"{_NUMBER}@{_NUMBER}\+{_NUMBER}")


class Parts(NamedTuple):
    """Parts of a spec; `workload` only of a trace."""

    load: dict[str, Any]
    workload: dict[str, Any] | None = None


def parts(options: "BenchOptions") -> Parts:  # noqa: PLR0911  (one a kind)
    """The load that the options describe.

    Raises:
        UsageProblem: naming each option that is wrong, or that another one excludes or needs.
    """
    if problems := _conflicts(options):
        raise UsageProblem(problems)
    if options.trace is not None:
        return _trace(options, options.trace)
    if options.concurrency_steps is not None:
        steps = _steps("--concurrency-steps", options.concurrency_steps, "USERS")
        return Parts({"kind": "closed_steps", "steps": [{"concurrency": _whole(n), "seconds": s} for n, s in steps]})
    if options.rate is None and options.rate_steps is None:
        users = {"concurrency": 1 if options.concurrency is None else options.concurrency}
        return Parts({"kind": "closed", **users, **_given(ramp_up_seconds=options.ramp_up)})
    cap = _given(max_in_flight=options.concurrency)
    varying = cap | {"arrival": options.arrival} | _given(burstiness=options.burstiness)
    if options.rate_steps is not None:
        steps = _steps("--rate-steps", options.rate_steps, "RATE")
        return Parts({"kind": "steps", "steps": [{"rate": n, "seconds": s} for n, s in steps], **varying})
    if options.ramp_to is not None:
        ramp = {"from_rate": options.rate, "to_rate": options.ramp_to, "seconds": options.ramp_seconds}
        return Parts({"kind": "ramp", **ramp, "curve": options.ramp_curve, **varying})
    if options.spike is not None:
        return Parts({"kind": "spike", "rate": options.rate, **_spike(options.spike), **varying})
    return Parts({"kind": options.arrival, "rate": options.rate, **cap, **_given(burstiness=options.burstiness)})


def recorded_workload(options: "BenchOptions", recorded: dict[str, Any]) -> dict[str, Any]:
    """The workload of a trace; raises `UsageProblem` for options that say something else."""
    if others := sorted((options.given & WORKLOAD_OPTIONS) - {"words_per_token"}):
        names = ", ".join(f"--{name.replace('_', '-')}" for name in others)
        raise UsageProblem([f"--trace: says what is asked; leave {names} out"])
    return recorded | _given(words_per_token=options.words_per_token)


def limits(options: "BenchOptions") -> dict[str, float]:
    """The rate limits of the client."""
    return _given(requests_per_minute=options.max_requests_per_minute, tokens_per_minute=options.max_tokens_per_minute)


def _conflicts(options: "BenchOptions") -> list[str]:
    shapes = [name for field, name in _SHAPES.items() if getattr(options, field) is not None]
    shape = shapes[0] if shapes else None
    has_rate = options.rate is not None
    is_open = has_rate or options.rate_steps is not None
    is_gamma = options.arrival == "gamma"
    checks = [
        (len(shapes) > 1, f"{', '.join(shapes)}: exclude each other"),
        (shape in {"--ramp-to", "--spike"} and not has_rate, f"{shape}: needs --rate, the rate before it"),
        (
            shape in {"--rate-steps", "--concurrency-steps", "--trace"} and has_rate,
            f"--rate: {shape} says how many requests come; leave --rate out",
        ),
        (
            shape == "--concurrency-steps" and options.concurrency is not None,
            "--concurrency: --concurrency-steps says how many users there are; leave --concurrency out",
        ),
        ((options.ramp_to is None) != (options.ramp_seconds is None), "--ramp-to, --ramp-seconds: need each other"),
        ("ramp_curve" in options.given and options.ramp_to is None, "--ramp-curve: needs --ramp-to"),
        (
            options.ramp_up is not None and (is_open or shape is not None),
            "--ramp-up: is how long users take to join, which only a load of --concurrency has",
        ),
        (
            "arrival" in options.given and not is_open,
            "--arrival: needs an open loop: --rate (with --ramp-to or --spike) or --rate-steps",
        ),
        (is_gamma and is_open and options.burstiness is None, "--arrival gamma: needs --burstiness"),
        (options.burstiness is not None and not is_gamma, "--burstiness: needs --arrival gamma"),
        (
            options.trace is None and bool({"trace_speed", "trace_format"} & options.given),
            "--trace-speed, --trace-format: need --trace",
        ),
    ]
    return [message for applies, message in checks if applies]


def _steps(option: str, text: str, unit: str) -> list[tuple[float, float]]:
    found = []
    for step in text.split(","):
        match = _STEP.fullmatch(step)
        numbers = _numbers(match)
        if numbers is None:
            raise UsageProblem([f"{option}: {step!r} is not {unit}:SECONDS; write it like 10:30,20:30"])
        found.append((numbers[0], numbers[1]))
    return found


def _spike(text: str) -> dict[str, float]:
    numbers = _numbers(_SPIKE.fullmatch(text))
    if numbers is None:
        raise UsageProblem([f"--spike: {text!r} is not RATE@BEGIN+SECONDS; write it like 100@30+10"])
    return dict(zip(("spike_rate", "spike_at_seconds", "spike_seconds"), numbers, strict=True))


def _numbers(match: re.Match[str] | None) -> list[float] | None:
    try:
        return None if match is None else [float(group) for group in match.groups()]
    except ValueError:
        return None


def _whole(number: float) -> float | int:
    return int(number) if number == int(number) else number


def _trace(options: "BenchOptions", path: Path) -> Parts:
    speed = options.trace_speed
    wanted: TraceFormat | None = None if options.trace_format == "auto" else options.trace_format
    until = None if options.duration is None or not speed > 0 else options.duration * speed
    first = options.requests if options.requests is None or options.requests > 0 else None  # the spec refuses others
    try:
        trace = read_trace(path, wanted, first=first, until_seconds=until)
    except TraceError as error:
        raise UsageProblem([f"--trace: {path}: {error}"]) from None
    if not options.quiet:
        for note in trace.notes:
            typer.echo(f"{path.name}: {note}.", err=True)
    lasts = trace.at_seconds[-1]
    if lasts > WEEK_SECONDS:
        if speed <= 0 or lasts / speed > WEEK_SECONDS:
            cut = "take the first of it with --requests or --duration, or replay it faster with --trace-speed"
            raise UsageProblem([f"--trace: {path}: lasts {lasts / 86_400:.1f} days, a run at most 7: {cut}"])
        trace.at_seconds, speed = [at / speed for at in trace.at_seconds], 1.0
    load = {"kind": "trace", "at_seconds": trace.at_seconds, "speed": speed}
    return Parts(load | _given(max_in_flight=options.concurrency), _workload(trace))


def _workload(trace: RecordedTrace) -> dict[str, Any]:
    lengths = zip(trace.input_tokens, trace.output_tokens, strict=True)
    requests: list[dict[str, Any]] = [{"input_tokens": sent, "output_tokens": got} for sent, got in lengths]
    if trace.blocks is None:
        return {"kind": "trace", "requests": requests}
    for request, blocks in zip(requests, trace.blocks, strict=True):
        request["blocks"] = blocks
    return {"kind": "trace", "requests": requests, "block_tokens": BLOCK_TOKENS}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
