"""Every wire format with every knob of the simulator: it works, or there is a stated reason why it cannot.

What the vendors' clients make of it is in `test_clients`, what the instrument reads in `test_all_formats`; here no pair
is left out: a format or a knob that is added without a word about it fails.
"""

import pytest

from app.adapters import registry
from app.adapters.base import Reply
from app.adapters.rate_limits import rate_limits
from app.simulator.behaviour import FORMATS, Behaviour
from app.simulator.counting import TokenCount
from app.simulator.formats import Answer, Format, error_response, refusal_response
from app.simulator.routes import Routes
from app.simulator.script import Ask, Script, script

_NO_FIELD = "whole answers have no field for it: they fail with an error status"
_AS_OUTPUT = "thoughts are counted as output"
_NOT_COUNTED = "the API does not count it"
CANNOT = {
    "openai": {"failed answer": _NO_FIELD, "cache written": _NOT_COUNTED},
    "openai-responses": {"pings": "the API sends none"},
    "anthropic": {"failed answer": _NO_FIELD},
    "gemini": {"failed answer": _NO_FIELD, "pings": "the API sends none", "cache written": "by a call of its own"},
    "cohere": {
        "failed answer": _NO_FIELD, "pings": "the API sends none", "cache written": _NOT_COUNTED,
        "reasoning counted": _AS_OUTPUT,
    },
    "ollama": {
        "failed answer": _NO_FIELD, "pings": "lines of JSON have no comment", "cache read": _NOT_COUNTED,
        "cache written": _NOT_COUNTED, "reasoning counted": _AS_OUTPUT,
    },
    "llamacpp-completion": {
        "failed answer": _NO_FIELD, "cache written": _NOT_COUNTED, "reasoning": "the answer is plain text",
        "reasoning counted": _AS_OUTPUT,
    },
    "bedrock": {
        "failed answer": _NO_FIELD, "pings": "frames have no comment", "reasoning counted": _AS_OUTPUT,
    },
    "mistral": {
        "failed answer": _NO_FIELD, "failed stream": "it ends with an error and has no words for it",
        "pings": "the API sends none", "cache written": _NOT_COUNTED, "reasoning counted": _AS_OUTPUT,
    },
    "replicate": {
        "pings": "the API sends none", "cache read": _NOT_COUNTED, "cache written": _NOT_COUNTED,
        "reasoning": "the answer is plain text", "reasoning counted": _AS_OUTPUT,
    },
}  # fmt: skip
USUAL = Behaviour(tokens=8, reasoning=3, cache_read=0.5, cache_write=0.25, usage="always")
STREAMED = {"streaming", "failed stream", "cut stream", "stream without usage"}


def form_of(name: str) -> Format:
    return Routes((name,)).default


def said(behaviour: Behaviour = USUAL) -> Script:
    ask = Ask("m", "one two three four five six seven eight", stream=True)
    return script(ask, behaviour, TokenCount(1.0, 0), "r1")


def unframed(data: bytes) -> bytes:
    """The body that HTTP's chunks make."""
    out = b""
    while data:
        size, _, rest = data.partition(b"\r\n")
        out, data = out + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return out


def read(name: str, response: bytes, content_type: str = "application/json") -> Reply:
    head, _, body = response.partition(b"\r\n\r\n")
    decoder = registry.get(name).decoder(int(head.split(b" ", 2)[1]), content_type, keep_text=True)
    decoder.feed(1, unframed(body) if b"chunked" in head else body)
    return decoder.finish(complete=True)


def stream(name: str, ending: str, told: Script) -> Reply:
    form = form_of(name)
    answer = Answer(form, told)
    data = answer.head() + b"".join(answer.ping() + answer.token(number) for number in range(4))
    data += b"" if ending != "end" else b"".join(answer.token(number) for number in range(4, told.tokens))
    data += {"end": answer.end, "cut": answer.cut, "error": answer.in_band_error}[ending]()
    return read(name, data, form.content_type)


def working(name: str) -> set[str]:
    """The knobs that the format has, found out by turning them."""
    answer = Answer(form_of(name), said())
    reply, failed = read(name, answer.whole()), read(name, answer.whole_failure())
    mute = said(Behaviour(tokens=8, usage="off"))
    silent = read(name, Answer(form_of(name), mute).whole())
    found = {
        "usage": reply.token_count_source == "usage",
        "usage missing": silent.token_count_source != "usage" and "".join(silent.text) == mute.text(),
        "reasoning": "".join(reply.text) == said().text(),
        "reasoning counted": reply.buckets.reasoning == 3,
        "cache read": reply.buckets.cache_read == 4,
        "cache written": reply.buckets.cache_write == 2,
        "failed answer": failed.error_type == "stream_error" and "simulated" in (failed.error or ""),
        "pings": bool(answer.ping()),
    }
    if "streaming" not in CANNOT[name]:
        broken, cut = stream(name, "error", said()), stream(name, "cut", said())
        whole, bare = stream(name, "end", said()), stream(name, "end", mute)
        found |= {
            "streaming": (whole.error_type, len(whole.chunk_stamps)) == (None, 8),
            "failed stream": broken.error_type == "stream_error"
            and len(broken.chunk_stamps) == 4
            and "simulated" in (broken.error or ""),
            "cut stream": cut.error_type == "truncated" and len(cut.chunk_stamps) == 4,
            "stream without usage": (bare.error_type, bare.token_count_source) == (None, "chunks"),
        }
    return {knob for knob, works in found.items() if works}


KNOBS = {
    "usage", "usage missing", "reasoning", "reasoning counted", "cache read", "cache written", "failed answer", "pings",
    *STREAMED,
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_each_knob_works_or_has_a_reason(name: str) -> None:
    assert working(name) == KNOBS - CANNOT[name].keys()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request"), (401, "auth"), (403, "auth"), (404, "invalid_request"), (422, "invalid_request"),
        (429, "rate_limit"), (500, "server"), (504, "server"), (529, "overloaded"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", FORMATS)
def test_each_error_means_the_same_under_every_format(name: str, status: int, kind: str) -> None:
    reply = read(name, error_response(form_of(name), status, "simulated trouble"))
    assert (reply.error, reply.error_kind) == ("simulated trouble", kind)


@pytest.mark.parametrize("name", FORMATS)
def test_what_words_alone_tell_apart_means_the_same_too(name: str) -> None:
    form = form_of(name)
    for refusal, kind in ((form.too_long, "context_length"), (form.no_quota, "quota")):
        reply = read(name, refusal_response(refusal))
        assert (reply.error_kind, reply.text) == (kind, []), "and the vendors' own clients read the same responses"
        assert reply.error


@pytest.mark.parametrize("name", FORMATS)
def test_limits_in_headers_are_read(name: str) -> None:
    form = form_of(name)
    name_of = "req-minute" if name == "mistral" else "requests"
    told = rate_limits(form.rate_headers(60, 59).items(), 1_700_000_000.0)[name_of]
    assert told.remaining == 59
    assert told.limit == (None if name == "replicate" else 60)
    _, headers = form.error(429, "slow down")
    if name not in {"gemini", "bedrock", "ollama", "llamacpp-completion"}:  # whose APIs send none
        assert rate_limits(headers.items(), 1_700_000_000.0)[name_of].remaining == 0
