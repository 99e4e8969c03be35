"""Servers that misbehave: every failure is a classified record, and no other stream's numbers suffer."""

import gzip
import json
import select
import socket
import ssl
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.loadgen import exchange
from app.loadgen.connection import Address, Connection
from app.loadgen.frames import ERROR_TYPES, Done, Record
from app.loadgen.plan import Endpoint, Limits
from tests.loadgen.runs import plan, run
from tests.loadgen.servers import STREAM_END, STREAM_HEAD, Reply, chunk, event, scripted_server, simulator

pytestmark = pytest.mark.usefixtures("both_readers")


def answers(data: bytes, *, close: bool = False, pieces: int = 1) -> Reply:
    def reply(connection: socket.socket, number: int) -> None:
        size = -(-len(data) // pieces) or 1
        for start in range(0, len(data), size):
            connection.sendall(data[start : start + size])
        if close:
            connection.close()

    return reply


def only(reply: Reply, **fields: object) -> Record:
    with scripted_server(reply) as port:
        result = run(plan(port, **fields))  # type: ignore[arg-type]
    assert isinstance(result.end, Done)
    (record,) = result.records
    return record


GOOD = STREAM_HEAD + chunk(event("a")) + chunk(event("b")) + chunk(event("", finish_reason="stop")) + STREAM_END
PLAIN = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


def plain(status: bytes, body: bytes) -> bytes:
    return PLAIN % (status, len(body), body)


@pytest.mark.parametrize(
    ("reply", "error_type", "words"),
    [
        (answers(b"", close=True), "disconnected", "no answer"),
        (answers(b"\x00\x01\x02 junk \xff\r\n\r\n", close=True), "protocol", "not HTTP"),
        (answers(b"HTTP/1.1 200 OK\r\nContent-Ty", close=True), "protocol", "in its head"),
        (answers(plain(b"500 Oops", b'{"error": {"message": "broken"}}')), "http_5xx", "broken"),
        (answers(plain(b"429 Slow", b'{"error": {"message": "slow down"}}')), "http_429", "slow down"),
        (answers(plain(b"404 Gone", b'{"detail": "no such model"}')), "http_4xx", "no such model"),
        (answers(b"HTTP/1.1 204 No Content\r\n\r\n"), "protocol", "status 204"),
        (answers(plain(b"307 Away", b"")), "http_3xx", "status 307"),
        (answers(plain(b"200 OK", b"<html>hello</html>")), "protocol", "not a chat completion"),
        (answers(STREAM_HEAD + chunk(event("a")), close=True), "truncated", "before the answer was finished"),
        (answers(STREAM_HEAD + b"zz\r\nnot a chunk size\r\n"), "protocol", "not HTTP"),
        (answers(STREAM_HEAD + chunk(event("a")) + b"0\r\n\r\n"), "truncated", "before the answer was finished"),
        (answers(STREAM_HEAD + b"0\r\n\r\n"), "empty", "without any output"),
        (
            answers(STREAM_HEAD + chunk(b'data: {"error": {"message": "overloaded"}}\n\n') + STREAM_END),
            "stream_error",
            "overl",
        ),
        (answers(STREAM_HEAD + chunk(b"data: \xff\xfe\xfd\n\n") + STREAM_END), "protocol", "not a chat completion"),
        (lambda connection, _: connection.recv(1), "timeout_first_token", "no first token within 0.5 s"),
        (answers(STREAM_HEAD + chunk(event("a"))), "timeout_between_chunks", "no further chunk within 0.5 s"),
    ],
)
def test_each_fault_has_its_class(reply: Reply, error_type: str, words: str) -> None:
    half_s = 500_000_000
    record = only(reply, limits=Limits(10 * half_s, half_s, half_s, 10 * half_s))
    assert (record.status, record.error_type) == ("error", error_type)
    assert error_type in ERROR_TYPES
    assert words in (record.error or "")
    assert 0 <= record.end_ns - record.started_ns < 3 * half_s
    assert record.started_ns > 0


@pytest.mark.parametrize(
    ("data", "pieces"),
    [
        (GOOD, 1),
        (GOOD, len(GOOD)),
        (GOOD.replace(b"0\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n"), 1),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD, 1),
        (
            STREAM_HEAD
            + chunk(b"data: " + event("a")[6:].replace(b"\n\n", b"\r\n\r\n"))
            + chunk(event("b"))
            + STREAM_END,
            3,
        ),
    ],
    ids=["plain", "byte by byte", "trailers", "100 Continue", "CRLF events"],
)
def test_odd_but_right_streams(data: bytes, pieces: int) -> None:
    with scripted_server(answers(data, pieces=pieces)) as port:
        records = run(plan(port, requests=3)).records
    assert [(record.status, record.error, record.response_text) for record in records] == [("ok", None, "ab")] * 3
    assert all(record.reused for record in records)


