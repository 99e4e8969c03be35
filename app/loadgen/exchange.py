"""One request and its response on the wire: the bytes as they came, the stamp of every read, and what is made of them.

Bytes lie in one growing buffer and stamps in another, 16 bytes a read, because a tuple and two objects for each of
100,000 chunks a second would cost more memory and time than the measurement itself.
"""

from array import array
from collections.abc import Callable
from itertools import pairwise
from operator import sub
from struct import Struct
from typing import Any

import httptools

from app.loadgen.connection import TIMESPEC, Connection
from app.loadgen.frames import CENSORED, Record
from app.loadgen.http1 import BodyReader, HeaderList, ReplyDecoder, header

# How `Exchange.mode` says when to look whether the response is complete.
ALWAYS, CHUNKED, COUNTED, UNTIL_CLOSE = range(4)
# A server that closes after an answer, or an idle connection, decides so without knowing of the request that is on its
# way; a busy one is put aside between the two. llama.cpp's server (cpp-httplib 0.58, which promises `Keep-Alive`, then
# shuts its side and reads what comes only to throw it away) was up to 5 ms late on two cores with seven busy threads.
_CLOSING_NS = 20_000_000
CHUNKED_END = b"\r\n\r\n"
END = Struct("=q")

NewDecoder = Callable[[int, str], ReplyDecoder]
"""`(status, content type)` → a decoder for one response."""

ServerTimings = Callable[[HeaderList, bytes], dict[str, float]]
"""`(response headers, what the decoder kept of the body)` → milliseconds that the server reports, by name."""


RateLimits = Callable[[HeaderList, float], dict[str, dict[str, float]]]
"""`(response headers, Unix seconds now)` → the server's rate limits, by name."""


def no_limits(_headers: HeaderList, _now: float) -> dict[str, dict[str, float]]:
    """For servers that tell of none."""
    return {}


def no_timings(_headers: HeaderList, _body: bytes) -> dict[str, float]:
    """For wire formats that report none."""
    return {}


