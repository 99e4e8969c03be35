"""What one answer says, before any wire format: words, reasoning, usage, how it ends. Pure."""

from typing import Any, Literal, NamedTuple

import msgspec

from app.simulator.attachments import Attached
from app.simulator.behaviour import Behaviour
from app.simulator.counting import TokenCount
from app.simulator.told_times import ToldTimes

_WORDS = (" time", " year", " hand", " part", " case", " week", " work", " home")  # all of one length
_SPEAKING_FIELDS = ("content", "text", "parts", "system", "systemInstruction", "instructions", "prompt", "input")


class Ask(NamedTuple):
    """What the simulator reads of a request.

    `insists` is for exactly `limit` tokens; `is_fetched`: the stream is asked for with a second request.
    """

    model: str
    text: str
    stream: bool = False
    limit: int | None = None
    insists: bool = False
    wants_usage: bool = True
    attached: Attached = Attached()
    is_fetched: bool = False

    def tokens(self, usual: int) -> int:
        """How long the answer is: the usual length, cut by the request's limit, or just that limit if it insists."""
        if self.limit is None:
            return usual
        return max(1, self.limit if self.insists else min(self.limit, usual))


class Script(msgspec.Struct, frozen=True):
    """One answer. The first `reasoning` of its `tokens` are reasoning; cached tokens are part of `prompt`."""

    response_id: str
    model: str
    words: tuple[str, ...]
    tokens: int
    reasoning: int
    finish: Literal["stop", "length"]
    prompt: int
    cache_read: int
    cache_write: int
    has_usage: bool
    told: ToldTimes
    ttft_ms: float
    itl_ms: float

    @property
    def visible(self) -> int:
        """Tokens that are no reasoning."""
        return self.tokens - self.reasoning

    def word(self, number: int) -> str:
        """The text of one token."""
        return self.words[number % len(self.words)]

    def is_reasoning(self, number: int) -> bool:
        """What kind of token it is."""
        return number < self.reasoning

    def reasoning_text(self) -> str:
        """All reasoning."""
        return "".join(self.word(number) for number in range(self.reasoning))

    def text(self) -> str:
        """All that is no reasoning."""
        return "".join(self.word(number) for number in range(self.reasoning, self.tokens))


def script(ask: Ask, behaviour: Behaviour, count: TokenCount, response_id: str) -> Script:
    """What the simulator answers."""
    usual = behaviour.tokens
    tokens, limit = ask.tokens(usual), ask.limit
    prompt = count.tokens(ask.text) + ask.attached.tokens
    words = tuple(" " + word for word in behaviour.text.split()) if behaviour.text else _WORDS
    read = round(prompt * behaviour.cache_read)
    return Script(
        response_id=response_id,
        model=ask.model,
        words=words,
        tokens=tokens,
        reasoning=min(behaviour.reasoning, tokens),
        finish="length" if limit is not None and limit <= tokens < max(usual, limit + 1) else "stop",
        prompt=prompt,
        cache_read=read,
        cache_write=min(round(prompt * behaviour.cache_write), prompt - read),
        told=ToldTimes.of(behaviour.timings, behaviour.ttft_ms, behaviour.itl_ms, tokens),
        ttft_ms=behaviour.ttft_ms,
        itl_ms=behaviour.itl_ms,
        has_usage=behaviour.usage == "always" or (ask.wants_usage and behaviour.usage == "on"),
    )


def spoken(value: Any) -> str:
    """All text of a conversation, wherever a format puts it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return " ".join(filter(None, map(spoken, value)))
    if isinstance(value, dict):
        return " ".join(filter(None, (spoken(value[name]) for name in _SPEAKING_FIELDS if name in value)))
    return ""
