"""Custom providers: the example files read the same streams as the built-in formats; what is wrong is named."""

import copy
import json
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters import registry
from app.adapters.base import ChatRequest, Message, NoModelListError, Reply
from app.adapters.custom_checks import DefinitionError
from app.adapters.media import Media
from app.benchmarks.inputs import check_kinds
from app.benchmarks.workloads import MadeUpAudio, PromptList, SyntheticPrompts
from app.core.errors import InvalidRequestError
from tests.adapters.streams import RECORDED, TEXT, Recorded

FOLDER = Path(__file__).parents[2] / "docs" / "providers"
FILES = {"openai": "chat-sse.toml", "ollama": "lines-ndjson.toml", "gemini": "whole-json.toml"}
OF_KIND = {recorded.kind: recorded for recorded in RECORDED}
STREAMS = pytest.mark.parametrize("recorded", [OF_KIND["openai"], OF_KIND["ollama"]], ids=["openai", "ollama"])
EACH = pytest.mark.parametrize("kind", FILES)
CHAT = ChatRequest(
    model="m/1 x",
    messages=(
        Message("system", "be brief"),
        Message("user", "hi"),
        Message("assistant", "yes?"),
        Message("user", "go"),
    ),
    max_tokens=5,
    stop=("end",),
)


def document(kind: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / FILES[kind]).read_text(encoding="utf-8"))


def adapter(of: dict[str, Any]) -> Any:
    return registry.get("custom", of)


def changed(path: str, value: Any, kind: str = "openai") -> dict[str, Any]:
    """The example with one field changed; None takes it away."""
    made = copy.deepcopy(document(kind))
    *parents, last = path.split(".")
    at = made
    for name in parents:
        at = at.setdefault(name, {})
    at.pop(last, None)
    if value is not None:
        at[last] = value
    return made


def problems(of: Any) -> dict[str, str]:
    with pytest.raises(DefinitionError) as caught:
        registry.kind("custom", of)
    return dict(caught.value.problems)


def decode(recorded: Recorded, pieces: list[bytes], *, complete: bool = True) -> Reply:
    decoder = adapter(document(recorded.kind)).decoder(200, recorded.content_type, keep_text=True)
    for stamp, piece in enumerate(pieces):
        decoder.feed(1000 + stamp, piece)
    found: Reply = decoder.finish(complete=complete)
    return found


def body(kind: str, raw: Any, status: int = 200) -> Reply:
    decoder = adapter(document(kind)).decoder(status, "application/json", keep_text=True)
    decoder.feed(1000, raw if isinstance(raw, bytes) else json.dumps(raw).encode())
    found: Reply = decoder.finish(complete=True)
    return found


def check(recorded: Recorded, reply: Reply) -> None:
    assert (reply.error_type, reply.error, "".join(reply.text)) == (None, None, TEXT)
    assert (reply.finish_reason, reply.response_id) == (recorded.finish, recorded.response_id)
    assert (reply.buckets, reply.token_count_source) == (recorded.buckets, "usage")


@STREAMS
def test_a_stream_is_read_as_by_the_built_in_format(recorded: Recorded) -> None:
    reply = decode(recorded, recorded.events)
    check(recorded, reply)
    assert list(reply.chunk_stamps) == [1000 + at for at in recorded.outputs]
    assert reply.first_output_ns == 1000 + recorded.first_visible
    truncated = decode(recorded, recorded.events[: recorded.outputs[-1] + 1])
    assert truncated.error_type == "truncated"
    broken = decode(recorded, [*recorded.events[: recorded.first_visible + 1], recorded.error])
    assert (broken.error_type, broken.error) == ("stream_error", "broken inside")


@STREAMS
@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 3000), max_size=20))
def test_a_stream_cut_anywhere(recorded: Recorded, cuts: list[int]) -> None:
    raw = b"".join(recorded.events)
    bounds = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    check(recorded, decode(recorded, [raw[start:end] for start, end in pairwise(bounds)]))


