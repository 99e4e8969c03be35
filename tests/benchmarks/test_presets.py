"""Presets: each is a spec as it is, and runs for real against the simulator when it is cut short."""

import asyncio
import re
from typing import Any

import pytest

from app.benchmarks.cautions import Machine, cautions
from app.benchmarks.demo import simulator
from app.benchmarks.forecast import forecast
from app.benchmarks.local import run_local
from app.benchmarks.presets import Preset, find, presets
from app.benchmarks.schemas import BenchmarkSpec
from app.loadgen.plan import Endpoint

TARGETS = {"targets": [{"provider": "openai-compatible", "model": "simulated"}]}


@pytest.mark.parametrize("preset", presets().presets, ids=lambda preset: preset.name)
def test_each_is_a_spec_with_a_purpose(preset: Preset) -> None:
    spec = BenchmarkSpec.model_validate(preset.spec | TARGETS)
    assert re.fullmatch(r"[a-z][a-z-]+", preset.name)
    assert re.fullmatch(r"[A-Z].*[^.]\.", preset.purpose) or preset.purpose.endswith("?")
    assert find(preset.name) == preset
    # What is offered to everyone warns of nothing but what it is: a quick look.
    warned = cautions(spec, forecast(spec), Machine(1_000_000, 64))
    assert {one.path for one in warned} <= (
        {"stop.requests"} if preset.name in {"quick-check", "long-context"} else set()
    )


def test_names_differ_and_an_unknown_one_is_none() -> None:
    names = [preset.name for preset in presets().presets]
    assert len(set(names)) == len(names)
    assert find("nothing") is None


def cut_short(preset: Preset) -> BenchmarkSpec:
    """The same kinds of everything with less of it: two levels, a second, a few short requests."""
    spec: dict[str, Any] = preset.spec | TARGETS | {"name": preset.name}
    workload, load = dict(spec["workload"]), dict(spec["load"])
    for name in ("input_tokens", "output_tokens", "prefix_tokens"):
        if isinstance(workload.get(name), dict):
            workload[name] = workload[name] | {"mean": 8, "stdev": 2, "maximum": 16}
        elif name in workload:
            workload[name] = 8
    workload["words_per_token"] = 0.75
    if "think_time" in workload:
        workload["think_time"] = workload["think_time"] | {"mean_seconds": 0.01}
    if "turns" in workload:
        workload["turns"] = 2
    if load["kind"] == "closed":
        load = load | {"concurrency": 2, "ramp_up_seconds": 0}
    elif load["kind"] == "spike":
        load = load | {"rate": 10, "spike_rate": 40, "spike_at_seconds": 0.2, "spike_seconds": 0.2}
    else:
        load = load | {"rate": 10}
    spec |= {"workload": workload, "load": load, "stop": {"requests": 8, "duration_seconds": 1}}
    if explore := spec.get("explore"):
        if explore["kind"] == "sweep":
            explore = explore | {"values": [1, 2]}
        else:
            criteria = [one | {"percentile": 50, "limit_ms": 5_000} for one in explore["criteria"]]
            explore = explore | {"maximum": 2, "max_points": 2, "max_error_rate": 0.5, "criteria": criteria}
        spec["explore"] = explore
    return BenchmarkSpec.model_validate(spec)


async def test_each_runs_when_cut_short() -> None:
    most = asyncio.Semaphore(4)  # engines at once: this tells nothing about speed

    async def run(preset: Preset, base_url: str) -> tuple[str, dict[str, Any]]:
        async with most:
            endpoint = Endpoint("openai-compatible", base_url, "simulated")
            return preset.name, await run_local(cut_short(preset), endpoint)

    async with simulator() as base_url:
        done = await asyncio.gather(*(run(preset, base_url) for preset in presets().presets))
    for name, summary in done:
        assert summary["error"] is None, name
        assert summary["requests"]["ok"] >= 2, name
        assert summary["requests"]["failed"] == 0, name
