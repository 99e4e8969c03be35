"""AWS Bedrock, Converse and ConverseStream.

Source: the Amazon Bedrock API reference, "ConverseStream". Streams are binary frames (`eventstream.py`); requests are
signed (`sigv4.py`) or carry a Bedrock API key. The API knows no seed.
"""

import re
from typing import Any
from urllib.parse import quote

import msgspec

from app.adapters.base import Buckets, ChatRequest, HttpRequest, Message
from app.adapters.events import ABSENT, NOTHING, Event, raw_object
from app.adapters.eventstream import EventStreamParser, Frame
from app.adapters.media import AUDIO_TYPES, IMAGE_TYPES, Media, Takes
from app.adapters.sigv4 import Credentials, Scope, signed_headers
from app.adapters.wire_format import WireFormat, given, split_system

DEFAULT_REGION = "us-east-1"
_REGION = re.compile(r"(?:^|\.)bedrock(?:-runtime)?(?:-fips)?\.([a-z0-9-]+)\.")


class _Reasoning(msgspec.Struct, rename="camel"):
    text: str = ""
    redacted_content: str = ""
    reasoning_text: "_Reasoning | None" = None  # a whole body has it one level deeper


class _Cited(msgspec.Struct, rename="camel"):
    content: "list[_Content] | None" = None


class _Content(msgspec.Struct, rename="camel"):
    text: str = ""
    citations_content: _Cited | None = None  # of a whole body: text with its sources
    reasoning_content: _Reasoning | None = None
    tool_use: msgspec.Raw = ABSENT
    image: msgspec.Raw = ABSENT


class _Block(msgspec.Struct, rename="camel"):
    delta: _Content | None = None
    start: _Content | None = None


class _Message(msgspec.Struct, rename="camel"):
    content: list[_Content] = []


class _Output(msgspec.Struct, rename="camel"):
    message: _Message | None = None


class _Ending(msgspec.Struct, rename="camel"):
    """`messageStop` and `metadata`, and what a whole body says beside its content."""

    stop_reason: str | None = None
    usage: msgspec.Raw = ABSENT
    metrics: msgspec.Raw = ABSENT
    output: _Output | None = None


class _Written(msgspec.Struct, rename="camel"):
    input_tokens: int = 0
    ttl: str = ""


class _Usage(msgspec.Struct, rename="camel"):
    input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_details: list[_Written] | None = None
    output_tokens: int | None = None


_decode_named = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_block = msgspec.json.Decoder(_Block).decode
_decode_ending = msgspec.json.Decoder(_Ending).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode


class _Framing:
    """Frames as `{"name of the event": payload}`, the shape that AWS's own clients give them."""

    def __init__(self) -> None:
        self._parser = EventStreamParser()
        self.is_idle = self._parser.is_idle

    def feed(self, data: bytes) -> list[bytes]:
        return [_named(frame) for frame in self._parser.feed(data)]

    def finish(self) -> list[bytes]:
        return []  # half a frame says nothing


