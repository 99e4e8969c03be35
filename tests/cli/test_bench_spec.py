from pathlib import Path
from typing import Any

import pytest

from app.benchmarks.loads import ClosedLoad, ConstantLoad
from app.benchmarks.workloads import SyntheticPrompts
from app.cli.bench_spec import BenchOptions, build_endpoint, build_spec
from app.cli.usage import UsageProblem

DEFAULTS: dict[str, Any] = {
    "provider": "openai-compatible",
    "base_url": "http://127.0.0.1:9/v1",
    "model": "m",
    "name": None,
    "tag": [],
    "concurrency": None,
    "rate": None,
    "arrival": "poisson",
    "requests": 10,
    "duration": None,
    "warmup": None,
    "cooldown": None,
    "workers": 1,
    "seed": 0,
    "prompt": None,
    "dataset": None,
    "input_tokens": None,
    "output_tokens": None,
    "system": None,
    "max_tokens": None,
    "temperature": None,
    "top_p": None,
    "stream": True,
    "timeout": None,
    "max_attempts": 1,
    "slo_ttft_ms": None,
    "slo_tpot_ms": None,
    "slo_e2e_ms": None,
    "api_key_env": None,
    "header": [],
    "insecure": False,
    "ca_file": None,
    "output": None,
    "export": "jsonl",
    "save_responses": False,
    "save_gaps": False,
    "server": None,
    "api_key": None,
    "quiet": False,
    "as_json": False,
}


def options(**changed: Any) -> BenchOptions:
    return BenchOptions(**DEFAULTS | changed)


def test_defaults_are_one_user_and_synthetic_prompts() -> None:
    spec = build_spec(options())
    assert spec.load == ClosedLoad(concurrency=1)
    assert spec.workload == SyntheticPrompts(input_tokens=128, output_tokens=128)


def test_a_rate_makes_an_open_loop_capped_by_concurrency() -> None:
    load = build_spec(options(rate=5.0, arrival="constant", concurrency=32)).load
    assert isinstance(load, ConstantLoad)
    assert (load.kind, load.rate, load.max_in_flight) == ("constant", 5.0, 32)


def test_a_timeout_caps_every_phase() -> None:
    timeouts = build_spec(options(timeout=30.0)).timeouts
    assert timeouts.total_seconds == timeouts.first_token_seconds == timeouts.between_chunks_seconds == 30
    assert timeouts.connect_seconds == 10
    assert build_spec(options(timeout=900.0)).timeouts.total_seconds == 900


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"concurrency": 0}, "--concurrency: "),
        ({"rate": -1.0}, "--rate: "),
        ({"rate": 1.0, "concurrency": 10**6}, "--concurrency: "),
        ({"requests": 0}, "--requests: "),
        ({"requests": None}, "--requests, --duration"),
        ({"requests": None, "duration": -2.0}, "--duration: "),
        ({"warmup": -1.0}, "--warmup: "),
        ({"cooldown": 1e9}, "--cooldown: "),
        ({"workers": 0}, "--workers: "),
        ({"workers": 4, "concurrency": 2}, "--workers: "),
        ({"seed": -1}, "--seed: "),
        ({"prompt": ""}, "--prompt: "),
        ({"input_tokens": 0}, "--input-tokens: "),
        ({"output_tokens": 0}, "--output-tokens: "),
        ({"prompt": "a", "input_tokens": 5}, "exclude each other"),
        ({"temperature": 3.0}, "--temperature: "),
        ({"top_p": 0.0}, "--top-p: "),
        ({"max_tokens": 0}, "--max-tokens: "),
        ({"timeout": 0.0}, "--timeout: "),
        ({"max_attempts": 0}, "--max-attempts: "),
        ({"slo_ttft_ms": 0.0}, "--slo-ttft-ms: "),
        ({"slo_tpot_ms": 0.0}, "--slo-tpot-ms: "),
        ({"slo_e2e_ms": 0.0}, "--slo-e2e-ms: "),
        ({"model": ""}, "--model: "),
        ({"provider": "No such"}, "--provider: "),
        ({"name": " "}, "--name: "),
        ({"tag": [""]}, "--tag: "),
    ],
)
def test_a_wrong_value_names_its_option(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageProblem, match=named):
        build_spec(options(**changed))


def test_an_option_that_sets_several_fields_is_told_once() -> None:
    with pytest.raises(UsageProblem) as raised:
        build_spec(options(timeout=0.0))
    assert len(raised.value.messages) == 1


@pytest.mark.parametrize(
    ("length", "words"),
    [
        ("0", "Input should be greater than or equal to 1"),
        ("normal:512,-1", "Input should be greater than or equal to 0"),
        ("uniform:500-100", "minimum must not exceed maximum"),
    ],
)
def test_a_wrong_length_is_told_without_the_other_forms(length: str, words: str) -> None:
    with pytest.raises(UsageProblem) as raised:
        build_spec(options(input_tokens=length))
    assert raised.value.messages == [f"--input-tokens: {words}"]


def test_all_wrong_options_are_told_at_once() -> None:
    with pytest.raises(UsageProblem) as problem:
        build_spec(options(workers=0, temperature=9.0))
    assert len(problem.value.messages) == 2


def test_the_endpoint_takes_the_key_only_from_a_named_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert build_endpoint(options()).api_key is None
    endpoint = build_endpoint(options(api_key_env="OPENAI_API_KEY", header=["X-Team: a:b"], insecure=True))
    assert (endpoint.api_key, endpoint.headers, endpoint.verify_tls) == ("sk-secret", {"X-Team": "a:b"}, False)


def test_a_kind_knows_its_own_address() -> None:
    assert build_endpoint(options(provider="openai", base_url=None)).base_url == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"provider": "opnai"}, "--provider: unknown provider kind 'opnai'; known are openai"),
        ({"base_url": None}, "--base-url: "),
        ({"base_url": "127.0.0.1:9000"}, "--base-url: .*must start with http"),
        ({"base_url": "http:///v1"}, "--base-url: .*names no host"),
        ({"base_url": "http://127.0.0.1:99999/v1"}, "--base-url: .*Port out of range"),
        ({"base_url": "http://127.0.0.1:0/v1"}, "--base-url: .*has port 0"),
        ({"base_url": "http://127.0.0.1/v1\nx"}, "--base-url: .*control character"),
        ({"api_key_env": "LTB_NO_SUCH_VARIABLE"}, "--api-key-env: .*LTB_NO_SUCH_VARIABLE is not set"),
        ({"header": ["nonsense"]}, "--header: "),
        ({"header": ["Name: a\nb"]}, "--header: .*line break"),
        ({"ca_file": Path("absent.pem")}, "--ca-file: "),
    ],
)
def test_a_wrong_endpoint_names_its_option(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageProblem, match=named):
        build_endpoint(options(**changed))
