"""Warnings about a spec that would run, but may not say what is wanted of it. Pure."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from app.benchmarks.forecast import Forecast, peak_in_flight, peak_rate
from app.benchmarks.loads import OpenLoad
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.workloads import OnePrompt, PromptList
from app.stats.intervals import least_samples

P99_INTERVAL_N = math.ceil(math.log(0.025) / math.log(0.99))
"""Least n at which p99 has a two-sided 95 % interval: 0.99^n must not exceed 2.5 % (see `stats.intervals`): 368."""
_SPARE_DESCRIPTORS = 64
"""Of an engine beside its connections: pipes, epoll, libraries."""


class Machine(NamedTuple):
    """What this machine has for engines."""

    descriptors: int
    cores: int


class Caution(NamedTuple):
    """A warning and the part of the spec that it is about."""

    path: str
    message: str


def cautions(spec: BenchmarkSpec, found: Forecast, machine: Machine) -> list[Caution]:
    """Everything to be careful about."""
    return [*_samples(spec, found), *_window(spec, found), *_engines(spec, machine), *_load(spec), *_work(spec, found)]


def _samples(spec: BenchmarkSpec, found: Forecast) -> Iterator[Caution]:
    fewest = min(
        (one.requests.low if one.requests.high is None else one.requests.high for one in found.levels), default=0.0
    )
    is_certain = all(one.requests.high is not None for one in found.levels)
    if not is_certain or (spec.explore is not None and spec.explore.kind == "search"):
        return
    path = "stop.requests" if spec.stop.requests is not None else "stop.duration_seconds"
    where = "a level" if spec.explore is not None else "a target"
    if fewest < least_samples(99):
        yield Caution(path, f"{fewest:,.0f} requests {where} are too few for p99, which needs {least_samples(99)}")
    elif fewest < P99_INTERVAL_N:
        text = f"{fewest:,.0f} requests {where} name p99, but its 95 % interval needs {P99_INTERVAL_N}"
        yield Caution(path, f"{text}; p95 is more stable")


def _window(spec: BenchmarkSpec, found: Forecast) -> Iterator[Caution]:
    cut = (spec.window.warmup_seconds or 0) + (spec.window.cooldown_seconds or 0)
    if not cut:
        return
    path = "window.warmup_seconds" if spec.window.warmup_seconds else "window.cooldown_seconds"
    for level in found.levels:
        seconds, requests = level.seconds.high, level.requests.high
        if seconds is None:
            continue
        if cut >= seconds:
            yield Caution(path, f"warm-up and cool-down take {cut:g} s of {seconds:g} s: nothing is left to be steady")
            return
        steady = None if requests is None else requests * (1 - cut / seconds)
        if steady is not None and steady < least_samples(99) <= (requests or 0):
            text = f"the steady window of {seconds - cut:g} s holds about {steady:,.0f} requests"
            yield Caution(path, f"{text}, too few for a stable p99, which needs {least_samples(99)}")
            return


def _engines(spec: BenchmarkSpec, machine: Machine) -> Iterator[Caution]:
    if isinstance(spec.load, OpenLoad) and "max_in_flight" not in spec.load.model_fields_set:
        streams = 0  # the cap that everyone has is no plan to reach it
    else:
        streams = math.ceil(peak_in_flight(spec) / spec.workers)
    usable = machine.descriptors - _SPARE_DESCRIPTORS
    if streams > usable:
        text = f"an engine here may open {max(usable, 0):,} connections, and {streams:,} are wanted of each"
        yield Caution("workers", f"{text}: more workers, or a higher limit of open files, would help")
    if spec.workers > machine.cores:
        text = f"{spec.workers} workers want a core each, and this machine has {machine.cores}"
        yield Caution("workers", f"{text}: engines that share a core measure late, unless other machines run them")


def _load(spec: BenchmarkSpec) -> Iterator[Caution]:
    rate, limit = peak_rate(spec), spec.limits.requests_per_minute
    if rate is not None and limit is not None and rate * 60 > limit:
        text = f"the load offers up to {rate * 60:,.0f} requests a minute, and {limit:,.0f} may start"
        yield Caution("limits.requests_per_minute", f"{text}: the rest wait, which shows as schedule delay")


def _work(spec: BenchmarkSpec, found: Forecast) -> Iterator[Caution]:
    workload, requests = spec.workload, found.requests_per_target.high
    if isinstance(workload, OnePrompt):
        text = "every request sends the same prompt, so a server that caches prompts looks faster than it is"
        yield Caution("workload.prompt", text)
    if isinstance(workload, PromptList) and requests is not None and requests > len(workload.prompts):
        text = f"{len(workload.prompts):,} prompts serve up to {requests:,.0f} requests, so they repeat"
        yield Caution("workload.prompts", f"{text}, and a server that caches prompts looks faster then")
    if found.output_tokens.high is None:
        text = "nothing caps the length of answers, so neither their time nor their cost is known before"
        yield Caution("sampling.max_tokens", f"{text}; a cap would help")
