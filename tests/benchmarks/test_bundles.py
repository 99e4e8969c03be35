import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.benchmarks import bundles, planner, token_models
from app.benchmarks.bodies import body_of
from app.benchmarks.local import run_local
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.token_probe import Probed, with_tokens
from app.benchmarks.workload_facts import workload_facts
from app.loadgen.arrivals import offsets
from app.loadgen.plan import Endpoint, TokenModel
from tests.factories import make_spec
from tests.loadgen.servers import simulator

ENDPOINT = Endpoint(
    "openai-compatible", "https://user:secret@llm.example/v1?token=secret", "small", "sk-secret", {"X-Team": "secret"}
)
SYNTHETIC = {"kind": "synthetic", "input_tokens": 20, "output_tokens": 5}


def spec_with(**fields: Any) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(make_spec(name="n", seed=7, **fields))


def bundle_of(
    spec: BenchmarkSpec,
    endpoint: Endpoint = ENDPOINT,
    started: int | None = None,
    workload: dict[str, Any] | None = None,
) -> dict[str, Any]:
    count = len(spec.targets)
    made = bundles.make_bundle(spec, [endpoint] * count, program="p 1", started=[started] * count, workload=workload)
    decoded: dict[str, Any] = json.loads(bundles.encoded(made))
    return decoded


def test_it_holds_no_secret_and_is_always_the_same() -> None:
    spec = spec_with(workload=SYNTHETIC)
    assert b"secret" not in bundles.encoded(bundle_of(spec))
    assert bundle_of(spec) == bundle_of(spec)
    endpoint = bundle_of(spec)["targets"][0]["endpoint"]
    assert endpoint["base_url"] == "https://llm.example/v1"
    assert endpoint["header_names"] == ["X-Team"]
    assert endpoint["has_api_key"] is True


def test_the_whole_schedule_and_every_body_of_an_open_loop() -> None:
    spec = spec_with(workload=SYNTHETIC, load={"kind": "poisson", "rate": 50}, workers=3, stop={"requests": 40})
    part = bundle_of(spec)["targets"][0]
    plans = [planner.shard(spec, 0, ENDPOINT, shard=shard) for shard in range(3)]
    due = sorted(pair for plan in plans for pair in offsets(plan))
    assert part["schedule"]["offsets_ns"] == [at for _, at in due]
    body = body_of(plans[0])
    assert body is not None
    assert part["requests"]["sha256"] == [hashlib.sha256(body(number)).hexdigest() for number in range(40)]
    assert part["requests"]["distinct"] == 40


def test_a_given_prompt_is_hashed_once_and_a_closed_loop_has_no_schedule() -> None:
    part = bundle_of(spec_with())["targets"][0]
    assert part["schedule"]["kind"] == "closed"
    assert (part["requests"]["distinct"], part["requests"]["hashed"]) == (1, 1)


def test_the_same_program_makes_the_same_run() -> None:
    for load in ({"kind": "closed", "concurrency": 2}, {"kind": "constant", "rate": 20}):
        bundle = bundle_of(spec_with(workload=SYNTHETIC, load=load, stop={"duration_seconds": 2}), started=37)
        assert bundle["targets"][0]["requests"]["hashed"] == 37
        assert bundles.differences(bundles.check_bundle(bundle), "p 1") == []


def test_what_differs_is_named() -> None:
    bundle = bundle_of(spec_with(workload=SYNTHETIC, load={"kind": "poisson", "rate": 20}, stop={"requests": 9}))
    bundle["targets"][0]["requests"]["sha256"][3] = "0" * 64
    bundle["targets"][0]["requests"]["digest"] = "0" * 64
    bundle["spec"]["load"]["rate"] = 21
    schedule, body, program = bundles.differences(bundle, "p 2")
    assert "schedule differs" in schedule
    assert "request 3 differs" in body
    assert program == "the bundle was made by p 1, this is p 2"


def test_hashing_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MAX_HASHED_BYTES", 1_000)
    bundle = bundle_of(spec_with(workload=SYNTHETIC, stop={"requests": 50_000_000}))
    requests = bundle["targets"][0]["requests"]
    assert 0 < requests["hashed"] < 20
    assert requests["distinct"] == 50_000_000
    monkeypatch.setattr(bundles, "MAX_HASHED_BYTES", 2**26)
    assert bundles.differences(bundle, "p 1") == []


def test_a_provider_that_is_gone_leaves_the_bodies_out() -> None:
    assert "does not exist" in bundle_of(spec_with(), Endpoint("", "", "m"))["targets"][0]["requests"]["note"]


@pytest.mark.parametrize(
    "change",
    [
        {"format": "else"},
        {"version": 2},
        {"spec": {}},
        {"spec": None},
        {"targets": []},
        {"targets": [3]},
        {"targets": [{"endpoint": {"adapter": 3}}]},
        {"targets": [{"endpoint": {"adapter": "openai", "model": "m"}, "tokens": 3}]},
        {"targets": [{"endpoint": {"adapter": "openai", "model": "m"}, "tokens": {"words_per_token": 0}}]},
    ],
)
def test_what_is_no_bundle_is_told(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"bundle|spec|target|endpoint|words"):
        bundles.check_bundle(bundle_of(spec_with()) | change)


