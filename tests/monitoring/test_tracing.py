"""Traces of real runs, as a real OTLP receiver gets them."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.benchmarks.local import run_local
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.results_service import ResultFilters
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.supervisor import engine_process
from app.core import tracing
from app.core.settings import load_settings
from app.loadgen.plan import Endpoint
from app.loadgen.trace_context import execution_span_id
from app.monitoring.tracing import Tracer, new_tracer
from tests.benchmarks.conftest import FakeProviders, Hosting, fake_engine, hosting
from tests.benchmarks.test_trace_propagation import PARENT, TRACE_ID, Target, target
from tests.cli.command import run
from tests.cli.conftest import simulator
from tests.factories import make_spec
from tests.monitoring.otlp_receiver import Received, Receiver, receiving
from tests.service import running_service, service_settings

__all__ = ["fake_engine", "hosting", "simulator", "target"]

CLIENT, INTERNAL, SERVER = 3, 1, 2
OK, ERROR = 1, 2


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def tracer_of(receiver: Receiver, **telemetry: Any) -> Tracer:
    found = new_tracer(load_settings(telemetry={"traces_endpoint": receiver.url, **telemetry}), "test")
    assert found is not None
    return found


async def test_a_served_benchmark_is_one_trace(hosting: Hosting, target: Target, receiver: Receiver) -> None:
    tracer = tracer_of(receiver, resource_attributes={"deployment.environment.name": "lab"})
    token = tracing.current_trace.set(tracing.begin(PARENT))
    try:
        async with hosting(FakeProviders({"local": target.base_url}), engine_process, spans=tracer) as bench:
            session_id = await bench.submit(
                name="nightly",
                tags=["a"],
                load={"kind": "closed", "concurrency": 2},
                stop={"requests": 7},
                workers=2,
                sampling={"stream": False, "max_tokens": 5, "temperature": 0.5, "stop": ["x"]},
                propagate_trace=True,
            )
            benchmark = await bench.ended(session_id)
            items = (await bench.service.results.list(bench.caller, ResultFilters(session_id), limit=10)).items
    finally:
        tracing.current_trace.reset(token)
        await asyncio.to_thread(tracer.close)
    (execution,) = receiver.named("benchmark_execution")
    calls = receiver.named("provider_call")
    assert len(receiver.spans) == 8
    assert {span.trace_id for span in receiver.spans} == {TRACE_ID}
    assert (execution.parent_id, execution.kind, execution.status) == ("00f067aa0ba902b7", INTERNAL, OK)
    assert execution.attributes["llm_test_bench.benchmark.id"] == session_id.hex
    assert execution.attributes["llm_test_bench.benchmark.name"] == "nightly"
    assert execution.attributes["llm_test_bench.requests.ok"] == 7
    assert execution.attributes["llm_test_bench.tags"] == ["a"]
    assert benchmark.started_at is not None
    assert benchmark.finished_at is not None
    assert abs(execution.start_ns / 1e9 - benchmark.started_at.timestamp()) < 1e-5
    assert abs(execution.end_ns / 1e9 - benchmark.finished_at.timestamp()) < 1e-5

    assert {call.parent_id for call in calls} == {execution.span_id}
    assert sorted(str(parent).split("-")[2] for parent in target.parents) == sorted(call.span_id for call in calls)
    by_index = {call.attributes["llm_test_bench.index"]: call for call in calls}
    assert {call.attributes["llm_test_bench.shard"] for call in calls} == {0, 1}
    for item in items:
        call = by_index.pop(item.index)
        assert call.span_id == item.metadata["span_id"]
        assert (call.start_ns, call.end_ns) == (item.started_ns, item.end_ns)
        assert dict(call.events) == {"first_byte": item.first_byte_ns} | (
            {"first_token": item.first_token_ns, "last_token": item.last_token_ns} if item.first_token_ns else {}
        )
        check_call(call, target.base_url)
    assert not by_index
    (resource,) = map(dict, {tuple(sorted(one.items())) for one in receiver.resources})
    assert resource["service.name"] == "llm-test-bench"
    assert resource["deployment.environment.name"] == "lab"


def check_call(call: Received, base_url: str) -> None:
    assert (call.kind, call.status) == (CLIENT, 0)
    attributes = call.attributes
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "small",
        "gen_ai.request.max_tokens": 5,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.stop_sequences": ["x"],
        "gen_ai.response.id": "r",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 1,
        "gen_ai.usage.output_tokens": 1,
        "server.address": "127.0.0.1",
        "server.port": int(base_url.split(":")[2].split("/", maxsplit=1)[0]),
        "http.response.status_code": 200,
        "llm_test_bench.provider": "local",
    }
    assert {name: attributes.get(name) for name in expected} == expected
    assert "gen_ai.request.stream" not in attributes
    assert "error.type" not in attributes
    assert "Say hello." not in json.dumps(attributes)


@pytest.mark.parametrize("ratio", [0, 0.1, 1])
async def test_sampling_leaves_out_calls_and_says_so_to_the_provider(
    target: Target, receiver: Receiver, ratio: float
) -> None:
    settings = load_settings(telemetry={"traces_endpoint": receiver.url, "sample_ratio": ratio})
    tracer = new_tracer(settings, "test")
    results: list[MeasuredResult] = []
    spec = BenchmarkSpec.model_validate(
        make_spec(stop={"requests": 80}, sampling={"stream": False}, propagate_trace=True)
    )
    await run_local(
        spec,
        Endpoint("openai-compatible", target.base_url, "small"),
        on_results=results.extend,
        spans=tracer,
    )
    if tracer is None:
        assert ratio == 0
        assert not receiver.asked
        return
    await asyncio.to_thread(tracer.close)
    calls = receiver.named("provider_call")
    assert len(receiver.named("benchmark_execution")) == 1
    assert len(calls) == 80 if ratio == 1 else len(calls) < 40
    assert len({result.metadata["span_id"] for result in results}) == 80
    flags = {str(parent).split("-")[2]: str(parent).split("-")[3] for parent in target.parents}
    assert {span for span, flag in flags.items() if flag == "01"} == {call.span_id for call in calls}


async def test_runs_of_one_trace_share_no_span(
    target: Target, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", PARENT)
    tracer = tracer_of(receiver)
    spec = BenchmarkSpec.model_validate(make_spec(stop={"requests": 3}, sampling={"stream": False}))
    for _ in range(2):
        await run_local(spec, Endpoint("openai-compatible", target.base_url, "small"), spans=tracer)
    await asyncio.to_thread(tracer.close)
    assert len({span.span_id for span in receiver.spans}) == len(receiver.spans) == 8
    assert {span.trace_id for span in receiver.spans} == {TRACE_ID}
    first, second = receiver.named("benchmark_execution")
    assert first.parent_id == second.parent_id == "00f067aa0ba902b7"
    assert {call.parent_id for call in receiver.named("provider_call")} == {first.span_id, second.span_id}
    assert target.parents == [None] * 6  # they are sent only when a spec says so


async def test_failures_name_their_class_and_quote_nobody(receiver: Receiver) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        said = b'{"error":{"message":"no: Say hello."}}'
        writer.write(b"HTTP/1.1 429 No\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    tracer = tracer_of(receiver)
    spec = BenchmarkSpec.model_validate(
        make_spec(
            stop={"requests": 2},
            retry={"max_attempts": 2, "base_delay_ms": 1},
            load={"kind": "closed", "concurrency": 1},
        )
    )
    results: list[MeasuredResult] = []
    await run_local(spec, Endpoint("anthropic", url, "small"), spans=tracer, on_results=results.extend)
    server.close()
    await asyncio.to_thread(tracer.close)
    calls = receiver.named("provider_call")
    assert len(calls) == 2
    for call, result in zip(calls, results, strict=True):
        assert (call.status, call.message) == (ERROR, "http_429")
        assert call.attributes["error.type"] == "http_429"
        assert call.attributes["http.response.status_code"] == 429
        assert call.attributes["http.request.resend_count"] == 1
        assert call.attributes["gen_ai.provider.name"] == "anthropic"
        assert call.start_ns == result.intended_ns  # the span covers both tries
        assert ("last_try", result.started_ns) in call.events
        assert "hello" not in str(call)
    (execution,) = receiver.named("benchmark_execution")
    assert execution.attributes["llm_test_bench.requests.failed"] == 2
    assert execution.status == OK  # it did what it was asked to


def test_the_command_line_exports_and_says_so(receiver: Receiver, simulator: str, tmp_path: Path) -> None:
    done = run(
        *("bench", "--base-url", simulator, "--model", "m", "--requests", "20", "--concurrency", "4", "--quiet"),
        *("--propagate-trace", "--output", "out"),
        cwd=tmp_path,
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url.removesuffix("/v1/traces"),
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20t",
            "OTEL_SERVICE_NAME": "nightly",
            "TRACEPARENT": PARENT,
        },
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    calls = {call.attributes["llm_test_bench.index"]: call for call in receiver.named("provider_call")}
    assert len(calls) == 20
    (execution,) = receiver.named("benchmark_execution")
    assert execution.parent_id == "00f067aa0ba902b7"
    for row in rows:
        call = calls[row["index"]]
        assert call.parent_id == execution.span_id
        assert (call.start_ns, call.end_ns) == (row["started_ns"], row["end_ns"])
        assert call.attributes["gen_ai.request.stream"] is True
        assert call.attributes["gen_ai.response.model"] == "m"
        assert call.attributes["gen_ai.response.time_to_first_chunk"] == pytest.approx(row["ttft_ms"] / 1000)
        assert execution.start_ns <= call.start_ns <= call.end_ns <= execution.end_ns
    assert receiver.headers[0]["authorization"] == "Bearer t"
    assert receiver.resources[0]["service.name"] == "nightly"
    assert f"Trace {TRACE_ID}: 21 spans sent" in done.stdout + done.stderr


async def test_the_server_exports_requests_too_and_links_to_traces(
    sqlite_settings: Any, receiver: Receiver, target: Target
) -> None:
    settings = service_settings(
        sqlite_settings,
        telemetry={
            "traces_endpoint": receiver.url,
            "server_spans": True,
            "trace_url": "https://traces.example/{trace_id}?span={span_id}",
        },
    )
    async with running_service(settings) as service:
        admin = await service.admin()
        provider = {"name": "local", "kind": "openai-compatible", "base_url": target.base_url}
        assert (await admin.post("/api/v1/providers", json=provider)).status_code == 201
        spec = make_spec(stop={"requests": 2}, sampling={"stream": False})
        made = await admin.post("/api/v1/benchmarks", json=spec, headers={"traceparent": PARENT})
        path = f"/api/v1/benchmarks/{made.json()['id']}"
        for _ in range(200):
            found = (await admin.get(path)).json()
            if found["status"] == "completed":
                break
            await asyncio.sleep(0.05)
        request = (await admin.get(f"{path}/requests/1")).json()
        metrics = (await admin.get("/metrics")).text
    own = execution_span_id(TRACE_ID, made.json()["id"].replace("-", ""))
    assert found["trace_url"] == made.json()["trace_url"] == f"https://traces.example/{TRACE_ID}?span={own}"
    assert request["trace_url"] == f"https://traces.example/{TRACE_ID}?span={request['metadata']['span_id']}"
    (posted,) = receiver.named("POST /api/v1/benchmarks")
    assert (posted.trace_id, posted.parent_id, posted.kind) == (TRACE_ID, "00f067aa0ba902b7", SERVER)
    assert posted.span_id == made.headers["traceparent"].split("-")[2]
    assert posted.attributes["http.response.status_code"] == 202
    (execution,) = receiver.named("benchmark_execution")
    assert (execution.span_id, execution.parent_id) == (own, posted.span_id)
    assert posted.start_ns <= execution.start_ns
    assert len(receiver.named("provider_call")) == 2
    assert 'llm_trace_spans_total{outcome="exported"}' in metrics
    assert 'llm_trace_spans_total{outcome="queue_full"} 0' in metrics