class BedrockConverse(WireFormat):
    """The adapter.

    A key is `ACCESS_KEY_ID:SECRET_ACCESS_KEY`, with `:SESSION_TOKEN` behind it for temporary credentials and `@REGION`
    at the end where the address does not tell the region; or a Bedrock API key, which is sent as a bearer token.
    """

    stream_type = "application/vnd.amazon.eventstream"
    new_framing = _Framing
    models_path = "/foundation-models"
    models_in = ("modelSummaries", "modelId")
    is_signed = True
    takes = Takes(IMAGE_TYPES, audio=AUDIO_TYPES)

    def encode(self, request: ChatRequest, api_key: str | None) -> HttpRequest:
        """POST to the model's own path."""
        system, turns = split_system(request.messages)
        config = {
            "maxTokens": request.output_tokens or request.max_tokens,
            "temperature": request.temperature,
            "topP": request.top_p,
            "stopSequences": request.stop,
        }
        body: dict[str, Any] = {
            "messages": [{"role": turn.role, "content": self.content(turn)} for turn in turns],
            "system": [{"text": system}] if system else None,
            "inferenceConfig": given(config) or None,
        }
        method = "converse-stream" if request.stream else "converse"
        return self.post(f"/model/{quote(request.model, safe='')}/{method}", body, request, api_key)

    def content(self, message: Message) -> Any:
        """Always a list of blocks."""
        return super().content(message) if message.parts else [self.text_part(message.content)]

    def text_part(self, text: str) -> Any:
        """A block of text."""
        return {"text": text}

    def media_part(self, media: Media) -> Any:
        """An `image` or `audio` block; binary data is base64 in JSON."""
        return {media.kind: {"format": media.format, "source": {"bytes": media.data}}}

    def auth_headers(self, api_key: str | None) -> list[tuple[str, str]]:
        """An API key's header; credentials are signed with instead."""
        return [] if api_key and ":" in api_key else super().auth_headers(api_key)

    def sign(self, request: HttpRequest, host: str, api_key: str | None, unix_seconds: float) -> HttpRequest:
        """The request with its signature, good for five minutes; `request.path` is the whole path on `host`."""
        if not api_key or ":" not in api_key:
            return request
        secret, _, region = api_key.partition("@")
        found = _REGION.search(host)
        scope = Scope(region or (found[1] if found else DEFAULT_REGION), "bedrock")
        credentials = Credentials(*secret.split(":", 2))
        added = signed_headers(request.method, host, request.path, request.body, credentials, scope, unix_seconds)
        return request._replace(headers=[*request.headers, *added])

    def models_host(self, host: str) -> str:
        """Models are listed by the service's control plane."""
        return re.sub(r"(^|\.)bedrock-runtime\b", r"\1bedrock", host) if host.endswith(".amazonaws.com") else host

    def read(self, payload: bytes) -> Event:
        """One event by its name; names that end with `Exception` are failures."""
        ((name, raw),) = _decode_named(payload).items()
        if name in {"contentBlockDelta", "contentBlockStart"}:
            block = _decode_block(raw)
            return _said([block.delta or block.start or _Content()])
        if name in {"messageStop", "metadata"}:
            ending = _decode_ending(raw)
            is_last = name == "metadata"
            return Event(
                finish_reason=ending.stop_reason,
                usage=raw_object(ending.usage),
                timings=raw_object(ending.metrics),
                is_last=is_last,
            )
        if name.endswith(("Exception", "error")):
            return Event(error=b'{"type":%b,"error":%b}' % (msgspec.json.encode(name), bytes(raw)), is_last=True)
        return NOTHING

    def read_body(self, body: bytes) -> Event:
        """A `ConverseResponse`."""
        ending = _decode_ending(body)
        message = ending.output.message if ending.output is not None else None
        return msgspec.structs.replace(
            _said(message.content if message is not None else []),
            finish_reason=ending.stop_reason,
            usage=raw_object(ending.usage),
            timings=raw_object(ending.metrics),
        )

    def buckets(self, usage: bytes) -> Buckets:
        """`inputTokens` is what neither came from the cache nor went into it."""
        said = _decode_usage(usage)
        return Buckets(
            uncached_input=said.input_tokens,
            cache_read=said.cache_read_input_tokens,
            cache_write=said.cache_write_input_tokens,
            visible_output=said.output_tokens,
        )

    def billed(self, usage: bytes) -> Buckets | None:
        """What is kept for an hour costs more to write than what is kept for five minutes."""
        written = sum(one.input_tokens for one in _decode_usage(usage).cache_details or () if one.ttl == "1h")
        if not written:
            return None
        counted = self.buckets(usage)
        return msgspec.structs.replace(counted, cache_write_1h=min(written, counted.cache_write or 0))


def _said(contents: list[_Content]) -> Event:
    thoughts = [one.reasoning_content for one in contents if one.reasoning_content is not None]
    return Event(
        text="".join(one.text or _cited(one.citations_content) for one in contents),
        reasoning="".join((one.reasoning_text or one).text or one.redacted_content for one in thoughts),
        other_output=any(one.tool_use != ABSENT or one.image != ABSENT for one in contents),
    )


def _cited(cited: _Cited | None) -> str:
    return "".join(one.text for one in (cited.content if cited is not None else None) or ())


def _named(frame: Frame) -> bytes:
    headers = frame.headers
    if headers.get(":message-type") == "error":
        error = {"code": headers.get(":error-code"), "message": headers.get(":error-message")}
        return msgspec.json.encode({"error": error})
    name = headers.get(":exception-type") or headers.get(":event-type")
    if name is None:
        raise ValueError("a frame says neither which event nor which exception it is")
    return b"{%b:%b}" % (msgspec.json.encode(name), frame.payload or b"{}")
