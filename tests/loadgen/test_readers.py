"""The two readers, directly on sockets: what they keep, when they say that somebody should look, what they leave."""

import random
import socket
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.loadgen import native
from app.loadgen.connection import RECORDS, TIMESPEC, Address, Connection
from app.loadgen.exchange import CHUNKED, COUNTED, END, Exchange
from app.loadgen.poller import READABLE, Poller, new_poller
from app.loadgen.reader import Reader, Seen
from tests.loadgen.servers import chunk

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"
needs_native = pytest.mark.skipif(not native.is_available(), reason="this checkout was installed without a C compiler")
KINDS = [pytest.param("native", marks=needs_native), "python"]


class Rig:
    """One open connection with a reader on our end; `peer` is the server's."""

    def __init__(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(native.CHOICE, kind)
        self.poller: Poller = new_poller()
        self.reader: Reader = native.new_reader(self.poller)
        listener = socket.create_server(("127.0.0.1", 0))
        self.connection = Connection(Address(socket.AF_INET, listener.getsockname()), None)
        self.peer, _ = listener.accept()
        listener.close()
        self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not self.connection.advance():
            pass
        self.poller.register(self.connection.fd, READABLE)
        self.exchange = self.attach()

    def attach(self) -> Exchange:
        exchange = Exchange(0, b"", 0)
        exchange.connection = self.connection
        self.reader.attach(exchange)
        return exchange

    def expect(self, mode: int, expected_bytes: int = 0) -> None:
        self.exchange.mode = mode
        self.exchange.expected_bytes = expected_bytes
        self.reader.update(self.exchange)

    def wait_for(self, size: int) -> list[Seen]:
        """Everything seen until so many bytes are there."""
        seen = []
        deadline = time.monotonic() + 10
        while len(self.exchange.buffer) < size:
            assert time.monotonic() < deadline
            one = self.reader.wait(0.05)
            if one is not None:
                seen.append(one)
        return seen

    def marks(self) -> list[tuple[int, int]]:
        """`(end, stamp)` of every read."""
        ends = [end for (end,) in END.iter_unpack(self.exchange.ends)]
        return list(zip(ends, [self.exchange.stamp_ns(number) for number in range(len(ends))], strict=True))

    def close(self) -> None:
        self.reader.detach(self.exchange)
        self.connection.close()
        self.peer.close()
        self.poller.close()


@pytest.fixture(params=KINDS)
def rig(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    made = Rig(request.param, monkeypatch)
    yield made
    made.close()


def test_keeps_bytes_ends_and_kernel_stamps(rig: Rig) -> None:
    began = time.time_ns()
    for number in range(1, 6):
        rig.peer.sendall(b"x" * 100)
        rig.wait_for(100 * number)
    marks = rig.marks()
    assert [end for end, _ in marks] == [100, 200, 300, 400, 500]
    assert began <= marks[0][1]
    assert all(before < after for (_, before), (_, after) in pairwise(marks))
    assert marks[-1][1] <= time.time_ns()
    assert not rig.exchange.user_stamps
    assert (rig.reader.reads, rig.reader.bytes_in) == (5, 500)


def test_every_read_is_worth_a_look_until_the_head_is_known(rig: Rig) -> None:
    rig.peer.sendall(b"HTTP/1.1 2")
    (seen,) = rig.wait_for(10)
    assert seen.look == [rig.exchange]
    assert (seen.lost, seen.rest) == ([], [])


def test_a_chunk_is_no_reason_to_look_but_the_end_is(rig: Rig) -> None:
    rig.peer.sendall(HEAD)
    rig.wait_for(len(HEAD))
    rig.expect(CHUNKED)
    rig.peer.sendall(chunk(b"hello"))
    size = len(HEAD) + len(chunk(b"hello"))
    assert not any(seen.look for seen in rig.wait_for(size))
    rig.peer.sendall(LAST)
    assert [seen.look for seen in rig.wait_for(size + len(LAST))] == [[rig.exchange]]
    assert bytes(rig.exchange.buffer) == HEAD + chunk(b"hello") + LAST


def test_a_counted_body_is_looked_at_when_it_is_complete(rig: Rig) -> None:
    rig.expect(COUNTED, 30)
    rig.peer.sendall(b"x" * 20)
    early = rig.wait_for(20)
    rig.peer.sendall(b"x" * 10)
    assert rig.wait_for(30)[-1].look == [rig.exchange]
    if rig.reader.kind == "native":  # the Python one leaves the count to `Wire.look`
        assert not any(seen.look for seen in early)


def test_says_who_hung_up_and_who_was_reset(rig: Rig) -> None:
    rig.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    rig.peer.close()
    seen = rig.reader.wait(30)
    assert seen is not None
    # A reset comes with an error mask, which is somebody else's to handle; an orderly end is readable and empty.
    assert [fd for fd, _ in seen.rest] == [rig.connection.fd] or seen.lost[0][0] is rig.exchange


def test_an_orderly_end_is_number_0(rig: Rig) -> None:
    rig.peer.sendall(b"abc")
    rig.wait_for(3)
    rig.peer.shutdown(socket.SHUT_WR)
    seen = rig.reader.wait(30)
    assert seen is not None
    assert seen.lost == [(rig.exchange, 0)]


def test_what_is_not_attached_is_only_reported(rig: Rig) -> None:
    rig.reader.detach(rig.exchange)
    rig.peer.sendall(b"abc")
    seen = rig.reader.wait(30)
    assert seen is not None
    assert (seen.look, seen.lost, seen.rest) == ([], [], [(rig.connection.fd, READABLE)])
    assert rig.exchange.buffer == b""


def test_nothing_is_none(rig: Rig) -> None:
    assert rig.reader.wait(0) is None
    assert rig.reader.wait(0.001) is None
    rig.reader.detach(rig.exchange)
    rig.reader.detach(rig.exchange)  # unknown ones are fine


def test_goes_on_after_what_is_decoded_was_dropped(rig: Rig) -> None:
    rig.peer.sendall(HEAD)
    rig.wait_for(len(HEAD))
    rig.expect(CHUNKED)
    for number in range(20):
        data = chunk(b"y" * (number + 1))
        rig.peer.sendall(data + data[: number % 4])
        rig.wait_for(len(data) + number % 4)
        rig.exchange.forget_decoded()
        rig.exchange.mode = CHUNKED
        rig.reader.update(rig.exchange)
        rig.peer.sendall(data[number % 4 :])
        rig.wait_for(len(data) - number % 4)
        rig.exchange.forget_decoded()
    rig.peer.sendall(b"z" * 1000)
    rig.wait_for(1000)
    assert bytes(rig.exchange.buffer) == b"z" * 1000


def test_lags_are_taken_once(rig: Rig) -> None:
    rig.peer.sendall(b"abc")
    rig.wait_for(3)
    lags = rig.reader.take_lags()
    assert lags.count == 1
    assert 0 < lags.percentile_ns(50) <= lags.max_ns < 10**10
    assert rig.reader.take_lags().count == 0


@needs_native
@pytest.mark.parametrize("words", [[b"same"] * 30, [b"w" * (1 + number * 7 % 11) for number in range(30)]])
def test_a_chunk_keeps_its_stamp_although_the_end_is_behind_it(
    words: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On loopback an unacknowledged segment is not merged with the next; its acknowledgement may come any time."""
    for _ in range(10):
        marks, last_chunk_ends, between = _last_chunk_and_end(words, monkeypatch)
        if marks[-2][0] == last_chunk_ends and marks[-2][1] < between < marks[-1][1]:
            return
    pytest.fail("the last chunk and the end of the stream always shared a stamp")


def _last_chunk_and_end(words: list[bytes], monkeypatch: pytest.MonkeyPatch) -> tuple[list[tuple[int, int]], int, int]:
    """Reads of a stream whose last chunk and end lie in the socket together; where and when that chunk ended."""
    rig = Rig("native", monkeypatch)
    rig.peer.sendall(HEAD)
    size = len(HEAD)
    rig.wait_for(size)
    rig.expect(CHUNKED)
    for word in words:
        size += _send_word(rig, word)
        rig.wait_for(size)
    size += _send_word(rig, b"x" * 11)
    between = time.time_ns()
    end = chunk(b"data: [DONE]\n\n") + LAST
    rig.peer.sendall(end)
    rig.wait_for(size + len(end))
    rig.close()
    return rig.marks(), size, between


def _send_word(rig: Rig, word: bytes) -> int:
    data = chunk(b'data: {"some": "frame around", "content": "' + word + b'"}\n\n')
    rig.peer.sendall(data)
    return len(data)


@needs_native
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    mode=st.sampled_from([CHUNKED, COUNTED, RECORDS]),
    pieces=st.lists(st.binary(min_size=1, max_size=400) | st.integers(1, 3000), min_size=1, max_size=20),
)
def test_bytes_are_never_lost_or_changed_whatever_they_are(seed: int, mode: int, pieces: list[Any]) -> None:
    """Chunks, half chunks and junk, in any mode: the native reader's cuts are about stamps, never about content."""
    rng = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        rig = Rig("native", patch)
        rig.peer.sendall(HEAD)
        rig.wait_for(len(HEAD))
        rig.expect(mode, 10**9)
        sent = bytearray(HEAD)
        for piece in pieces:
            data = piece if isinstance(piece, bytes) else chunk(b"c" * piece)
            cut = rng.randrange(len(data) + 1)
            for part in (data[:cut], data[cut:]):
                rig.peer.sendall(part)
                sent += part
                if rng.random() < 0.5:
                    rig.reader.wait(0)
        rig.wait_for(len(sent))
        marks = rig.marks()
        rig.close()
    assert rig.exchange.buffer == sent
    assert [end for end, _ in marks] == sorted({end for end, _ in marks})
    assert marks[-1][0] == len(sent)
    assert len(rig.exchange.stamps) == len(marks) * TIMESPEC.size
    assert [stamp for _, stamp in marks] == sorted(stamp for _, stamp in marks)


def test_a_wrong_choice_is_an_error_that_names_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(native.CHOICE, "rust")
    with pytest.raises(ValueError, match="LOADGEN_READER must be native or python, not 'rust'"):
        native.new_reader(new_poller())


def test_a_missing_native_reader_is_replaced_or_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_reader", None)
    monkeypatch.setenv(native.CHOICE, "")
    assert native.new_reader(new_poller()).kind == "python"
    monkeypatch.setenv(native.CHOICE, "native")
    with pytest.raises(ValueError, match="not built"):
        native.new_reader(new_poller())


def test_other_platforms_read_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(native.CHOICE, raising=False)
    poller = new_poller(portable=True)
    assert native.new_reader(poller).kind == "python"
    poller.close()
