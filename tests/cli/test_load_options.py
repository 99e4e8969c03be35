"""Options of the load, and spec files under them."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.benchmarks.loads import (
    ClosedLoad,
    ClosedStepsLoad,
    GammaLoad,
    RampLoad,
    RateStep,
    SpikeLoad,
    StepsLoad,
    TraceLoad,
    UserStep,
)
from app.benchmarks.schemas import ClientLimits
from app.benchmarks.workloads import TracePrompts
from app.cli.bench_spec import BenchOptions, build_endpoint, build_spec, endpoints_of
from app.cli.spec_file import with_spec_file
from app.cli.usage import UsageProblem
from tests.cli.test_bench_spec import DEFAULTS
from tests.datasets.test_traces import AZURE_2023, BURSTGPT, MOONCAKE


def options(**changed: Any) -> BenchOptions:
    return BenchOptions(**DEFAULTS | {"given": frozenset(changed)} | changed)


def load_of(**changed: Any) -> Any:
    return build_spec(options(**changed)).load


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"concurrency": 8, "ramp_up": 30.0}, ClosedLoad(concurrency=8, ramp_up_seconds=30)),
        (
            {"rate": 9.0, "arrival": "gamma", "burstiness": 0.5, "concurrency": 3},
            GammaLoad(rate=9, burstiness=0.5, max_in_flight=3),
        ),
        ({"rate": 1.0, "ramp_to": 9.0, "ramp_seconds": 60.0}, RampLoad(from_rate=1, to_rate=9, seconds=60)),
        (
            {"rate": 9.0, "ramp_to": 1.0, "ramp_seconds": 6.0, "ramp_curve": "exponential", "arrival": "constant"},
            RampLoad(from_rate=9, to_rate=1, seconds=6, curve="exponential", arrival="constant"),
        ),
        (
            {"rate": 10.0, "spike": "100@30+10"},
            SpikeLoad(rate=10, spike_rate=100, spike_at_seconds=30, spike_seconds=10),
        ),
        (
            {"rate_steps": "10:30, 2.5:20", "requests": None, "concurrency": 64},
            StepsLoad(steps=[RateStep(rate=10, seconds=30), RateStep(rate=2.5, seconds=20)], max_in_flight=64),
        ),
        (
            {"concurrency_steps": "8:30,16:2.5", "requests": None},
            ClosedStepsLoad(steps=[UserStep(concurrency=8, seconds=30), UserStep(concurrency=16, seconds=2.5)]),
        ),
    ],
)
def test_shapes(changed: dict[str, Any], expected: Any) -> None:
    assert load_of(**changed) == expected


def test_rate_limits() -> None:
    limits = build_spec(options(max_requests_per_minute=60.0, max_tokens_per_minute=9e4)).limits
    assert limits == ClientLimits(requests_per_minute=60, tokens_per_minute=90_000)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"ramp_to": 5.0, "ramp_seconds": 5.0}, "--ramp-to: needs --rate"),
        ({"rate": 5.0, "ramp_to": 5.0}, "--ramp-to, --ramp-seconds: need each other"),
        ({"rate": 5.0, "ramp_curve": "linear"}, "--ramp-curve: needs --ramp-to"),
        ({"rate": 5.0, "rate_steps": "1:1"}, "--rate: --rate-steps says"),
        ({"rate": 5.0, "concurrency_steps": "1:1"}, "--rate: --concurrency-steps says"),
        ({"concurrency": 5, "concurrency_steps": "1:1"}, "--concurrency: --concurrency-steps says"),
        ({"rate_steps": "1:1", "concurrency_steps": "1:1"}, "--rate-steps, --concurrency-steps: exclude each other"),
        ({"rate": 5.0, "ramp_up": 5.0}, "--ramp-up: is how long users"),
        ({"arrival": "constant"}, "--arrival: needs an open loop"),
        ({"rate": 5.0, "arrival": "gamma"}, "--arrival gamma: needs --burstiness"),
        ({"rate": 5.0, "burstiness": 0.5}, "--burstiness: needs --arrival gamma"),
        ({"rate": 5.0, "arrival": "gamma", "burstiness": 0.0}, "--burstiness: "),
        ({"rate_steps": "1:1", "arrival": "gamma", "burstiness": 1000.0}, "--burstiness: "),
        ({"trace_speed": 2.0}, "--trace-speed, --trace-format: need --trace"),
        ({"spike": "5@1+1"}, "--spike: needs --rate"),
        ({"rate": 1.0, "spike": "5@1"}, "--spike: '5@1' is not RATE@BEGIN"),
        ({"rate": 1.0, "spike": "0@1+1"}, "--spike: "),
        ({"rate": 1.0, "spike": "5@1+0"}, "--spike: "),
        ({"rate": 0.0, "spike": "5@1+1"}, "--rate: "),
        ({"rate_steps": "10"}, "--rate-steps: '10' is not RATE:SECONDS"),
        ({"rate_steps": "10:"}, "--rate-steps: '10:' is not"),
        ({"rate_steps": ""}, "--rate-steps: '' is not"),
        ({"rate_steps": "e:1"}, "--rate-steps: 'e:1' is not"),
        ({"rate_steps": "0:1"}, "--rate-steps: "),
        ({"rate_steps": "1:0"}, "--rate-steps: "),
        ({"rate_steps": "1e999:5"}, "--rate-steps: "),
        ({"rate_steps": "1:1," * 1000 + "1:1"}, "--rate-steps: "),
        ({"concurrency_steps": "1.5:5"}, "--concurrency-steps: "),
        ({"concurrency_steps": "0:5"}, "--concurrency-steps: "),
        ({"rate": 1.0, "ramp_to": -1.0, "ramp_seconds": 1.0}, "--ramp-to: "),
        ({"rate": 1.0, "ramp_to": 1.0, "ramp_seconds": 0.0}, "--ramp-seconds: "),
        ({"rate": 0.0, "ramp_to": 1.0, "ramp_seconds": 1.0}, "--rate: "),
        ({"rate": 1.0, "ramp_to": 2.0, "ramp_seconds": 1.0, "concurrency": 0}, "--concurrency: "),
        ({"ramp_up": -1.0}, "--ramp-up: "),
        ({"max_requests_per_minute": 0.0}, "--max-requests-per-minute: "),
        ({"max_tokens_per_minute": -1.0}, "--max-tokens-per-minute: "),
        ({"rate": 1.0, "ramp_to": 2.0, "ramp_seconds": 1.0, "requests": None}, "--requests, --duration"),
        ({"trace": Path("absent.csv")}, "--trace: absent.csv: No such file"),
        ({"trace": Path("absent.csv"), "prompt": "x"}, "--trace"),
    ],
)
def test_what_is_wrong_names_its_option(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageProblem, match=named) as raised:
        build_spec(options(**changed))
    assert len(raised.value.messages) == 1


def test_all_conflicts_are_told_at_once() -> None:
    with pytest.raises(UsageProblem) as raised:
        build_spec(options(trace=Path("x"), spike="1@1+1", ramp_up=3.0, burstiness=3.0))
    assert len(raised.value.messages) >= 3


def test_a_trace_sets_load_and_prompts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(MOONCAKE)
    spec = build_spec(options(trace=path, requests=None, trace_speed=2.0, concurrency=7))
    assert isinstance(spec.load, TraceLoad)
    assert (spec.load.at_seconds, spec.load.speed, spec.load.max_in_flight) == ([0, 3.053, 3.053], 2, 7)
    assert isinstance(spec.workload, TracePrompts)
    assert [request.blocks for request in spec.workload.requests] == [[46, 47], [46, 2366], []]
    assert spec.workload.block_tokens == 512
    assert capsys.readouterr().err == "trace.jsonl: 1 requests without output tokens ask for one.\n"
    cut = build_spec(options(trace=path, requests=2, quiet=True)).load
    assert cut == TraceLoad(at_seconds=[0, 3.053])
    assert build_spec(options(trace=path, requests=None, duration=1.0, trace_speed=3.053, quiet=True)).load == (
        TraceLoad(at_seconds=[0], speed=3.053)
    )
    assert capsys.readouterr().err == ""
    with pytest.raises(UsageProblem, match=r"--trace: .*a burstgpt trace has a column"):
        build_spec(options(trace=path, trace_format="burstgpt"))
    with pytest.raises(UsageProblem, match="--trace-speed: "):
        build_spec(options(trace=path, trace_speed=0.0, quiet=True))
    with pytest.raises(UsageProblem, match="--requests: "):
        build_spec(options(trace=path, requests=0, quiet=True))


def test_a_trace_longer_than_a_week_must_be_cut_or_sped_up(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(BURSTGPT + "864005,x,1,1,2,x\n")
    with pytest.raises(UsageProblem, match=r"lasts 10.0 days, a run at most 7"):
        build_spec(options(trace=path, requests=None, quiet=True))
    assert build_spec(options(trace=path, requests=3, quiet=True)).load == TraceLoad(at_seconds=[0, 40, 113])
    fast = build_spec(options(trace=path, requests=None, trace_speed=10.0, quiet=True)).load
    assert fast == TraceLoad(at_seconds=[0, 4, 11.3, 86_400])
    path.write_text(AZURE_2023)
    assert build_spec(options(trace=path, quiet=True)).workload.kind == "trace"


DOCUMENT = {
    "name": "kept",
    "tags": ["nightly"],
    "targets": [{"provider": "vllm", "model": "first"}, {"provider": "vllm", "model": "second"}],
    "workload": {"kind": "prompt", "prompt": "hello"},
    "load": {"kind": "poisson", "rate": 3.5},
    "stop": {"requests": 50, "duration_seconds": 9.0},
    "sampling": {"temperature": 0.5, "stream": False},
    "limits": {"requests_per_minute": 30},
    "seed": 7,
}
YAML = """
name: kept
targets: [{provider: vllm, model: first}, {provider: vllm, model: second}]
workload: {kind: prompt, prompt: hello}
load:
  kind: poisson
  rate: 3.5
