"""Budgets: what is refused before a run, and when a run is stopped. Prices are those of a public list."""

from typing import Any

import pytest

from app.adapters.base import Buckets
from app.adapters.prices import cost_usd
from app.benchmarks.budget import BudgetWatch, dollars, estimate
from app.benchmarks.live import LiveRun
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.shard_reports import ShardTick
from app.core.errors import InvalidRequestError
from app.stats.run_statistics import RunStatistics, TargetKey
from tests.factories import make_spec
from tests.stats.batches import ORIGIN, SECOND, batch

MODEL = "gpt-4o-mini"
WORKLOAD = {"kind": "synthetic", "input_tokens": 1_000, "output_tokens": 100}


def price(input_tokens: int = 1_000, output_tokens: int = 100) -> float:
    found = cost_usd("openai", MODEL, Buckets(input_tokens, None, None, output_tokens, None))
    assert found is not None
    return float(found)


def spec(**fields: Any) -> BenchmarkSpec:
    values = {"targets": [{"provider": "local", "model": MODEL}], "workload": WORKLOAD, "stop": {"requests": 100}}
    return BenchmarkSpec.model_validate(make_spec(**values | fields))


def test_the_estimate_is_requests_times_tokens_times_price() -> None:
    found = estimate(spec(budget_usd=100), ["openai"])
    assert found.usd == pytest.approx(100 * price())
    assert found.per_request_usd == {("local", MODEL): price()}
    assert found.note is None


def test_targets_and_points_add_up() -> None:
    targets = [{"provider": name, "model": MODEL} for name in ("one", "two")]
    sweep = {"kind": "sweep", "parameter": "concurrency", "values": [1, 2, 4]}
    assert estimate(spec(targets=targets, explore=sweep), ["openai"] * 2).usd == pytest.approx(600 * price())


def test_what_costs_more_than_the_budget_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="is above") as refused:
        estimate(spec(budget_usd=99 * price()), ["openai"])
    assert refused.value.details["errors"][0]["path"] == "budget_usd"
    assert estimate(spec(budget_usd=101 * price()), ["openai"]).usd is not None


@pytest.mark.parametrize(
    ("model", "kind"), [(MODEL, "openai-compatible"), (MODEL, "vllm"), ("no-such-model-anywhere", "openai")]
)
def test_an_unknown_price_is_refused_and_never_zero(model: str, kind: str) -> None:
    plan = spec(targets=[{"provider": "local", "model": model}], budget_usd=1_000)
    with pytest.raises(InvalidRequestError, match="is not known, so a budget cannot be kept") as refused:
        estimate(plan, [kind])
    assert model in refused.value.message
    assert f"kind {kind}" in refused.value.message


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"stop": {"duration_seconds": 60}}, "how many requests fit into the time depends on the server"),
        ({"workload": {"kind": "prompt", "prompt": "hello"}}, "nothing caps the length of answers"),
        (
            {
                "explore": {
                    "kind": "search",
                    "parameter": "concurrency",
                    "minimum": 1,
                    "maximum": 64,
                    "max_error_rate": 0,
                }
            },
            "how many points a search needs",
        ),
    ],
)
def test_what_cannot_be_estimated_is_allowed_and_said(fields: dict[str, Any], says: str) -> None:
    found = estimate(spec(budget_usd=1, **fields), ["openai"])
    assert found.usd is None
    assert says in (found.note or "")


def test_even_then_the_requests_that_are_certain_must_fit() -> None:
    load = {"kind": "closed", "concurrency": 50}
    fields: dict[str, Any] = {"load": load, "stop": {"duration_seconds": 60}}
    with pytest.raises(InvalidRequestError, match="in any case"):
        estimate(spec(budget_usd=49 * price(), **fields), ["openai"])
    assert estimate(spec(budget_usd=51 * price(), **fields), ["openai"]).usd is None


