import hashlib
import json
from typing import Any

import pytest

from app.benchmarks import bundles, planner
from app.benchmarks.bodies import body_of
from app.benchmarks.schemas import BenchmarkSpec
from app.loadgen.arrivals import offsets
from app.loadgen.plan import Endpoint
from tests.factories import make_spec

ENDPOINT = Endpoint(
    "openai-compatible", "https://user:secret@llm.example/v1?token=secret", "small", "sk-secret", {"X-Team": "secret"}
)
SYNTHETIC = {"kind": "synthetic", "input_tokens": 20, "output_tokens": 5}


def spec_with(**fields: Any) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(make_spec(name="n", seed=7, **fields))


def bundle_of(spec: BenchmarkSpec, endpoint: Endpoint = ENDPOINT, started: int | None = None) -> dict[str, Any]:
    made = bundles.make_bundle(
        spec, [endpoint] * len(spec.targets), program="p 1", started=[started] * len(spec.targets)
    )
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
    ],
)
def test_what_is_no_bundle_is_told(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"bundle|spec|target|endpoint"):
        bundles.check_bundle(bundle_of(spec_with()) | change)