def test_a_stream_without_length_ends_with_its_connection() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    with scripted_server(answers(head + event("a") + event("b") + b"data: [DONE]\n\n", close=True)) as port:
        records = run(plan(port, requests=3)).records
    assert [(record.status, record.response_text) for record in records] == [("ok", "ab")] * 3


def test_compressed_answers_are_read() -> None:
    body = gzip.compress(json.dumps({"id": "z", "choices": [{"message": {"content": "hi"}}]}).encode())
    data = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    record = only(answers(data))
    assert (record.status, record.response_text) == ("ok", "hi")


def test_tens_of_megabytes() -> None:
    text = "x" * 10_000_000
    data = STREAM_HEAD + chunk(event(text)) * 3 + STREAM_END
    record = only(answers(data))
    assert (record.status, record.chunks, len(record.response_text or "")) == ("ok", 3, 30_000_000)


def test_events_merged_into_one_read_are_marked() -> None:
    record = only(answers(STREAM_HEAD + b"".join(chunk(event("a")) for _ in range(100)) + STREAM_END))
    assert (record.status, record.chunks) == ("ok", 100)
    assert record.coalesced_chunks >= 90


def test_a_server_that_hangs_up_after_each_answer() -> None:
    reply = answers(GOOD.replace(b"Transfer", b"Connection: close\r\nTransfer"), close=True)
    with scripted_server(reply) as port:
        records = run(plan(port, requests=6, concurrency=2)).records
    assert {record.status for record in records} == {"ok"}
    assert any(record.connect_ns > 0 and not record.reused for record in records)


def test_a_connection_that_closes_while_idle_costs_nothing() -> None:
    def reply(connection: socket.socket, number: int) -> None:
        if sys.platform == "linux":
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # answer and end leave together, …
        connection.sendall(GOOD)  # … although the answer promises to keep the connection
        connection.close()

    with scripted_server(reply) as port:
        records = run(plan(port, requests=20, concurrency=2)).records
    assert [(record.status, record.attempts) for record in records] == [("ok", 1)] * 20


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the time since the request tells")
@pytest.mark.parametrize("closes_first", [True, False])
def test_tcp_tells_whether_a_request_was_heard(closes_first: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        mine = Connection(Address(socket.AF_INET, server.getsockname()), None)
        theirs, _ = server.accept()
        select.select([], [mine.sock], [])
        assert mine.advance()
        if closes_first:
            theirs.close()
            mine.send(b"GET")
        else:
            mine.send(b"GET")
            assert theirs.recv(3) == b"GET"
            theirs.close()
        select.select([mine.sock], [], [])
        assert mine.sock.recv(1) == b""
        assert mine.closed_before_it_heard() == closes_first
        mine.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the time since the request tells")
def test_late_news_of_a_closed_connection_is_still_no_try() -> None:
    late = exchange.Exchange(0, b"", 0)
    late.reused, late.connection = True, Connection(Address(socket.AF_INET, ("127.0.0.1", 9)), None)
    late.fail("disconnected", "no answer")
    late.end_ns = 10**9
    assert not late.met_a_closing_connection()
    late.unheard = True
    assert late.met_a_closing_connection()
    late.connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the time since the request tells")
@pytest.mark.parametrize("reads_it", [False, True])
def test_a_slow_close_that_left_the_request_unread_is_no_try(reads_it: bool) -> None:
    """As many servers close: `shutdown`, which ends the stream, and then `close`, which resets it if data is unread."""

    def reply(connection: socket.socket, number: int) -> None:
        connection.sendall(GOOD)
        select.select([connection], [], [])  # the next request is here, and acknowledged
        time.sleep(0.2)  # much longer than a round trip
        if reads_it:
            connection.recv(65536)
        connection.shutdown(socket.SHUT_RDWR)
        time.sleep(0.01)  # a busy server is put aside between the two
        connection.close()

    with scripted_server(reply) as port:
        records = run(plan(port, requests=4)).records
    if not reads_it:
        assert [(record.status, record.attempts) for record in records] == [("ok", 1)] * 4
        return
    assert [record.error_type for record in records] == [None, "disconnected"] * 2, "it took it and gave no answer"
    lost = records[1]
    assert (lost.end_ns - lost.started_ns) / 1e6 >= 150, "the server took its time"


def test_a_close_right_after_an_answer_is_no_try_even_if_what_came_was_thrown_away() -> None:
    """As cpp-httplib 0.58 closes: it ends its side, and reads only to throw away, so that TCP has nothing to tell."""

    def reply(connection: socket.socket, number: int) -> None:
        connection.sendall(GOOD)
        select.select([connection], [], [])
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with scripted_server(reply) as port:
        records = run(plan(port, requests=6)).records
    assert [(record.status, record.attempts) for record in records] == [("ok", 1)] * 6


def test_a_server_that_hangs_up_later_has_failed() -> None:
    def reply(connection: socket.socket, number: int) -> None:
        select.select([connection], [], [], 0.2)  # nothing comes: the client waits for its answer
        connection.close()

    with scripted_server(reply) as port:
        records = run(plan(port, requests=2)).records
    assert [record.error_type for record in records] == ["disconnected"] * 2


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    result = run(plan(port, requests=8, concurrency=2))
    assert {(record.error_type, record.error) for record in result.records} == {("connect", "Connection refused")}
    assert len(result.records) == 8


def test_an_unknown_host() -> None:
    unknown = Endpoint("openai", "http://no-such-host.invalid/v1", "m")
    records = run(plan(1, requests=3, endpoint=unknown)).records
    assert {(record.status, record.error_type) for record in records} == {("error", "dns")}


def test_a_retry_waits_and_is_recorded_as_an_attempt() -> None:
    def reply(connection: socket.socket, number: int) -> None:
        busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 0.2\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(busy if number == 0 else GOOD)

    record = only(reply, limits=Limits(max_attempts=3))
    assert (record.status, record.attempts, record.response_text) == ("ok", 2, "ab")
    assert (record.started_ns - record.intended_ns) / 1e6 >= 200


def test_attempts_run_out() -> None:
    record = only(answers(plain(b"500 Oops", b"{}")), limits=Limits(max_attempts=3, base_delay_ns=1000))
    assert (record.status, record.error_type, record.attempts) == ("error", "http_5xx", 3)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cuts=st.lists(st.integers(1, len(GOOD) - 1), max_size=12, unique=True))