stop: {requests: 50, duration_seconds: 9.0}
"""
TOML = """
name = "kept"
targets = [{provider = "vllm", model = "first"}, {provider = "vllm", model = "second"}]
workload = {kind = "prompt", prompt = "hello"}
load = {kind = "poisson", rate = 3.5}
stop = {requests = 50, duration_seconds = 9.0}
"""


def from_file(path: Path, **given: Any) -> BenchOptions:
    defaults = DEFAULTS | {"requests": None, "model": None, "base_url": "http://127.0.0.1:9/v1"}
    plain = {field: value for field, value in vars(options()).items() if field not in DEFAULTS}
    return BenchOptions(**with_spec_file({**plain, **defaults, "spec": path, **given}, frozenset(given)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps(DOCUMENT)),
        ("a.yaml", YAML),
        ("a.YML", YAML),
        ("a.toml", TOML),
        ("summary.json", json.dumps({"name": "x", "spec": DOCUMENT, "metrics": {}})),
    ],
)
def test_a_spec_file_says_everything(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    made = from_file(path)
    spec = build_spec(made)
    assert (spec.name, made.model, made.provider) == ("kept", "first", "vllm")
    assert (spec.load.kind, spec.stop.requests, spec.stop.duration_seconds) == ("poisson", 50, 9)
    endpoints = endpoints_of(spec, build_endpoint(made))
    assert [(endpoint.adapter, endpoint.model) for endpoint in endpoints] == [("vllm", "first"), ("vllm", "second")]


def test_options_go_over_a_spec_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(DOCUMENT))
    assert build_spec(from_file(path)).model_dump() == build_spec(from_file(path)).model_dump()
    spec = build_spec(
        from_file(path, concurrency=4, requests=3, max_tokens=9, model="other", seed=0, max_tokens_per_minute=60.0)
    )
    assert spec.load == ClosedLoad(concurrency=4)
    assert (spec.stop.requests, spec.stop.duration_seconds, spec.seed, spec.tags) == (3, 9, 0, ["nightly"])
    assert (spec.sampling.temperature, spec.sampling.max_tokens, spec.sampling.stream) == (0.5, 9, False)
    assert spec.limits == ClientLimits(requests_per_minute=30, tokens_per_minute=60)
    assert [(target.provider, target.model) for target in spec.targets] == [("vllm", "other")]
    assert spec.workload.kind == "prompt"
    assert build_spec(from_file(path, input_tokens=5)).workload.kind == "synthetic"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.json", "{", "--spec: .*a.json: "),
        ("a.json", "[1]", "must hold a spec"),
        ("a.json", "[" * 100_000, "--spec: "),
        ("a.yaml", "a: [", "--spec: .*not YAML"),
        ("a.yaml", "!!python/object/apply:os.system ['true']", "--spec: .*not YAML"),
        ("a.toml", "a = ", "--spec: "),
        ("a.txt", "x", "must end in .json, .yaml, .yml or .toml"),
        ("a.json", json.dumps(DOCUMENT | {"load": {"kind": "poisson", "rate": -1}}), "--spec: load.poisson.rate: "),
        ("a.json", json.dumps(DOCUMENT | {"speed": 3}), "--spec: speed: "),
        ("a.json", json.dumps(DOCUMENT | {"load": {"kind": "no"}}), "--spec: load: "),
        ("a.json", json.dumps(DOCUMENT | {"stop": 3}), "--spec: stop: "),
        ("a.json", json.dumps(DOCUMENT | {"targets": "x"}), "--model: give"),
        ("a.json", json.dumps(DOCUMENT | {"targets": [{"provider": "openai", "model": "m"}, {"a": 1}]}), "--spec: tar"),
    ],
)
def test_a_wrong_spec_file_says_what_is_wrong(tmp_path: Path, name: str, text: str, says: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UsageProblem, match=says):
        build_spec(from_file(path))


def test_targets_of_a_run_here_have_one_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    other = {"provider": "openai", "model": "m"}
    path.write_text(json.dumps(DOCUMENT | {"targets": [*DOCUMENT["targets"], other]}))  # type: ignore[misc]
    made = from_file(path)
    with pytest.raises(UsageProblem, match="one kind of provider, vllm, not openai"):
        endpoints_of(build_spec(made), build_endpoint(made))


def test_a_missing_spec_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"absent\.json: No such file"):
        from_file(tmp_path / "absent.json")