@EACH
def test_a_whole_answer_and_an_error_body(kind: str) -> None:
    check(OF_KIND[kind], body(kind, OF_KIND[kind].body))
    failed = body(kind, OF_KIND[kind].error_body, 429)
    assert (failed.error, failed.error_kind) == ("Rate limit reached", "rate_limit")


@EACH
@settings(max_examples=25)
@given(junk=st.binary(max_size=200))
def test_junk_never_raises(kind: str, junk: bytes) -> None:
    for raw in (junk, b"data: " + junk + b"\n\n", b"[" * 100_000):
        assert body(kind, raw).error_type is not None
        body(kind, raw, 500)
        decoder = adapter(document(kind)).decoder(200, "text/event-stream", keep_text=True)
        decoder.feed(1, raw)
        decoder.finish(complete=True)


@STREAMS
def test_repeated_events_are_recognised(recorded: Recorded) -> None:
    decoder = adapter(document(recorded.kind)).decoder(200, recorded.content_type, keep_text=True)
    token = recorded.events[recorded.first_visible]
    decoder.feed(1, recorded.events[0])
    decoder.feed(2, token)
    before, after = decoder.template
    assert (before.startswith(token[:8]), b"Hello" in before + after) == (True, False)
    decoder.repeat([3, 4], [b" a", b" b"])
    assert "".join(decoder.reply.text) == "Hello a b"
    assert list(decoder.reply.chunk_stamps)[-3:] == [2, 3, 4]


def test_requests() -> None:
    method, path, headers, raw = adapter(document("openai")).encode(CHAT, "k")
    assert (method, path) == ("POST", "/chat/completions")
    assert headers == [
        ("Content-Type", "application/json"), ("Accept", "text/event-stream"), ("Authorization", "Bearer k"),
    ]  # fmt: skip
    sent = json.loads(raw)
    assert sent == {
        "model": "m/1 x", "stream": True, "stream_options": {"include_usage": True}, "max_tokens": 5, "stop": ["end"],
        "messages": [{"role": turn.role, "content": turn.content} for turn in CHAT.messages],
    }  # fmt: skip
    assert "Authorization" not in dict(adapter(document("openai")).encode(CHAT, None).headers)


def test_requests_of_another_shape() -> None:
    of = changed("request.query", {"key": "{api_key}", "v": "2 a"}, "gemini")
    made = adapter(of).encode(CHAT, "k&k")
    assert made.path == "/v1beta/models/m/1%20x:generateContent?key=k%26k&v=2%20a"
    sent = json.loads(made.body)
    assert sent["systemInstruction"] == {"parts": [{"text": "be brief"}]}
    assert sent["contents"][1] == {"role": "model", "parts": [{"text": "yes?"}]}
    assert len(sent["contents"]) == 3
    assert adapter(of).encode(CHAT, None).path.endswith("?v=2%20a")
    alone = ChatRequest(model="m", messages=(Message("user", "hi"),))
    assert json.loads(adapter(document("gemini")).encode(alone, None).body) == {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}]
    }


def test_what_a_template_has_no_place_for() -> None:
    made = adapter(changed("request.body", {"q": "Q: {prompt} {{x}}", "n": "{seed}", "none": ["{top_p}"]}, "gemini"))
    one = ChatRequest(model="m", messages=(Message("user", 'a "b" {model}'),), seed=3)
    assert json.loads(made.encode(one, None).body) == {"q": 'Q: a "b" {model} {x}', "n": 3}
    with pytest.raises(ValueError, match="takes no system prompt"):
        made.encode(CHAT, None)
    with pytest.raises(ValueError, match="takes no conversation"):
        made.encode(ChatRequest(model="m", messages=CHAT.messages[1:]), None)


def test_models() -> None:
    made = adapter(document("openai"))
    assert made.models_request("k").path == "/models"
    assert made.parse_models(b'{"data": [{"id": "a"}, {"id": "b"}]}') == ["a", "b"]
    for wrong in (b"{}", b"x", b'{"data": [{"id": 1}]}', b"[" * 100_000):
        with pytest.raises(ValueError, match="not a model list"):
            made.parse_models(wrong)
    with pytest.raises(NoModelListError):
        adapter(changed("models", None)).models_request("k")


