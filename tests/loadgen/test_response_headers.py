import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.loadgen.plan import Endpoint
from app.loadgen.response_headers import (
    MAX_CHARACTERS,
    MAX_HEADERS,
    MAX_VALUE_CHARACTERS,
    REDACTED,
    kept_headers,
)
from tests.loadgen.runs import plan, run

KEY = "not-a-known-shape-of-a-key"


def kept(*pairs: tuple[str, str]) -> dict[str, str]:
    return kept_headers([(name.encode(), value.encode("latin-1")) for name, value in pairs], KEY)


def test_headers_are_kept_in_order_under_lower_case_names_and_joined() -> None:
    found = kept(("Content-Type", "text/event-stream"), ("Via", " one "), ("X-Request-Id", "r-1"), ("via", "two"))
    assert list(found.items()) == [
        ("content-type", "text/event-stream"),
        ("via", "one, two"),
        ("x-request-id", "r-1"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("Set-Cookie", "set-cookie2", "Authorization", "Proxy-Authorization", "X-Api-Key", "api-key", "x-auth-token"),
        *("Ocp-Apim-Subscription-Key", "x-functions-key", "apikey"),
        *(
            "X-Amz-Security-Token",
            "x-csrf-token",
            "x-session-id",
            "authentication-info",
            "x-client-secret",
            "signature",
        ),
    ],
)
def test_secrets_by_name(name: str) -> None:
    assert kept((name, "a"), (name, "b")) == {name.lower(): REDACTED}


@pytest.mark.parametrize(
    "name",
    [
        "x-ratelimit-remaining-tokens",
        "anthropic-ratelimit-tokens-limit",
        "x-amzn-bedrock-input-token-count",
        "etag",
        "x-cache-key",
    ],
)
def test_counts_of_tokens_are_no_secrets(name: str) -> None:
    assert kept((name, "12")) == {name: "12"}


def test_secrets_by_value() -> None:
    assert kept(
        ("x-echo", f"you sent {KEY}"),
        ("x-debug", "authorization was Bearer abcdefgh12345678, ok"),
        ("location", "https://files.example/a?X-Signature=abc&b=1"),
        ("www-authenticate", 'Bearer realm="api"'),
    ) == {
        "x-echo": REDACTED,
        "x-debug": f"authorization was {REDACTED}, ok",
        "location": f"https://files.example/a?{REDACTED}",
        "www-authenticate": 'Bearer realm="api"',
    }


def test_what_is_kept_is_bounded() -> None:
    long = kept(("x-long", "v" * 5_000))["x-long"]
    assert (len(long), long[-1]) == (MAX_VALUE_CHARACTERS, "…")
    assert len(kept(*((f"x-{number}", "v") for number in range(500)))) == MAX_HEADERS
    many = kept(*((f"x-{number}", "v" * 400) for number in range(60)), *(("x-0", "w" * 400),) * 50)
    assert sum(len(name) + len(value) for name, value in many.items()) <= MAX_CHARACTERS


class _Refusing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(503)
        for name, value in (
            ("X-Request-Id", "r-7"),
            ("Set-Cookie", "sid=1"),
            ("X-Sent", self.headers["authorization"]),
        ):
            self.send_header(name, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def refusing() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_an_engine_keeps_those_of_failed_requests() -> None:
    with refusing() as port:
        endpoint = Endpoint("openai", f"http://127.0.0.1:{port}/v1", "m", api_key=KEY)
        records = run(plan(port, requests=3, endpoint=endpoint, save_responses=False)).records
    for record in records:
        assert record.status == "error"
        assert record.response_headers["x-request-id"] == "r-7"
        assert record.response_headers["set-cookie"] == record.response_headers["x-sent"] == REDACTED
        assert KEY not in str(record.response_headers)
