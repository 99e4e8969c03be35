"""Whether a level of load meets what is asked of it: the verdict of one probe of a search. Pure.

Each criterion is judged by itself, at the confidence asked for: *met* when the upper confidence bound of its percentile
is within the limit, *not met* when the lower bound is above it, *undecided* between. All must be met. So a level that
is said to meet them violates a given one of them with a probability of at most 1 - confidence; that it violates *some*
of m criteria may be up to m times as likely. Bounds assume requests that are independent of each other: queueing makes
neighbours alike, and chunk gaps (`icl_ms`) of one request still more so, which makes bounds somewhat too narrow.

A failed request has no latency. When `max_error_rate` is asked for, failures are judged by that; otherwise each counts
as slower than any limit, so that a server cannot meet a limit by refusing requests. For the same reason a request that
succeeded only when it was tried again, whose latency does not count (see `run_statistics`), is slower than any limit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.stats.batch import CHUNK_METRIC
from app.stats.bounds import percentile_bounds_ms, samples_needed, share_bounds
from app.stats.run_statistics import TargetStatistics

Verdict = Literal["met", "not_met", "undecided"]


@dataclass(frozen=True)
class LatencyLimit:
    """A percentile of a metric must not exceed a limit."""

    metric: str
    percentile: float
    limit_ms: float

    def __str__(self) -> str:
        return f"{self.name} ≤ {number(self.limit_ms)} ms"

    @property
    def name(self) -> str:
        """`p95 ttft_ms`."""
        return f"p{self.percentile:g} {self.metric}"


@dataclass(frozen=True)
class Criteria:
    """All that a level must meet, each at `confidence`."""

    latencies: tuple[LatencyLimit, ...] = ()
    max_error_rate: float | None = None
    confidence: float = 0.95

    def __str__(self) -> str:
        parts = [str(limit) for limit in self.latencies]
        if self.max_error_rate is not None:
            parts.append(f"error rate ≤ {percent(self.max_error_rate)}")
        return " and ".join(parts)


@dataclass(frozen=True)
class Judgement:
    """The verdict on one level and its reason; `improvable` when more requests at this level could decide it."""

    verdict: Verdict
    reason: str
    requests: int = 0
    improvable: bool = False


def judge(
    statistics: TargetStatistics,
    criteria: Criteria,
    *,
    falls_behind: str | None = None,
    client_limit: str | None = None,
) -> Judgement:
    """The verdict on a level.

    `falls_behind` says how the server did not keep up with an open loop's rate: that is not met whatever the latencies
    are. `client_limit` says how the client was the limit: then nothing can be met, because the load was not what it
    was said to be; a limit that is broken all the same stays broken.
    """
    counters = statistics.counters
    if not counters.total:
        return Judgement("undecided", "no request ended", improvable=True)
    if not counters.ok:
        return Judgement("not_met", f"none of {counters.total:,} requests succeeded", counters.total)
    checks = [_judge_latency(statistics, limit, criteria) for limit in criteria.latencies]
    if criteria.max_error_rate is not None:
        checks.append(_judge_errors(counters.failed, counters.total, criteria.max_error_rate, criteria.confidence))
    if falls_behind is not None and client_limit is None:
        checks.insert(0, ("not_met", falls_behind))
    for verdict in ("not_met", "undecided"):
        if reasons := [reason for found, reason in checks if found == verdict]:
            if verdict == "undecided" and client_limit is not None:
                break
            return Judgement(verdict, "; ".join(reasons), counters.total, improvable=verdict == "undecided")
    if client_limit is not None:
        return Judgement("undecided", f"the client was the limit: {client_limit}", counters.total, improvable=True)
    return Judgement("met", "; ".join(reason for _, reason in checks), counters.total)


def _judge_latency(statistics: TargetStatistics, limit: LatencyLimit, criteria: Criteria) -> tuple[Verdict, str]:
    counters, distribution = statistics.counters, statistics.metrics[limit.metric]
    if not distribution.n:
        return "undecided", f"{limit.metric} was never measured"
    slower = statistics.retried.n + (counters.failed if criteria.max_error_rate is None else 0)
    gaps = distribution.n / counters.ok if limit.metric == CHUNK_METRIC else 1
    beyond = math.ceil(slower * gaps)
    lower, upper = percentile_bounds_ms(distribution, limit.percentile, criteria.confidence, beyond=beyond)
    asked = f"{number(limit.limit_ms)} ms"
    failures = f", {slower:,} failed or retried requests counted as slower" if beyond else ""
    if upper <= limit.limit_ms:
        return "met", f"{limit.name} is at most {number(upper)} ms"
    if lower > limit.limit_ms:
        bound = f"lower bound {number(lower)} ms" if lower < math.inf else "too many failed or were retried"
        return "not_met", f"{limit.name} is above {asked} ({bound}{failures if lower < math.inf else ''})"
    most = f"at most {number(upper)} ms" if upper < math.inf else "not bounded from above"
    found = f"{limit.name} is at least {number(lower)} ms and {most}{failures}"
    needed = samples_needed(limit.percentile / 100, criteria.confidence)
    few = f" (that takes at least {needed:,})" if distribution.n + beyond < needed else ""
    return "undecided", f"{found}: {distribution.n:,} samples do not decide on {asked}{few}"


def _judge_errors(failed: int, total: int, limit: float, confidence: float) -> tuple[Verdict, str]:
    """No number of requests can show a rate of 0: that limit is judged on the requests that were sent."""
    if limit in {0, 1}:
        kept = failed == 0 or limit == 1
        return ("met" if kept else "not_met"), f"{failed:,} of {total:,} requests failed"
    lower, upper = share_bounds(failed, total, confidence)
    if upper <= limit:
        return "met", f"the error rate is at most {percent(upper)}"
    if lower > limit:
        return "not_met", f"the error rate is above {percent(limit)} (lower bound {percent(lower)})"
    found = f"{failed:,} of {total:,} requests failed"
    return "undecided", f"{found}: the error rate is between {percent(lower)} and {percent(upper)}"


def joined(statistics: Sequence[TargetStatistics]) -> TargetStatistics:
    """All samples of one level, however often it was probed."""
    if len(statistics) == 1:
        return statistics[0]
    together = TargetStatistics()
    for one in statistics:
        together.merge(one, one_after_another=True)
    return together


def number(value: float) -> str:
    """As few digits as say it: whole from 100 on, else three significant ones."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(share: float) -> str:
    """`1.5 %`."""
    return f"{100 * share:.3g} %"
