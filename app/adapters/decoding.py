"""Response bytes → `Reply`, for every wire format: a stream event by event, or a whole body."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

import msgspec

from app.adapters.base import Buckets, Reply
from app.adapters.errors import error_body_text, error_kind
from app.adapters.events import Event, EventReader

BODY_LIMIT_BYTES = 64 * 2**20  # of a body that is not a stream: it has to be held whole
_MAX_COUNT = 2**53  # no model meant more; a record holds 64 bits
_PROOF = "proof"
_MISSES_LIMIT = 16  # templates tried for one stream; where each event is different they would only cost


@lru_cache
def _pattern(field: str) -> re.Pattern[bytes]:
    return re.compile(rb'"%b": ?"([^"\\]+)"' % field.encode())


class StreamDecoder:
    """Decodes the events of one stream."""

    __slots__ = (
        "_framing",
        "_is_broken",
        "_is_done",
        "_is_reasoning",
        "_learned",
        "_misses",
        "_reasoning_chunks",
        "_usage",
        "_visible_chunks",
        "_wire",
        "reply",
        "template",
    )

    def __init__(self, wire: EventReader, *, keep_text: bool) -> None:
        self.reply = Reply(keep_text=keep_text)
        self._wire = wire
        self._framing = wire.new_framing()
        self._is_done = False
        self._is_broken = False
        self._visible_chunks = 0
        self._reasoning_chunks = 0
        self._usage = b""
        self.template: tuple[bytes, bytes] | None = None
        self._learned: tuple[bytes, bytes] | None = None
        self._is_reasoning = False  # what the template's events carry
        self._misses = 0

    def feed(self, stamp_ns: int, data: bytes) -> None:
        if self._is_broken:
            return
        framing = self._framing
        was_idle = framing.is_idle()
        try:
            payloads = framing.feed(data)
        except ValueError as error:
            self._break(error)
            return
        for payload in payloads:
            self._take(stamp_ns, payload)
        if not framing.is_idle():
            self.template = None
            return
        if was_idle and len(payloads) == 1 and self._misses < _MISSES_LIMIT:
            self._learn(data)
        self.template = self._learned

    def take_headers(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self._usage = self._wire.header_usage(headers)

    def repeat(self, stamps_ns: Sequence[int], middles: Sequence[bytes]) -> None:
        reply = self.reply
        reply.chunk_stamps.extend(stamps_ns)
        if self._is_reasoning:
            self._reasoning_chunks += len(middles)
            return
        self._visible_chunks += len(middles)
        if not reply.first_output_ns:
            reply.first_output_ns = stamps_ns[0]
        if reply.keep_text:
            reply.text.append(b"".join(middles).decode("ascii"))

    def finish(self, *, complete: bool) -> Reply:
        reply = self.reply
        last = reply.chunk_stamps[-1] if reply.chunk_stamps else 0
        if not self._is_broken:
            try:
                for payload in self._framing.finish():
                    self._take(last, payload)
            except ValueError as error:
                if complete:
                    self._break(error)
        if not reply.chunk_stamps and reply.finish_reason is None:
            reply.fail("empty", "the stream ended without any output")
        may_end = complete and reply.finish_reason is not None and self._wire.ends_with_finish_reason
        if not self._is_done and not may_end:
            reply.fail("truncated", "the stream ended before the answer was finished")
        _take_usage(reply, self._wire, self._usage)
        if reply.token_count_source is None and reply.chunk_stamps:
            known = reply.buckets
            reply.buckets = Buckets(
                known.uncached_input,
                known.cache_read,
                known.cache_write,
                self._visible_chunks,
                self._reasoning_chunks,
            )
            reply.token_count_source = "chunks"
        return reply

    def _learn(self, data: bytes) -> None:
        """Make a template of an event, when it is one piece of plain text and nothing else."""
        for field in self._wire.text_fields:
            found = _pattern(field).search(data)
            if found is None:
                continue
            learned = data[: found.start(1)], data[found.end(1) :]
            if learned == self._learned:
                return
            self._misses += 1
            framing = self._wire.new_framing()
            framing.feed(b"\n")  # no longer at the start of the stream, where a byte-order mark may be
            try:
                payloads = framing.feed(learned[0] + _PROOF.encode() + learned[1])
                if len(payloads) != 1 or not framing.is_idle():
                    return
                said = self._wire.read(payloads[0])
            except (ValueError, RecursionError):
                return
            # Another text in its place must come out at its place, and nothing else.
            if said == Event(text=_PROOF, response_id=said.response_id, response_model=said.response_model):
                self._is_reasoning = False
            elif said == Event(reasoning=_PROOF, response_id=said.response_id, response_model=said.response_model):
                self._is_reasoning = True
            else:
                continue
            self._learned = learned
            return

    def _take(self, stamp_ns: int, payload: bytes) -> None:
        if not payload:
            return
        try:
            event = self._wire.read(payload)
        except (ValueError, RecursionError) as error:
            begin = payload[:200].decode(errors="replace")
            self.reply.fail("protocol", f"not a chat completion chunk: {error}: {begin}")
            return
        _take_facts(self.reply, event)
        if event.usage:
            self._usage = self._wire.join_usage(self._usage, event.usage) if self._usage else event.usage
        self._is_done = self._is_done or event.is_last
        if _take_output(self.reply, event, stamp_ns):
            if event.text or event.other_output:
                self._visible_chunks += 1
            else:
                self._reasoning_chunks += 1

    def _break(self, error: ValueError) -> None:
        self._is_broken = True
        self.template = None
        self.reply.fail("protocol", f"the stream cannot be read: {error}")


class WholeBody(ABC):
    """Base of decoders of a body that is no stream of events: keeps it, up to a limit, until it is all there."""

    __slots__ = ("_body", "_last_ns", "_overflow", "_status", "reply")

    template: ClassVar[tuple[bytes, bytes] | None] = None
    asked: ClassVar[str]  # what it answers, with its article

    def __init__(self, status: int, *, keep_text: bool = False) -> None:
        self.reply = Reply(keep_text=keep_text)
        self._status = status
        self._body = bytearray()
        self._last_ns = 0
        self._overflow = False

    def feed(self, stamp_ns: int, data: bytes) -> None:
        self._last_ns = stamp_ns
        if len(self._body) + len(data) > BODY_LIMIT_BYTES:
            self._overflow = True
            return
        self._body += data

    def take_headers(self, headers: Sequence[tuple[bytes, bytes]]) -> None:  # noqa: B027  (few read them)
        """They say nothing."""

    def repeat(self, stamps_ns: Sequence[int], middles: Sequence[bytes]) -> None:
        raise AssertionError("a decoder without a template is never asked to repeat one")

    def finish(self, *, complete: bool) -> Reply:
        reply = self.reply
        body = bytes(self._body)
        is_answer = self._status in self._answer_statuses()
        if not is_answer and 200 <= self._status < 300:
            reply.fail("protocol", f"status {self._status} is no answer to {self.asked}")
        elif not is_answer:
            said = self._error_body(body)
            reply.error = error_body_text(self._status, said)
            reply.error_kind = error_kind(self._status, said)
        elif self._overflow:
            reply.fail("protocol", f"the body is larger than {BODY_LIMIT_BYTES} bytes")
        elif not complete:
            reply.fail("truncated", "the connection closed before the body was complete")
        else:
            self._take(body)
        return reply

    def _answer_statuses(self) -> tuple[int, ...]:
        return (200,)

    def _error_body(self, body: bytes) -> bytes:
        return body

    @abstractmethod
    def _take(self, body: bytes) -> None:
        """A whole body of an answer into the reply."""


class BodyDecoder(WholeBody):
    """Decodes a whole answer, or an error body."""

    __slots__ = ("_usage", "_wire")

    asked = "a chat completion"

    def __init__(self, wire: EventReader, status: int, *, keep_text: bool) -> None:
        super().__init__(status, keep_text=keep_text)
        self._wire = wire
        self._usage = b""

    def take_headers(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self._usage = self._wire.header_usage(headers)

    def _answer_statuses(self) -> tuple[int, ...]:
        return self._wire.answer_statuses

    def _error_body(self, body: bytes) -> bytes:
        return self._wire.error_body(body)

    def _take(self, body: bytes) -> None:
        reply = self.reply
        try:
            event = self._wire.read_body(body)
        except (ValueError, RecursionError) as error:
            reply.fail("protocol", f"not a chat completion: {error}: {body[:200].decode(errors='replace')}")
            return
        _take_facts(reply, event)
        if not _take_output(reply, event, self._last_ns) and event.finish_reason is None:
            reply.fail("empty", "the answer has no output")
        usage = self._usage
        if event.usage:
            usage = self._wire.join_usage(usage, event.usage) if usage else event.usage
        _take_usage(reply, self._wire, usage)


def _take_facts(reply: Reply, event: Event) -> None:
    if event.error:
        if reply.error_kind is None and reply.error_type is None:
            reply.error_kind = error_kind(None, event.error)
        reply.fail("stream_error", error_body_text(200, event.error))
    if reply.response_id is None:
        reply.response_id = event.response_id
    if reply.response_model is None and isinstance(event.response_model, str):
        reply.response_model = event.response_model
    if event.finish_reason is not None:
        reply.finish_reason = event.finish_reason
    if event.timings:
        reply.timings = event.timings


def _take_output(reply: Reply, event: Event, stamp_ns: int) -> bool:
    """Note the output of an event, if it has any."""
    if event.text or event.other_output:
        if not reply.first_output_ns:
            reply.first_output_ns = stamp_ns
        if event.text and reply.keep_text:
            reply.text.append(event.text)
    elif not event.reasoning:
        return False
    reply.chunk_stamps.append(stamp_ns)
    return True


def _take_usage(reply: Reply, wire: EventReader, usage: bytes) -> None:
    if not usage:
        return
    try:
        buckets = wire.buckets(usage)
    except (ValueError, RecursionError):
        return  # a shape we do not know: counted from chunks then
    if any(count is not None and not 0 <= count <= _MAX_COUNT for count in msgspec.structs.astuple(buckets)):
        return
    reply.usage = usage
    reply.buckets = buckets
    if buckets.visible_output is not None or buckets.reasoning is not None:
        reply.token_count_source = "usage"
