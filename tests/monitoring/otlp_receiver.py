"""A collector for tests: takes traces by OTLP over HTTP, decodes them with the protocol's own classes, keeps them."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass
class Received:
    """One span, as plain values."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    events: list[tuple[str, int]]
    status: int
    message: str
    flags: int


@dataclass
class Answer:
    """What the collector says; `wait` makes it slow."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    wait: threading.Event | None = None


class Receiver:
    """`answers` are given in turn, then 200 for ever (`usual`)."""

    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.resources: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[Answer] = []
        self.usual = Answer()
        self.asked = 0
        self.url = ""
        self._news = threading.Condition()

    def named(self, name: str) -> list[Received]:
        return [span for span in self.spans if span.name == name]

    def until_asked(self, number: int, seconds: float = 30) -> None:
        with self._news:
            assert self._news.wait_for(lambda: self.asked >= number, seconds), f"{self.asked} requests came"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        assert path == "/v1/traces"
        assert headers["content-type"] == "application/x-protobuf"
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        answer = self.answers.pop(0) if self.answers else self.usual
        if answer.status == 200:
            self._keep(body)
        self.headers.append(headers)
        with self._news:
            self.asked += 1
            self._news.notify_all()
        if answer.wait is not None:
            answer.wait.wait(30)
        return answer

    def _keep(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            self.resources.append(_values(resource.resource.attributes))
            for scope in resource.scope_spans:
                assert scope.scope.name == "llm-test-bench"
                self.spans += [_received(span) for span in scope.spans]


def _received(span: Any) -> Received:
    return Received(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        _values(span.attributes),
        [(event.name, event.time_unix_nano) for event in span.events],
        span.status.code,
        span.status.message,
        span.flags,
    )


def _values(attributes: Any) -> dict[str, Any]:
    found = {pair.key: _value(pair.value) for pair in attributes}
    assert len(found) == len(attributes), "an attribute is there twice"
    return found


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_value(one) for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def partial(rejected: int, message: str) -> bytes:
    """The body of an answer that takes some spans only."""
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = rejected
    answer.partial_success.error_message = message
    return bytes(answer.SerializeToString())


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A collector on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = receiver.take(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        if receiver.usual.wait is not None:
            receiver.usual.wait.set()
        server.shutdown()
        server.server_close()
        thread.join()