TURN = {"role": "user", "content": "hi"}
SENT = {
    "synthetic": {"kind": "synthetic", "input_tokens": {"kind": "lognormal", "mean": 40, "stdev": 20},
                  "output_tokens": {"kind": "uniform", "minimum": 2, "maximum": 9}},
    "shared prefixes": {"kind": "shared_prefix", "groups": 3, "prefix_tokens": 30, "uniqueness": 0.5,
                        "input_tokens": 12, "output_tokens": 3},
    "trace": {"kind": "trace", "block_tokens": 16, "requests": [
        {"input_tokens": 40, "output_tokens": 2, "blocks": [7, 8]}, {"input_tokens": 33, "output_tokens": 3}]},
    "one prompt": {"kind": "prompt", "prompt": "hi"},
    "prompts": {"kind": "list", "prompts": ["a", {"prompt": "b", "output_tokens": 4}, "c"]},
    "messages": {"kind": "list", "prompts": [{"messages": [TURN, {"role": "assistant", "content": "yes"}, TURN]}]},
    "made-up embeddings": {"kind": "embeddings", "input_tokens": 9, "batch_size": 3},
    "given embeddings": {"kind": "embeddings", "texts": ["a", "b", "c"], "batch_size": 2},
}  # fmt: skip


@pytest.mark.parametrize("kind", SENT)
async def test_bodies_are_those_that_the_engine_sends(kind: str, tmp_path: Path) -> None:
    """Also those whose length depends on what probes found."""
    log = tmp_path / "requests.jsonl"
    sampling = {"temperature": 0.5, "stop": ["x"], "system": "be brief"}
    spec = spec_with(
        workload=SENT[kind],
        load={"kind": "closed", "concurrency": 2},
        stop={"requests": 5},
        sampling={} if "embeddings" in kind else sampling,
    )
    options = ("--ttft-ms", "1", "--itl-ms", "0", "--tokens", "2", "--tokens-per-word", "1.3", "--overhead-tokens", "5")
    with simulator(*options, "--requests-log", str(log)) as port:
        endpoint = Endpoint("openai-compatible", f"http://127.0.0.1:{port}/v1", "m", "key")
        summary = await run_local(spec, endpoint)
    lines = log.read_text().splitlines()[summary["workload"]["probe_requests"] :]
    sent = sorted(json.dumps(json.loads(line)["body"], sort_keys=True) for line in lines)
    (tokens,) = token_models.of_targets(summary["workload"], 1)
    assert tokens.source == ("usage" if summary["workload"]["probe_requests"] else "assumed")
    body = body_of(with_tokens(planner.shard(spec, 0, endpoint), tokens))
    assert body is not None
    bodies = [body(number) for number in range(5)]
    assert sorted(json.dumps(json.loads(one), sort_keys=True) for one in bodies) == sent
    (part,) = bundle_of(spec, endpoint, workload=summary["workload"])["targets"]
    listed = part["requests"]["sha256"]
    assert listed == [hashlib.sha256(one).hexdigest() for one in bodies[: len(listed)]]
    assert len(listed) == part["requests"]["distinct"] == (5 if tokens.source == "usage" else len(set(bodies)))
    bundle = bundle_of(spec, endpoint, workload=summary["workload"])
    assert bundles.differences(bundles.check_bundle(bundle), "p 1") == []


def test_bodies_of_conversations_are_known_to_nobody_beforehand() -> None:
    workload = {"kind": "conversation", "turns": 2, "input_tokens": 9, "output_tokens": 3}
    bundle = bundle_of(spec_with(workload=workload, stop={"requests": 4}))
    assert bundle["targets"][0]["requests"] == {"note": "bodies of this workload depend on the answers before them"}
    assert bundles.differences(bundles.check_bundle(bundle), "p 1") == []


def test_what_a_kind_cannot_be_asked_is_told() -> None:
    spec = spec_with(workload={"kind": "embeddings", "texts": ["a"]})
    part = bundle_of(spec, Endpoint("anthropic", "https://llm.example", "m"))["targets"][0]
    assert "embeddings" in part["requests"]["note"]


def test_targets_have_the_words_per_token_of_their_own() -> None:
    models = [TokenModel(1.3, 4.0, "usage"), TokenModel(1 / 0.769230769231, 0.0, "usage")]
    probed = {index: Probed(model, 4) for index, model in enumerate(models)}
    targets = [{"provider": name, "model": "m"} for name in ("a", "b")]
    spec = spec_with(workload=SYNTHETIC, targets=targets)
    facts = workload_facts(spec.workload, probed)
    assert facts["by_target"]
    one, other = (part["tokens"] for part in bundle_of(spec, started=3, workload=facts)["targets"])
    assert (one["overhead_tokens"], other["overhead_tokens"]) == (4, 0)
    assert token_models.of_targets(facts, 2)[1] == models[1]


@given(words=st.floats(0.02, 20))
def test_a_measured_ratio_comes_back_as_the_same_number(words: float) -> None:
    model = TokenModel(1 / round(words, token_models.MEASURED_DIGITS), 3.0, "usage")
    assert token_models.understood(json.loads(json.dumps(token_models.told(model)))) == model
