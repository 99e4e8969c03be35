"""Options that explore several levels of load (`--sweep`, `--search`, `--require`, …) as a part of a spec."""

import dataclasses
import math
import re
from collections.abc import Iterator
from typing import Any, TypeVar, get_args

from app.benchmarks.explorations import MAX_POINTS, LatencyMetric, Parameter
from app.cli.usage import UsageProblem

_PARAMETERS = get_args(Parameter)
_METRICS = get_args(LatencyMetric)
_RANGE = re.compile(r"(?P<first>[^.*+]+(?:\.\d+)?)\.\.(?P<last>[^*+.]+(?:\.\d+)?)(?:(?P<how>[*+])(?P<step>.+))?")
_REQUIREMENT = re.compile(
    r"p(?P<percentile>\d+(?:\.\d+)?)[\s:_]+(?P<metric>[a-z0-9_]+)\s*<=?\s*(?P<limit>[^\s]+?)\s*(?P<unit>ms|s)?",
    re.IGNORECASE,
)
_SEARCH_ONLY = {
    "--max-error-rate": "max_error_rate",
    "--confidence": "confidence",
    "--tolerance": "tolerance",
    "--max-points": "max_points",
}

OPTION_OF_FIELD = {
    "explore": "--sweep, --search",
    "explore.parameter": "--sweep, --search",
    "explore.values": "--sweep",
    "explore.minimum": "--search",
    "explore.maximum": "--search",
    "explore.criteria": "--require",
    "explore.max_error_rate": "--max-error-rate",
    "explore.confidence": "--confidence",
    "explore.tolerance": "--tolerance",
    "explore.max_points": "--max-points",
    "budget_usd": "--budget",
}
KINDS = {"sweep", "search"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExploreOptions:
    """The options as given; what they mean is in `app.cli.bench`. `BenchOptions` has these among others."""

    concurrency: int | None = None
    rate: float | None = None
    sweep: str | None = None
    search: str | None = None
    require: list[str] = dataclasses.field(default_factory=list)
    max_error_rate: float | None = None
    confidence: float | None = None
    tolerance: float | None = None
    max_points: int | None = None
    budget: float | None = None

    def exploring_option(self) -> str:
        """The one that is given of `--sweep` and `--search`."""
        return "--search" if self.search is not None else "--sweep"


Options = TypeVar("Options", bound=ExploreOptions)


def explore_part(options: ExploreOptions) -> dict[str, Any] | None:
    """The part `explore` of the spec.

    Raises:
        UsageProblem: naming each wrong option.
    """
    if options.sweep is not None and options.search is not None:
        raise UsageProblem(["--sweep and --search exclude each other"])
    if options.search is not None:
        return _search(options, options.search)
    given = [name for name, field in _SEARCH_ONLY.items() if getattr(options, field) is not None]
    if alone := [*(["--require"] if options.require else []), *given]:
        raise UsageProblem([f"{name}: only goes with --search" for name in alone])
    if options.sweep is None:
        return None
    parameter, text = _assignment("--sweep", options.sweep, "concurrency=1,2,4,8 or rate=1..32*2")
    _check_load(options, "--sweep", parameter)
    return {"kind": "sweep", "parameter": parameter, "values": list(_values(text))}


def at_first_level(options: Options, explore: dict[str, Any] | None) -> Options:
    """The options of a plain run at the first level: what the part `load` of the spec is made of."""
    if explore is None:
        return options
    level = explore["values"][0] if explore["kind"] == "sweep" else explore["minimum"]
    if explore["parameter"] == "rate":
        return dataclasses.replace(options, rate=level)
    return dataclasses.replace(options, concurrency=max(int(level), 1))


def _search(options: ExploreOptions, text: str) -> dict[str, Any]:
    parameter, levels = _assignment("--search", text, "concurrency=1..256 or rate=1..100")
    _check_load(options, "--search", parameter)
    if (bounds := _RANGE.fullmatch(levels)) is None or bounds["how"]:
        raise UsageProblem([f"--search: {levels!r} is not of the form LOWEST..HIGHEST, such as 1..256"])
    if not options.require and options.max_error_rate is None:
        example = "--require 'p95 ttft_ms < 500'"
        raise UsageProblem([f"--search: say what must be met, with {example} or --max-error-rate 0.01"])
    optional = {field: getattr(options, field) for field in _SEARCH_ONLY.values()}
    return {
        "kind": "search",
        "parameter": parameter,
        "minimum": _number("--search", bounds["first"]),
        "maximum": _number("--search", bounds["last"]),
        "criteria": [criterion(one) for one in options.require],
        **{field: value for field, value in optional.items() if value is not None},
    }


def criterion(text: str) -> dict[str, Any]:
    """`p95 ttft_ms < 500` (also `<=`, `ttft`, `0.5s`) as a criterion of the spec; the limit itself is allowed.

    Raises:
        UsageProblem: when it is none.
    """
    found = _REQUIREMENT.fullmatch(text.strip())
    if found is None:
        hint = " (--max-error-rate is an option of its own)" if "error" in text else ""
        raise UsageProblem([f"--require: {text!r} is not of the form 'p95 ttft_ms < 500'{hint}"])
    name = found["metric"].lower()
    metric = name if name in _METRICS else f"{name}_ms"
    if metric not in _METRICS:
        raise UsageProblem([f"--require: unknown metric {name!r}; known are {', '.join(_METRICS)}"])
    limit = _number("--require", found["limit"])
    factor = 1_000 if (found["unit"] or "").lower() == "s" else 1
    return {"metric": metric, "percentile": float(found["percentile"]), "limit_ms": limit * factor}


def _assignment(option: str, text: str, example: str) -> tuple[str, str]:
    parameter, separator, rest = text.partition("=")
    parameter = parameter.strip().lower()
    if not separator or parameter not in _PARAMETERS or not rest.strip():
        raise UsageProblem([f"{option}: {text!r} is not of the form {example}"])
    return parameter, rest.strip()


def _check_load(options: ExploreOptions, option: str, parameter: str) -> None:
    if options.rate is not None:
        raise UsageProblem([f"--rate: excludes {option}, which varies the load"])
    if parameter == "concurrency" and options.concurrency is not None:
        raise UsageProblem([f"--concurrency: excludes {option} {parameter}=…, which sets it"])


def _values(text: str) -> Iterator[float]:
    """`1,2,4`, `1..32*2`, `1..10+1`, or several of them."""
    count = 0
    for part in text.split(","):
        for value in _part(part.strip()):
            count += 1
            if count > MAX_POINTS:
                raise UsageProblem([f"--sweep: {text!r} has more than {MAX_POINTS} levels"])
            yield value


def _part(text: str) -> Iterator[float]:
    found = _RANGE.fullmatch(text)
    if found is None:
        yield _number("--sweep", text)
        return
    if not found["how"]:
        raise UsageProblem([f"--sweep: {text!r} needs a step: {text}*2 doubles, {text}+1 counts"])
    first, last, step = (_number("--sweep", found[name]) for name in ("first", "last", "step"))
    grows = step > 1 if found["how"] == "*" else step > 0
    if not first > 0 or last < first or not grows:
        raise UsageProblem([f"--sweep: {text!r} must go up, from above 0, by a factor above 1 or a step above 0"])
    for position in range(MAX_POINTS + 1):
        value = first * step**position if found["how"] == "*" else first + step * position
        if value > last * (1 + 1e-9):
            return
        yield float(f"{value:.10g}")


def _number(option: str, text: str) -> float:
    try:
        value = float(text.replace("_", ""))
    except ValueError:
        raise UsageProblem([f"{option}: {text!r} is not a number"]) from None
    if not math.isfinite(value):
        raise UsageProblem([f"{option}: {text!r} is not a finite number"])
    return value
