"""The trace of a submitted benchmark reaches its results, and on demand what is measured."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from app.benchmarks.local import run_local
from app.benchmarks.measures import MeasuredResult
from app.benchmarks.results_service import ResultFilters
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.supervisor import engine_process
from app.core import tracing
from app.loadgen.plan import Endpoint
from tests.benchmarks.conftest import FakeProviders, Hosting
from tests.factories import make_spec

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-00"
ANSWER = (
    b'{"id":"r","choices":[{"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":1,"completion_tokens":1}}'
)


class Target:
    """An endpoint that answers everything and remembers each `traceparent`."""

    def __init__(self) -> None:
        self.parents: list[str | None] = []
        self.base_url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                found = re.findall(rb"(?i)\r\ntraceparent: ([^\r]*)", head)
                assert len(found) <= 1
                self.parents.append(found[0].decode() if found else None)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                    % (len(ANSWER), ANSWER)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    found = Target()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    yield found
    server.close()


CONVERSATION = {"kind": "conversation", "turns": 2, "input_tokens": 5, "output_tokens": 5, "words_per_token": 1}


async def test_each_request_has_a_span_of_the_benchmarks_trace(hosting: Hosting, target: Target) -> None:
    token = tracing.current_trace.set(tracing.begin(PARENT))
    try:
        async with hosting(FakeProviders({"local": target.base_url}), engine_process) as bench:
            session_id = await bench.submit(
                load={"kind": "closed", "concurrency": 2},
                stop={"requests": 6},
                workers=2,
                sampling={"stream": False},
                propagate_trace=True,
            )
            benchmark = await bench.ended(session_id)
            items = (await bench.service.results.list(bench.caller, ResultFilters(session_id), limit=10)).items
            quiet = await bench.submit(stop={"requests": 1}, sampling={"stream": False})
            await bench.ended(quiet)
            unsent = (await bench.service.results.list(bench.caller, ResultFilters(quiet), limit=10)).items
    finally:
        tracing.current_trace.reset(token)
    assert (benchmark.status, benchmark.trace_id) == ("completed", TRACE_ID)
    *sent, last = target.parents
    assert sorted(f"00-{item.trace_id}-{item.metadata['span_id']}-01" for item in items) == sorted(map(str, sent))
    assert len(set(sent)) == len(items) == 6
    assert all(tracing.parse(str(parent)) for parent in sent)
    assert last is None
    assert unsent[0].trace_id == TRACE_ID
    assert "span_id" not in unsent[0].metadata


async def test_a_local_run_goes_on_with_the_trace_of_its_environment(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", PARENT)
    results: list[MeasuredResult] = []
    summary = await run_local(
        BenchmarkSpec.model_validate(
            make_spec(
                workload=CONVERSATION,
                load={"kind": "closed", "concurrency": 2},
                stop={"requests": 4},
                sampling={"stream": False},
                propagate_trace=True,
            )
        ),
        Endpoint("openai-compatible", target.base_url, "m", headers={"Traceparent": "the provider's own"}),
        on_results=results.extend,
    )
    assert summary["error"] is None
    sent = [parent for parent in target.parents if parent != "the provider's own"]  # that of probes, if any
    assert sorted(map(str, sent)) == sorted(f"00-{TRACE_ID}-{result.metadata['span_id']}-01" for result in results)
    assert len(set(sent)) == 4
