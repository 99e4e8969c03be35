"""A limit in US dollars: estimated before the run, watched during it. Prices are public list prices.

Before: the run is refused when its estimate exceeds the limit, or when a price is unknown (a limit could not be kept).
During: no request is started once the cost of ended requests and an allowance for those under way reach the limit.
The allowance is their number times the mean cost so far, and of those that start before a stop takes effect. Requests
under way end by themselves, because they are paid for. What failed or was cancelled counts as nothing: what a provider
bills for it is not known.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.adapters import prices, registry
from app.adapters.base import Buckets
from app.benchmarks import planner
from app.benchmarks.expected import requests_at_least, requests_expected, tokens_expected
from app.benchmarks.explorations import Search
from app.benchmarks.live import LiveRun
from app.benchmarks.loads import ClosedLoad, ClosedStepsLoad
from app.benchmarks.schemas import BenchmarkSpec
from app.core.errors import InvalidRequestError
from app.stats.run_statistics import RunStatistics, TargetStatistics

_HORIZON_S = 0.3  # a tick, its way here, and the stop's way back
_RECENT_NS = 2 * 10**9
_LEAST_NS = 10**9

TargetName = tuple[str, str]


@dataclass(frozen=True)
class Estimate:
    """What a run will probably cost. `usd` is None when that cannot be told; `note` says why.

    `per_request_usd` has one entry a target, None where the length of answers is unknown;
    `input_usd` is the part of it that the prompt costs.
    """

    usd: float | None
    per_request_usd: Mapping[TargetName, float | None]
    input_usd: Mapping[TargetName, float]
    note: str | None = None


def estimate(spec: BenchmarkSpec, kinds: Sequence[str]) -> Estimate:
    """The estimate of a spec whose targets' providers are of these kinds (of the adapter registry).

    Raises:
        InvalidRequestError: when the spec has a budget that cannot be kept: a price is unknown, or it costs more.
    """
    tokens = tokens_expected(spec)
    per_request: dict[TargetName, float | None] = {}
    inputs: dict[TargetName, float] = {}
    total, least, why = 0.0, 0.0, None
    for target_index, (target, kind) in enumerate(zip(spec.targets, kinds, strict=True)):
        whole = None if tokens.output is None else _price(kind, target.model, tokens.input, tokens.output)
        asked = _price(kind, target.model, tokens.input, 0.0)
        if asked is None:
            raise _refused(_unknown_price(target.provider, target.model, kind))
        per_request[target.provider, target.model] = whole
        inputs[target.provider, target.model] = asked
        for point in planner.first_points(spec, target_index):
            number = requests_expected(spec, point)
            least += requests_at_least(spec, point) * (asked if whole is None else whole)
            if whole is None:
                why = "nothing caps the length of answers (sampling.max_tokens would)"
            elif number is None:
                why = "how many requests fit into the time depends on the server"
            else:
                total += number * whole
    if isinstance(spec.explore, Search):
        why = "how many points a search needs is found out on the way"
    limit = spec.budget_usd
    if limit is not None and why is None and total > limit:
        raise _refused(f"the run is estimated at {dollars(total)} from list prices, which is above {dollars(limit)}")
    if limit is not None and why is not None and least > limit:
        text = f"even the requests that are sent in any case are estimated at {dollars(least)} from list prices"
        raise _refused(f"{text}, which is above {dollars(limit)}")
    if why is None:
        return Estimate(total, per_request, inputs)
    return Estimate(None, per_request, inputs, f"the cost could not be estimated before the run: {why}")


class BudgetWatch:
    """Says during a run when its budget is reached. One that has no budget never says so."""

    def __init__(self, spec: BenchmarkSpec, estimated: Estimate | None) -> None:
        self.stopped = False
        self._spec = spec
        self._estimate = estimated or Estimate(None, {}, {})
        self._planned = planner.requests_planned(spec)
        self._follows_ends = isinstance(spec.load, ClosedLoad | ClosedStepsLoad)
        self._recent: deque[tuple[int, int]] = deque()

    def is_reached(self, live: LiveRun, at_ns: int) -> bool:
        """Whether no request may be started any more; look at every tick. Once True it stays True."""
        limit = self._spec.budget_usd
        if limit is None or self.stopped:
            return self.stopped
        ended, started = live.counters().total, live.started()
        coming = self._coming(at_ns, started, ended)
        if self._planned is not None:
            coming = min(coming, self._planned - started)
            if started >= self._planned:
                return False  # there is nothing left to hold back
        under_way = max(started - ended, 0)
        reserved = (under_way + coming) * self._per_request(live)
        self.stopped = self._spent(live.statistics) + reserved >= limit
        return self.stopped

    def summary(self, statistics: RunStatistics) -> dict[str, Any] | None:
        """The part `budget` of a summary."""
        if self._spec.budget_usd is None:
            return None
        counters = statistics.overall().counters
        notes = [self._estimate.note] if self._estimate.note else []
        if counters.failed:
            notes.append(f"{counters.failed:,} failed requests count as free, because their cost is not known")
        if uncounted := counters.ok - counters.priced + counters.token_sources.get("chunks", 0):
            notes.append(f"{uncounted:,} answers came without usage; what they do not say counts with its estimate")
        return {
            "limit_usd": self._spec.budget_usd,
            "estimate_usd": self._estimate.usd,
            "spent_usd": self._spent(statistics),
            "stopped": self.stopped,
            "note": "; ".join(notes) or None,
        }

    def warnings(self) -> list[str]:
        """What a reader of the summary must not miss."""
        if not self.stopped:
            return []
        limit = dollars(self._spec.budget_usd or 0.0)
        return [f"the run was stopped before its end, because it would have cost more than the budget of {limit}"]

    def _coming(self, at_ns: int, started: int, ended: int) -> float:
        """Requests that start before a stop takes effect; in a closed loop as many as end."""
        self._recent.append((at_ns, ended if self._follows_ends else started))
        while at_ns - self._recent[0][0] > _RECENT_NS:
            self._recent.popleft()
        first_ns, first = self._recent[0]
        grown = self._recent[-1][1] - first
        return max(grown, 0) * 1e9 / max(at_ns - first_ns, _LEAST_NS) * _HORIZON_S

    def _per_request(self, live: LiveRun) -> float:
        """Mean cost at the current target; before anything is known, the estimate."""
        target = self._spec.targets[live.target_index]
        name = (target.provider, target.model)
        for key, found in live.statistics.targets.items():
            if (key.provider, key.model) == name and found.counters.priced:
                return found.counters.cost_usd / found.counters.priced
        return self._estimate.per_request_usd.get(name) or 0.0

    def _spent(self, statistics: RunStatistics) -> float:
        return sum(self._cost((key.provider, key.model), one) for key, one in statistics.targets.items())

    def _cost(self, target: TargetName, statistics: TargetStatistics) -> float:
        counters = statistics.counters
        unpriced = (counters.ok - counters.priced) * (self._estimate.per_request_usd.get(target) or 0.0)
        # An answer whose chunks were counted says nothing about its prompt, so its cost is that of the output alone.
        prompts = counters.token_sources.get("chunks", 0) * self._estimate.input_usd.get(target, 0.0)
        return counters.cost_usd + unpriced + prompts


def dollars(usd: float) -> str:
    """`$12.30`, with more digits when it is small."""
    return f"${usd:,.2f}" if usd >= 1 or not usd else f"${usd:.3g}"


def _price(kind: str, model: str, input_tokens: float, output_tokens: float) -> float | None:
    return _kept_price(prices.version(), kind, model, input_tokens, output_tokens)


@lru_cache(maxsize=256)
def _kept_price(_prices: int, kind: str, model: str, input_tokens: float, output_tokens: float) -> float | None:
    try:
        cost = prices.cost_usd(
            kind, model, Buckets(max(round(input_tokens), 1), None, None, round(output_tokens), None)
        )
    except LookupError:
        return None
    return None if cost is None else float(cost)


def _unknown_price(provider: str, model: str, kind: str) -> str:
    priced = [name for name in registry.names() if registry.kind(name).price_provider]
    return (
        f"the price of model {model} at provider {provider} (kind {kind}) is not known, so a budget cannot be kept; "
        f"leave it out, limit the requests instead, or use a model with a list price (kinds: {', '.join(priced)})"
    )


def _refused(message: str) -> InvalidRequestError:
    return InvalidRequestError(f"budget_usd: {message}", errors=[{"path": "budget_usd", "message": message}])