def test_usage_conventions() -> None:
    usage = {"in": 100, "hit": 40, "out": 30, "thought": 10}
    fields = {"input": "$.in", "cache_read": "$.hit", "output": "$.out", "reasoning": "$.thought"}
    for includes, expected in ((True, (60, 40, None, 20, 10)), (False, (100, 40, None, 30, 10))):
        said = fields | {"input_includes_cached": includes, "output_includes_reasoning": includes}
        reply = body_of(changed("usage", said | {"object": "$.usage"}), usage)
        found = reply.buckets
        counts = (found.uncached_input, found.cache_read, found.cache_write, found.visible_output, found.reasoning)
        assert counts == expected
    for absurd in (1e999, 10**400, True, "7", 2.5, None, -5):
        reply = body_of(changed("usage", {"input": "$.in", "output": "$.out", "object": "$.usage"}), {"out": absurd})
        assert reply.token_count_source in {None, "chunks"}, absurd
    split = adapter(changed("usage", {"input": "$.in", "output": "$.out"}))
    joined = split.join_usage(split.read(b'{"in": 5}').usage, split.read(b'{"out": 7}').usage)
    assert (split.buckets(joined).uncached_input, split.buckets(joined).visible_output) == (5, 7)


def body_of(of: dict[str, Any], usage: dict[str, Any]) -> Reply:
    decoder = adapter(of).decoder(201, "application/json", keep_text=False)
    answer = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": usage}
    decoder.feed(1, json.dumps(answer).encode())
    found: Reply = decoder.finish(complete=True)
    return found


SECRET = "sk-" + "a1" * 12
WRONG = [
    ("request.pth", "/x", "request.pth", "allowed here are path, body,"),
    ("extra", 1, "extra", "allowed here are request, select,"),
    ("request.path", None, "request.path", "is required"),
    ("request.path", "chat", "request.path", "must start with /"),
    ("request.path", "@evil.example/x", "request.path", "must start with /"),
    ("request.path", "/a b", "request.path", "without blanks"),
    ("request.path", "/a?key=1", "request.path", "request.query"),
    ("request.path", "/{user}", "request.path", "allowed are {model}"),
    ("request.method", "GET", "request.method", "GET"),
    ("request.body", {"x": 1}, "request.body", "{messages}"),
    ("request.body.model", "{modle}", "request.body.model", "unknown placeholder {modle}; allowed are {model}"),
    ("request.body.model", "{", "request.body.model", "single brace"),
    ("request.body.user", "{api_key}", "request.body.user", "request.headers"),
    ("request.body.api_key", "hunter2", "request.body.api_key", "looks like a secret"),
    ("request.body.user", SECRET, "request.body.user", "looks like a secret"),
    ("request.message", {"content": "{content}"}, "request.message", "lacks {role}"),
    ("request.headers.X-Api-Key", "hunter2", "request.headers.X-Api-Key", "{api_key}"),
    ("request.headers.Authorization", f"Bearer {SECRET}", "request.headers.Authorization", "env:NAME"),
    ("request.headers.X-A", "a\r\nX-B: c", "request.headers.X-A", "one line"),
    ("request.headers.X\r\nY", "a", "request.headers.X\r\nY", "printable ASCII"),
    ("request.headers.Host", "x", "request.headers.Host", "set by the program"),
    ("request.headers.X-A", "{model}", "request.headers.X-A", "allowed are {api_key}"),
    ("request.query", {"key": "hunter2"}, "request.query.key", "looks like a secret"),
    ("request.roles", {"robot": "x"}, "request.roles", "robot"),
    ("stream.framing", "xml", "stream.framing", "xml"),
    ("stream.content_type", "a\r\nb", "stream.content_type", "no content type"),
    ("select.text", "choices[0]", "select.text", "must start with $"),
    ("select.text", ["$.a", "$..b"], "select.text", "allowed are .name"),
    ("select.text", None, "select.text", "is required"),
    ("usage.input_includes_cached", None, "usage.input_includes_cached", "true or false"),
    ("usage.output_includes_reasoning", "yes", "usage.output_includes_reasoning", "true or false"),
    ("models.id", None, "models.id", "is required"),
    ("base_url", "http://u:p@x.example", "base_url", "no user or password"),
    ("base_url", "ftp://x.example", "base_url", "must be http"),
    ("base_url", "https://x.example/?k=1", "base_url", "query"),
    ("name", "A b", "name", "lower case"),
    ("title", "a\nb", "title", "printable"),
    ("capabilities.flying", True, "capabilities.flying", "allowed here are streaming"),
    ("request.body.number", float("nan"), "request.body.number", "no number"),
    ("request.body.date", tomllib.loads("x = 2020-01-01")["x"], "request.body.date", "no JSON value"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "at", "says"), WRONG, ids=[f"{one[0]}={one[1]!r}"[:40] for one in WRONG])
