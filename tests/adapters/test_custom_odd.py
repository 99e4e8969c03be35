"""Custom providers of APIs that nobody would think of: what stands in `docs/custom-providers.md` is enough for them."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from app.adapters import registry
from app.adapters.base import Buckets, ChatRequest, Message, Reply
from app.adapters.custom_checks import DefinitionError

REQUEST = '[request]\npath = "/ask"\n[request.body]\nq = "{prompt}"\n'
# Lines of JSON: the text deep within, pieces for several readers, counts beside it, no word about the end.
NESTED = f"""
{REQUEST}
[stream]
framing = "ndjson"
content_type = "application/stream+json"
ends_with_finish_reason = false
[select]
text = "$.data.frames[?@.kind == 'speech'].parts[*]['utf-8 text']"
reasoning = "$.data.frames[?@.kind == 'thought'].parts[*]['utf-8 text']"
last = "$.data.closed"
finish_reason = "$.data.why"
[usage]
input = "$.meta.in"
output = "$.meta.out"
"""
# Server-sent events whose names say what they are, with plain text as data and a failure under status 200.
NAMED = f"""
{REQUEST}
[stream]
named = true
ends_with_finish_reason = false
[select]
text = "$.token"
reasoning = "$.thought.text"
last = "$.done"
finish_reason = "$.stop.reason"
[body]
text = "$.answer"
[usage]
object = "$.stats"
input = "$.prompt"
output = "$.generated"
[error]
found = "$.oops"
message = ["$.oops.why", "$.oops", "$.message"]
type = "$.oops.class"
"""
# One whole answer, a text and nothing else; the counts are headers.
HEADERS = f"""
{REQUEST}
[stream]
framing = "json"
[select]
text = "$[0].reply"
[usage.headers]
input = "X-Tokens-In"
cache_read = "X-Tokens-Cached"
output = "X-Tokens-Out"
"""


def frame(kind: str, *texts: str, **more: Any) -> bytes:
    parts = [{"utf-8 text": text} for text in texts]
    return json.dumps({"data": {"frames": [{"kind": kind, "parts": parts}], **more}, "meta": {}}).encode() + b"\n"


LINES = [
    frame("thought", "hm"), b"\n", frame("speech", "One", " two"), frame("cue", "x"), frame("speech", "\n3"),
    b'{"data": {"frames": [], "closed": true, "why": "done"}, "meta": {"in": 7, "out": 5}}\n',
]  # fmt: skip
EVENTS = [
    b': hello\nevent: thought\ndata: {"text": "hm"}\n\n', b"event: token\ndata: One\n\n",
    b"event: token\ndata:  two\ndata: 3\n\n", b'event: stop\ndata: {"reason": "done"}\n\n',
    b'event: stats\ndata: {"prompt": 7, "generated": 5}\n\n', b"event: done\n\n",
]  # fmt: skip


def decode(definition: str, pieces: list[bytes], content_type: str, *headers: tuple[bytes, bytes]) -> Reply:
    decoder = registry.get("custom", tomllib.loads(definition)).decoder(200, content_type, keep_text=True)
    decoder.take_headers(headers)
    for stamp, piece in enumerate(pieces):
        decoder.feed(1000 + stamp, piece)
    return decoder.finish(complete=True)


@pytest.mark.parametrize(
    ("definition", "pieces", "content_type", "outputs"),
    [
        (NESTED, LINES, "application/stream+json; charset=utf-8", [0, 2, 4]),
        (NAMED, EVENTS, "text/event-stream", [0, 1, 2]),
    ],
    ids=["nested lines", "named events"],
)
def test_streams_whole_and_cut_at_every_byte(
    definition: str, pieces: list[bytes], content_type: str, outputs: list[int]
) -> None:
    raw = b"".join(pieces)
    cuts = [pieces, [raw], [bytes([byte]) for byte in raw], *([raw[:at], raw[at:]] for at in range(1, len(raw)))]
    for cut in cuts:
        reply = decode(definition, cut, content_type)
        assert (reply.error_type, reply.error, reply.finish_reason) == (None, None, "done")
        assert "".join(reply.text).replace("\n", "|") == "One two|3"
        assert (reply.buckets, reply.token_count_source) == (Buckets(7, None, None, 5, None), "usage")
        assert len(reply.chunk_stamps) == 3
    reply = decode(definition, pieces, content_type)
    assert [stamp - 1000 for stamp in reply.chunk_stamps] == outputs
    assert reply.first_output_ns == 1000 + outputs[1]
    assert decode(definition, pieces[:-1], content_type).error_type == "truncated"


@pytest.mark.parametrize(
    ("said", "words", "kind"),
    [
        (b'{"why": "too many", "class": "rate_limit_exceeded"}', "too many", "rate_limit"),
        (b"the machine is on fire", "the machine is on fire", "server"),
    ],
)
def test_a_named_event_that_is_an_error(said: bytes, words: str, kind: str) -> None:
    reply = decode(NAMED, [EVENTS[1], b"event: oops\ndata: " + said + b"\n\n"], "text/event-stream")
    assert (reply.error_type, reply.error, reply.error_kind) == ("stream_error", words, kind)
    assert "".join(reply.text) == "One"


def test_an_end_that_is_told_by_name_too() -> None:
    definition = NAMED.replace("named = true", 'named = true\nend = "bye"')
    for end in (b"event: close\ndata: bye\n\n", b"data: bye\n\n", b"event: done\ndata: 1\n\n"):
        assert decode(definition, [EVENTS[1], end], "text/event-stream").error_type is None


def test_counts_in_headers() -> None:
    headers = ((b"x-tokens-in", b"12"), (b"X-Tokens-Out", b"34"), (b"X-Tokens-Cached", b"many"), (b"Date", b"1"))
    reply = decode(HEADERS, [b'[{"reply": "a b"}]'], "application/json", *headers)
    assert ("".join(reply.text), reply.error_type) == ("a b", None)
    assert (reply.buckets, reply.token_count_source) == (Buckets(12, None, None, 34, None), "usage")
    assert json.loads(reply.usage) == {"X-Tokens-In": 12, "X-Tokens-Out": 34}
    silent = decode(HEADERS, [b'[{"reply": "a b"}]'], "application/json", (b"x-tokens-in", b"-1"))
    assert (silent.token_count_source, silent.buckets, silent.usage) == (None, Buckets(), b"")
    asked = registry.get("custom", tomllib.loads(HEADERS)).encode(
        ChatRequest(model="m", messages=(Message("user", "hi"),)), None
    )
    assert json.loads(asked.body) == {"q": "hi"}


def test_the_body_s_counts_go_over_those_of_headers() -> None:
    definition = HEADERS.replace("[usage.headers]", '[usage]\noutput = "$[0].n"\n[usage.headers]')
    definition = definition.replace("cache_read =", "reasoning =").replace(
        "[usage]\n", "[usage]\ninput_includes_cached = true\noutput_includes_reasoning = true\n"
    )
    headers = ((b"x-tokens-in", b"12"), (b"x-tokens-out", b"34"), (b"x-tokens-cached", b"3"))
    reply = decode(definition, [b'[{"reply": "a b", "n": 9}]'], "application/json", *headers)
    assert reply.buckets == Buckets(12, None, None, 6, 3)


@pytest.mark.parametrize(
    ("definition", "at", "says"),
    [
        (NESTED.replace('framing = "ndjson"', 'framing = "ndjson"\nnamed = true'), "stream.named", "names of events"),
        (HEADERS.replace('"X-Tokens-In"', '"X: Y"'), "usage.headers.input", "no name of a header"),
        (HEADERS.replace("cache_read =", "cached ="), "usage.headers", "allowed are input, cache_read"),
        (HEADERS.partition("[usage")[0] + "[usage]\nheaders = 5", "usage.headers", "a table"),
    ],
)
def test_what_is_wrong_is_named(definition: str, at: str, says: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        registry.get("custom", tomllib.loads(definition))
    (path, message), *_ = caught.value.problems
    assert path.startswith(at)
    assert says in message


def test_the_example_file_reads_a_stream_with_names() -> None:
    example = (Path(__file__).parents[2] / "docs/providers/named-sse.toml").read_text(encoding="utf-8")
    counts = ((b"x-input-tokens", b"7"), (b"x-output-tokens", b"5"))
    output = b"event: output\nid: 1:0\ndata: hello\n\n"
    good = decode(example, [output, b"event: done\nid: 2:0\ndata: {}\n\n"], "text/event-stream", *counts)
    assert ("".join(good.text), good.error_type, good.buckets) == ("hello", None, Buckets(7, None, None, 5, None))
    failed = decode(example, [output, b'event: error\ndata: {"detail": "no more"}\n\n'], "text/event-stream")
    assert (failed.error_type, failed.error) == ("stream_error", "no more")
    whole = decode(example, [b'{"text": "hello"}'], "application/json", *counts)
    assert ("".join(whole.text), whole.error_type) == ("hello", None)