class Watched:
    """A run under a budget, told of by ticks."""

    def __init__(self, **fields: Any) -> None:
        self.spec = spec(**fields)
        self.live = LiveRun(self.spec, ORIGIN)
        self.watch = BudgetWatch(self.spec, estimate(self.spec.model_copy(update={"budget_usd": None}), ["openai"]))
        self.ended = self.started = 0

    def tick(self, second: float, *, started: int, ended: int, cost: float | None = 0.01, failed: int = 0) -> bool:
        delta = RunStatistics(ORIGIN)
        n = ended - self.ended
        ok = [position >= failed for position in range(n)]
        costs = [cost if good and cost is not None else float("nan") for good in ok]
        delta.add(TargetKey("local", MODEL), batch([second] * n, cost_usd=costs, ok=ok))
        self.ended = ended
        at_ns = ORIGIN + round(second * SECOND)
        self.live.take(ShardTick(0, 0, at_ns, started, started - ended, 0, delta.encode()))
        return self.watch.is_reached(self.live, at_ns)


UNTIL_TIME = {"stop": {"duration_seconds": 60}, "budget_usd": 1}


def test_requests_under_way_are_reserved() -> None:
    run = Watched(**UNTIL_TIME)
    assert not run.tick(10, started=40, ended=30)  # 0.30 spent, 0.10 under way
    assert not run.tick(20, started=90, ended=80)  # 0.80 and 0.10
    assert run.tick(30, started=100, ended=90)  # 0.90 and 0.10
    assert run.tick(31, started=100, ended=91)  # once reached, for good
    summary = run.watch.summary(run.live.statistics)
    assert summary is not None
    assert summary["stopped"] is True
    assert summary["spent_usd"] == pytest.approx(0.91)
    assert "budget of $1.00" in run.watch.warnings()[0]


def test_requests_that_start_before_a_stop_takes_effect_are_reserved_too() -> None:
    run = Watched(**UNTIL_TIME)
    assert not run.tick(1.0, started=10, ended=0)
    assert not run.tick(1.5, started=40, ended=30)
    assert run.tick(2.0, started=82, ended=72)  # 0.72 and 0.10, and 72 a second


def test_an_open_loop_reserves_by_its_starts() -> None:
    run = Watched(load={"kind": "constant", "rate": 100}, budget_usd=1, stop={"requests": 200})
    assert not run.tick(1.0, started=30, ended=0)
    assert run.tick(2.0, started=90, ended=1)  # 0.01 and 0.89, and 60 a second


def test_before_any_cost_is_known_the_estimate_is_used() -> None:
    run = Watched(load={"kind": "constant", "rate": 10}, stop={"duration_seconds": 60}, budget_usd=5 * price())
    assert not run.tick(1, started=4, ended=0)
    assert run.tick(2, started=6, ended=0)


def test_nothing_is_stopped_when_everything_has_started() -> None:
    run = Watched(budget_usd=1)
    assert not run.tick(1, started=100, ended=96)
    assert not run.tick(2, started=100, ended=100)
    assert run.watch.warnings() == []


def test_failed_requests_count_as_free_and_unpriced_ones_as_estimated() -> None:
    run = Watched(budget_usd=1)
    run.tick(1, started=20, ended=10, failed=4)
    run.tick(2, started=20, ended=15, cost=None)
    summary = run.watch.summary(run.live.statistics)
    assert summary is not None
    assert summary["spent_usd"] == pytest.approx(0.06 + 5 * price())
    assert "4 failed requests count as free" in summary["note"]
    assert "5 answers came without usage" in summary["note"]


def test_without_a_budget_nothing_is_ever_stopped() -> None:
    run = Watched()
    assert not run.tick(1, started=100, ended=50, cost=1e9)
    assert run.watch.summary(run.live.statistics) is None


@pytest.mark.parametrize(
    ("usd", "text"), [(12.3, "$12.30"), (1_234.5, "$1,234.50"), (0.00123, "$0.00123"), (0, "$0.00")]
)
def test_dollars(usd: float, text: str) -> None:
    assert dollars(usd) == text