def test_what_is_wrong_is_named(path: str, value: Any, at: str, says: str) -> None:
    found = problems(changed(path, value))
    assert [name for name in found if name.startswith(at)], found
    assert says in " ".join(found.values()), found
    assert SECRET not in str(found)


def test_bounds() -> None:
    deep: Any = "{prompt}"
    for _ in range(20):
        deep = [deep]
    assert "deep" in " ".join(problems(changed("request.body", {"x": deep})).values())
    assert "bytes" in problems(changed("request.body", {"x": "{prompt}" + "a" * 40_000}))[""]
    endless: Any = []
    for _ in range(100_000):
        endless = [endless]
    assert problems(changed("request.body", {"x": endless}))
    others: list[Any] = [5, "x", [], {}]
    for other in others:
        assert problems(other)
    with pytest.raises(ValueError, match="needs its definition"):
        registry.get("custom").encode(CHAT, None)


PICTURE = Media("image", "image/png", "iVBORw0KGgo=")
SOUND = Media("audio", "audio/mpeg", "SUQzBA==")


def parts_of(of: Any, *media: Media) -> Any:
    asked = ChatRequest(model="m", messages=(Message("user", "what", (*media, "what")),))
    return json.loads(adapter(of).encode(asked, None).body)["messages"][0]["content"]


def test_images_and_sounds_stand_among_the_parts() -> None:
    url = Media("image", url="https://a.test/cat.png")
    assert parts_of(document("openai"), PICTURE, url, SOUND) == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        {"type": "image_url", "image_url": {"url": "https://a.test/cat.png"}},
        {"type": "input_audio", "input_audio": {"data": "SUQzBA==", "format": "mp3"}},
        {"type": "text", "text": "what"},
    ]
    can = registry.kind("custom", document("openai")).capabilities
    assert (can.vision, can.audio) == (True, True)


def test_what_a_definition_has_no_part_for_is_refused() -> None:
    silent = changed("request.audio_part", None)
    with pytest.raises(ValueError, match="takes no audio; it takes text and images"):
        parts_of(silent, SOUND)
    with pytest.raises(ValueError, match="takes audio as data only"):
        parts_of(document("openai"), Media("audio", url="https://a.test/a.mp3"))
    can = registry.kind("custom", changed("capabilities.audio", True, "gemini")).capabilities
    assert (can.vision, can.audio) == (False, False), "a request of one text carries neither"
    assert check_kinds(PromptList(prompts=["a"]), ["custom"], [silent]) == []
    shown = SyntheticPrompts(input_tokens=5, output_tokens=5, audio=MadeUpAudio(seconds=1))
    with pytest.raises(InvalidRequestError, match=r"targets\.0\.provider: the provider kind 'custom' takes no audio"):
        check_kinds(shown, ["custom"], [silent])


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("request.image_part", {"type": "image"}, "lacks {url}"),
        ("request.image_part", {"type": "{kind}"}, "{kind}"),
        ("request.text_part", {"type": "text"}, "lacks {text}"),
        ("request.body.messages", "{prompt}", "needs {messages} or {turns}"),
    ],
)
def test_parts_that_are_wrong(path: str, value: Any, says: str) -> None:
    assert says in " ".join(problems(changed(path, value)).values())
