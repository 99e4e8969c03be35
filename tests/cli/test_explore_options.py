from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.benchmarks.explorations import Search, Sweep
from app.benchmarks.loads import ClosedLoad, ConstantLoad, PoissonLoad
from app.benchmarks.schemas import BenchmarkSpec
from app.cli.bench_spec import build_spec
from app.cli.explore_options import criterion
from app.cli.usage import UsageProblem
from tests.cli.test_bench_spec import options


def built(**changed: Any) -> BenchmarkSpec:
    return build_spec(options(**{"requests": 1_000} | changed))


@pytest.mark.parametrize(
    ("text", "parameter", "values"),
    [
        ("concurrency=1,2,4,8", "concurrency", [1, 2, 4, 8]),
        ("concurrency=1..32*2", "concurrency", [1, 2, 4, 8, 16, 32]),
        ("concurrency=1..40*2", "concurrency", [1, 2, 4, 8, 16, 32]),
        ("rate=1..5+1", "rate", [1, 2, 3, 4, 5]),
        ("rate=0.5..2+0.5", "rate", [0.5, 1, 1.5, 2]),
        ("rate = 0.1, 0.3..0.9+0.3 ,5", "rate", [0.1, 0.3, 0.6, 0.9, 5]),
        ("concurrency=7", "concurrency", [7]),
    ],
)
def test_levels_of_a_sweep(text: str, parameter: str, values: list[float]) -> None:
    spec = built(sweep=text)
    assert spec.explore == Sweep(parameter=parameter, values=values)  # type: ignore[arg-type]
    if parameter == "concurrency":
        assert spec.load == ClosedLoad(concurrency=int(values[0]))
    else:
        assert spec.load == PoissonLoad(rate=values[0])


def test_a_search_with_everything() -> None:
    spec = built(
        search="rate=0.5..50",
        require=["p95 ttft_ms < 500", "p99 tpot <= 0.04s"],
        max_error_rate=0.01,
        confidence=0.9,
        tolerance=0.1,
        max_points=9,
        arrival="constant",
        concurrency=64,
    )
    assert spec.load == ConstantLoad(rate=0.5, max_in_flight=64)
    assert isinstance(spec.explore, Search)
    assert spec.explore.model_dump() == {
        "kind": "search",
        "parameter": "rate",
        "minimum": 0.5,
        "maximum": 50,
        "criteria": [
            {"metric": "ttft_ms", "percentile": 95, "limit_ms": 500},
            {"metric": "tpot_ms", "percentile": 99, "limit_ms": 40},
        ],
        "max_error_rate": 0.01,
        "confidence": 0.9,
        "tolerance": 0.1,
        "max_points": 9,
    }


def test_a_budget_goes_with_any_run() -> None:
    assert built(budget=2.5).budget_usd == 2.5


@pytest.mark.parametrize(
    ("text", "metric", "percentile", "limit"),
    [
        ("p95 ttft_ms < 500", "ttft_ms", 95, 500),
        ("P99.9 e2e<=2s", "e2e_ms", 99.9, 2_000),
        ("p50 icl_ms <= 40 ms", "icl_ms", 50, 40),
        ("p95_ttft_from_intended < 1_000", "ttft_from_intended_ms", 95, 1_000),
    ],
)
def test_requirements(text: str, metric: str, percentile: float, limit: float) -> None:
    assert criterion(text) == {"metric": metric, "percentile": percentile, "limit_ms": limit}


MET = {"require": ["p95 ttft < 500"]}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"sweep": "users=1,2"}, "--sweep: 'users=1,2' is not of the form"),
        ({"sweep": "concurrency"}, "--sweep: 'concurrency' is not of the form"),
        ({"sweep": "concurrency="}, "--sweep: "),
        ({"sweep": "concurrency=1,two"}, "--sweep: 'two' is not a number"),
        ({"sweep": "concurrency=1..8"}, "--sweep: '1..8' needs a step"),
        ({"sweep": "concurrency=8..1*2"}, "--sweep: '8..1*2' must go up"),
        ({"sweep": "concurrency=1..8*1"}, "--sweep: '1..8*1' must go up"),
        ({"sweep": "concurrency=0..8*2"}, "--sweep: '0..8*2' must go up"),
        ({"sweep": "rate=1..1000000000+1"}, "--sweep: '1..1000000000+1' has more than 64 levels"),
        ({"sweep": "rate=1,nan"}, "--sweep: 'nan' is not a finite number"),
        ({"sweep": "concurrency=1,1"}, "--sweep: values must differ"),
        ({"sweep": "concurrency=1.5"}, "--sweep: values of concurrency must be whole"),
        ({"sweep": "concurrency=0"}, "--sweep: "),
        ({"sweep": "concurrency=1,2", "search": "rate=1..2"}, "--sweep and --search exclude each other"),
        ({"sweep": "concurrency=1,2", **MET}, "--require: only goes with --search"),
        ({"sweep": "concurrency=1,2", "confidence": 0.9}, "--confidence: only goes with --search"),
        ({"max_points": 3}, "--max-points: only goes with --search"),
        ({"sweep": "concurrency=1,2", "concurrency": 3}, "--concurrency: excludes --sweep"),
        ({"search": "rate=1..2", "rate": 3.0, **MET}, "--rate: excludes --search"),
        ({"search": "concurrency=1..8"}, "--search: say what must be met"),
        ({"search": "concurrency=1,8", **MET}, "--search: '1,8' is not of the form LOWEST..HIGHEST"),
        ({"search": "concurrency=1..8*2", **MET}, "--search: '1..8*2' is not of the form LOWEST..HIGHEST"),
        ({"search": "concurrency=8..1", **MET}, "--search: minimum must be below maximum"),
        ({"search": "concurrency=1..8", "require": ["ttft < 5"]}, "--require: 'ttft < 5' is not of the form"),
        ({"search": "concurrency=1..8", "require": ["error_rate < 5"]}, "--max-error-rate is an option of its own"),
        ({"search": "concurrency=1..8", "require": ["p95 speed < 5"]}, "--require: unknown metric 'speed'"),
        ({"search": "concurrency=1..8", "require": ["p95 ttft < x"]}, "--require: 'x' is not a number"),
        ({"search": "concurrency=1..8", "require": ["p0 ttft < 5"]}, "--require: "),
        ({"search": "concurrency=1..8", "require": ["p95 ttft < -5"]}, "--require: "),
        ({"search": "concurrency=1..8", "max_error_rate": 2.0}, "--max-error-rate: "),
        ({"search": "concurrency=1..8", "confidence": 1.0, **MET}, "--confidence: "),
        ({"search": "concurrency=1..8", "requests": 10, **MET}, "cannot be met by fewer than 59 requests"),
        ({"budget": 0.0}, "--budget: "),
    ],
)
def test_what_is_wrong_is_told_by_option(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        built(**changed)
    assert told in problem.value.format_message()


@given(st.text(max_size=40))
def test_any_text_is_a_sweep_or_a_problem(text: str) -> None:
    for option in ("sweep", "search"):
        for prefix in ("", "rate=", "concurrency="):
            with suppress(UsageProblem):  # anything else is a traceback for the user
                built(**{option: prefix + text}, **(MET if option == "search" else {}))


@given(st.text(max_size=40))
def test_any_text_is_a_requirement_or_a_problem(text: str) -> None:
    for whole in (text, f"p95 {text}", f"p95 ttft < {text}"):
        with suppress(UsageProblem):
            criterion(whole)