def test_segments_split_anywhere(cuts: list[int]) -> None:
    bounds = [0, *sorted(cuts), len(GOOD)]

    def reply(connection: socket.socket, number: int) -> None:
        for start, end in pairwise(bounds):
            connection.sendall(GOOD[start:end])

    with scripted_server(reply) as port:
        records = run(plan(port, requests=4, concurrency=2)).records
    assert [(record.status, record.response_text, record.chunks) for record in records] == [("ok", "ab", 2)] * 4


def test_a_bad_stream_does_not_touch_its_neighbours() -> None:
    with simulator("--ttft-ms", "20", "--itl-ms", "1", "--tokens", "10", "--error-rate", "0.5",
                   "--errors", "http_500,http_429,http_400,stream_error,truncate,reset,junk") as port:  # fmt: skip
        records = run(plan(port, requests=200, concurrency=16)).records
    assert sorted(record.index for record in records) == list(range(200))
    good = [record for record in records if record.status == "ok"]
    assert 60 < len(good) < 140
    assert {(record.chunks, record.visible_output_tokens) for record in good} == {(10, 10)}
    kinds = {record.error_type for record in records if record.status == "error"}
    assert kinds == {"http_5xx", "http_429", "http_4xx", "stream_error", "truncated", "disconnected", "protocol"}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls_server(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_tls(authority: trustme.CA, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    with scripted_server(answers(GOOD, pieces=7), tls_server(authority, "127.0.0.1")) as port:
        trusted = Endpoint("openai", f"https://127.0.0.1:{port}/v1", "m", ca_file=str(ca_file))
        good = run(plan(port, requests=6, concurrency=2, endpoint=trusted)).records
        untrusted = run(plan(port, scheme="https")).records
        unchecked = Endpoint("openai", f"https://127.0.0.1:{port}/v1", "m", verify_tls=False)
        lenient = run(plan(port, endpoint=unchecked)).records
    assert [(one.status, one.error, one.response_text, one.clock) for one in good] == [("ok", None, "ab", "kernel")] * 6
    assert [(one.status, one.error_type) for one in untrusted] == [("error", "tls")]
    assert "certificate" in (untrusted[0].error or "")
    assert lenient[0].status == "ok"


def test_a_certificate_for_another_name(authority: trustme.CA, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    with scripted_server(answers(GOOD), tls_server(authority, "elsewhere.example")) as port:
        endpoint = Endpoint("openai", f"https://127.0.0.1:{port}/v1", "m", ca_file=str(ca_file))
        (record,) = run(plan(port, endpoint=endpoint)).records
    assert record.error_type == "tls"
    assert "127.0.0.1" in (record.error or "")


def test_tls_to_a_server_that_speaks_none() -> None:
    with scripted_server(answers(GOOD)) as port:
        (record,) = run(plan(port, scheme="https")).records
    assert record.error_type in {"tls", "timeout_connect"}