class Exchange:
    """One try of one request. Created when it is due, filled by the session, turned into a `Record` at the end."""

    __slots__ = (
        "attempts",
        "begun_ns",
        "buffer",
        "clock_stepped",
        "connection",
        "decoder",
        "dns_ns",
        "doubted",
        "due_ns",
        "end_ns",
        "ends",
        "error",
        "error_type",
        "expected_bytes",
        "first_ns",
        "framed",
        "fresh",
        "headers",
        "index",
        "intended_ns",
        "is_chunked",
        "last_ns",
        "message",
        "mode",
        "position",
        "reader",
        "reused",
        "stamps",
        "started_ns",
        "status",
        "unheard",
        "user_stamps",
    )

    def __init__(self, index: int, message: bytes, intended_ns: int) -> None:
        self.index = index
        self.message = message
        self.intended_ns = intended_ns
        self.due_ns = intended_ns  # of this try; `intended_ns` stays that of the first
        self.attempts = 1
        self.clock_stepped = False
        self.fresh = False  # must have a connection of its own
        self._clear()

    def again(self, due_ns: int) -> None:
        """Make it a further try of the same request."""
        self.release()
        self.attempts += 1
        self.due_ns = due_ns
        self._clear()

    def _clear(self) -> None:
        self.connection: Connection | None = None
        self.begun_ns = 0  # monotonic
        self.started_ns = 0
        self.end_ns = 0
        self.dns_ns = 0
        self.reused = False
        self.unheard = False  # the server surely never took the request
        self.doubted = False  # ended without an answer; a reset may follow, which says that it was not heard
        self.user_stamps = False  # some read came without a kernel stamp
        self.mode = ALWAYS
        self.is_chunked = False
        self.expected_bytes = 0
        self.framed = 0  # bytes of `buffer` that the framer has seen
        self.status = 0
        self.headers: HeaderList = []
        self.buffer = bytearray()
        self.stamps = bytearray()
        self.ends = bytearray()  # where each read ends in `buffer`, as END
        self.position = 0  # reads that are decoded
        self.first_ns = 0  # stamps of the first and the last read, of those that are no longer kept
        self.last_ns = 0
        self.reader: BodyReader | None = None
        self.decoder: ReplyDecoder | None = None
        self.error_type: str | None = None
        self.error: str | None = None

    @property
    def answered(self) -> bool:
        """Whether any byte of a response has come."""
        return bool(self.ends) or self.reader is not None

    @property
    def reads(self) -> int:
        """How many reads are kept."""
        return len(self.ends) // END.size

    def met_a_closing_connection(self) -> bool:
        """Whether the server closed an idle connection just as the request was sent on it (RFC 9112, section 9.3.1).

        Either TCP says so, then or a moment later (see `wire`), or the news was here so soon that no answer can have
        been begun. A server that hangs up later has failed, and that is a result, as is a second time for the same
        request: it is sent again once, on a connection of its own.
        """
        if self.error_type != "disconnected" or not self.reused or self.connection is None:
            return False
        return self.unheard or self.end_ns - self.started_ns <= 2 * self.connection.connect_ns + _CLOSING_NS

    def take(self, data: bytes | memoryview, timespec: bytes | bytearray) -> None:
        """Keep one read. The readers do the same in line."""
        self.buffer += data
        self.stamps += timespec
        self.ends += END.pack(len(self.buffer))

    def stamp_ns(self, read: int) -> int:
        """The stamp of one kept read."""
        seconds, nanoseconds = TIMESPEC.unpack_from(self.stamps, read * TIMESPEC.size)
        return int(seconds * 1_000_000_000 + nanoseconds)

    def last_stamp_ns(self) -> int:
        """The stamp of the newest read, kept or not; 0 before the first."""
        return self.stamp_ns(self.reads - 1) if self.ends else self.last_ns

    def fail(self, error_type: str, error: str) -> None:
        """Mark it failed; the first failure stays."""
        if self.error_type is None:
            self.error_type = error_type
            self.error = error

    def frame(self) -> bool:
        """Let the framer see what is new; whether the response is complete.

        Raises:
            httptools.HttpParserError: what came is not HTTP.
        """
        assert self.connection is not None
        framer = self.connection.framer
        if self.framed < len(self.buffer):
            new = self.buffer[self.framed :]
            self.framed = len(self.buffer)
            framer.feed(new)
        if framer.headers_complete and not self.status:
            self.status = framer.status
            self.headers = framer.header_list
            length = header(self.headers, b"content-length")
            self.is_chunked = framer.chunked
            if framer.chunked:
                self.mode = CHUNKED
            elif length is not None:
                self.mode = COUNTED
                # The head is at most what was framed so far; looking a little early costs only a look.
                self.expected_bytes = int(length) if length.isdigit() else 0
            else:
                self.mode = UNTIL_CLOSE
        elif self.mode == ALWAYS and self.status and len(self.buffer) >= len(CHUNKED_END):
            self.mode = CHUNKED if framer.chunked else self.mode
        return framer.complete

    def decode(self, new_decoder: NewDecoder, reads: int) -> bool:
        """Decode up to `reads` further reads; whether none is left. Never raises: what cannot be read is an error."""
        if not self.status:
            return True
        if self.reader is None:
            content_type = (header(self.headers, b"content-type") or b"").decode("latin-1").strip().lower()
            self.decoder = new_decoder(self.status, content_type)
            self.decoder.take_headers(self.headers)
            encoding = (header(self.headers, b"content-encoding") or b"").strip().lower()
            self.reader = BodyReader(
                self.decoder, b"" if encoding == b"identity" else encoding, is_chunked=self.is_chunked
            )
        first, last = self.position, min(self.position + reads, self.reads)
        (start,) = END.unpack_from(self.ends, (first - 1) * END.size) if first else (0,)
        ends = [end - start for end in array("q", self.ends[first * END.size : last * END.size])]
        spec = array("q", self.stamps[first * TIMESPEC.size : last * TIMESPEC.size])
        stamps = [seconds * 1_000_000_000 + rest for seconds, rest in zip(spec[::2], spec[1::2], strict=True)]
        try:
            self.reader.feed(bytes(self.buffer[start : start + (ends[-1] if ends else 0)]), ends, stamps)
        except httptools.HttpParserError as error:
            cause = error.__context__ or error
            self.fail("protocol", f"the response cannot be read: {cause}")
            last = self.reads
        self.position = last
        return last == self.reads

    def forget_decoded(self) -> None:
        """Drop the bytes, to bound the memory of a long stream. Everything must be framed and decoded."""
        if self.ends:
            self.first_ns = self.first_ns or self.stamp_ns(0)
            self.last_ns = self.last_stamp_ns()
        self.expected_bytes = max(0, self.expected_bytes - len(self.buffer))
        for kept in (self.buffer, self.stamps, self.ends):  # in place: the reader knows them
            kept.clear()
        self.position = 0
        self.framed = 0
        self.mode = ALWAYS if self.mode == CHUNKED else self.mode

    def release(self) -> None:
        """Break what refers in a circle; nothing can be decoded afterwards."""
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    def record(
        self,
        *,
        complete: bool,
        save_gaps: bool,
        server_timings: ServerTimings = no_timings,
        rate_limits: RateLimits = no_limits,
    ) -> Record:
        """The finished record. Everything must be decoded."""
        connection = self.connection
        record = Record(
            index=self.index,
            status="ok",
            intended_ns=self.intended_ns,
            started_ns=self.started_ns,
            first_byte_ns=self.first_ns or (self.stamp_ns(0) if self.ends else 0),
            end_ns=self.end_ns,
            dns_ns=self.dns_ns,
            reused=self.reused,
            attempts=self.attempts,
            clock="user" if self.user_stamps or not (connection and connection.kernel_stamps) else "kernel",
            clock_stepped=self.clock_stepped,
            http_status=self.status or None,
        )
        if connection is not None and not self.reused:
            record.connect_ns = connection.connect_ns
            record.tls_ns = connection.tls_ns
        if self.decoder is not None:
            reply = self.decoder.finish(complete=complete)
            self._add_reply(record, reply, save_gaps=save_gaps)
            record.server_timings = server_timings(self.headers, reply.timings)
            record.rate_limits = rate_limits(self.headers, self.end_ns / 1e9)
        if self.status and not 200 <= self.status < 300:
            kind = "http_429" if self.status == 429 else f"http_{self.status // 100}xx"
            self.error_type, self.error = kind, record.error or self.error
        elif self.error_type is None:
            self.error_type, self.error = record.error_type, record.error
        if self.error_type is not None:
            record.status = "error"
            record.error_type = self.error_type
            record.error = self.error
        return record

    def _add_reply(self, record: Record, reply: Any, *, save_gaps: bool) -> None:
        stamps = reply.chunk_stamps
        record.error_type, record.error, record.error_kind = reply.error_type, reply.error, reply.error_kind
        record.response_id = reply.response_id
        record.response_model = reply.response_model
        record.finish_reason = reply.finish_reason
        record.chunks = len(stamps)
        record.usage = reply.usage
        record.token_count_source = reply.token_count_source
        buckets = reply.buckets
        record.uncached_input_tokens = buckets.uncached_input
        record.cache_read_tokens = buckets.cache_read
        record.cache_write_tokens = buckets.cache_write
        record.visible_output_tokens = buckets.visible_output
        record.reasoning_tokens = buckets.reasoning
        if reply.keep_text:
            record.response_text = "".join(reply.text)
        record.last_token_ns = reply.answered_ns
        if stamps:
            record.first_token_ns = stamps[0]
            record.last_token_ns = stamps[-1]
            record.first_output_ns = reply.first_output_ns
            gaps = array("q", map(sub, stamps[1:], stamps))
            record.coalesced_chunks = gaps.count(0)
            if save_gaps:
                record.gaps = (_censor(stamps) if record.coalesced_chunks else gaps).tobytes()


def _censor(stamps: "array[int]") -> "array[int]":
    """Gaps between chunks, CENSORED where a chunk shares its stamp with the one after it (see `frames.CENSORED`)."""
    gaps = array("q")
    before = stamps[0]  # the last stamp that is surely one chunk's
    for mine, following in pairwise([*stamps[1:], stamps[-1] + 1]):
        if mine in {following, before}:
            gaps.append(CENSORED)
        else:
            gaps.append(mine - before)
            before = mine
    return gaps
