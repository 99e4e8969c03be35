"""What response headers say about rate limits. Pure.

Sources: OpenAI API reference, "Rate limits in headers" (`x-ratelimit-{limit,remaining,reset}-{what}`, reset as a
duration such as `6m0s`; Groq, xAI, Together, Azure and others send parts of it, some with seconds); Claude API
reference, "Response headers" (`anthropic-ratelimit-{what}-{limit,remaining,reset}`, reset as an RFC 3339 instant); IETF
draft-ietf-httpapi-ratelimit-headers (`ratelimit-{limit,remaining,reset}`, seconds; Replicate sends two of them). As
their APIs answer: Mistral's `x-ratelimit-*-req-minute` and `ratelimitbysize-*`, which counts tokens, and Cohere's
`x-trial-endpoint-call-*` of trial keys.
"""

import re
from collections.abc import Iterable
from datetime import datetime

import msgspec

_OPENAI = re.compile(r"x-ratelimit-(limit|remaining|reset)(?:-(.+))?")
_ANTHROPIC = re.compile(r"anthropic-(?:priority-)?ratelimit-(?:(?:unified-)?(.+)-)?(limit|remaining|reset)")
_COHERE = re.compile(r"x-(trial-endpoint-call|endpoint-monthly-call)-(limit|remaining)")
_COHERE_NAMES = {"trial-endpoint-call": "requests", "endpoint-monthly-call": "requests-month"}
_MISTRAL = re.compile(r"(?:x-)?ratelimitbysize-(limit|remaining|reset)(?:-(minute|month))?")
_IETF = re.compile(r"ratelimit-(limit|remaining|reset)")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s|d)")
_UNIT_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_EPOCH_SECONDS = 1e9  # a reset above this is an instant, not a duration
_MAX_NAMES = 16


class RateLimitState(msgspec.Struct, frozen=True):
    """One limit: how much there is, how much is left, and in how many seconds it is full again. None: not said."""

    limit: float | None = None
    remaining: float | None = None
    reset_seconds: float | None = None


def rate_limits(headers: Iterable[tuple[str, str]], now_unix_seconds: float) -> dict[str, RateLimitState]:
    """The limits by name (`requests`, `tokens`, `input-tokens` …; `requests` where the vendor names none).

    What cannot be read is left out.
    """
    found: dict[str, dict[str, float]] = {}
    for header, value in headers:
        what, part = _parsed_name(header.lower())
        if part is None or (what not in found and len(found) >= _MAX_NAMES):
            continue
        number = _seconds(value.strip(), now_unix_seconds) if part == "reset" else _number(value)
        if number is not None:
            found.setdefault(what, {}).setdefault("reset_seconds" if part == "reset" else part, number)
    return {what: RateLimitState(**parts) for what, parts in found.items()}


def told(headers: Iterable[tuple[bytes, bytes]], now_unix_seconds: float) -> dict[str, dict[str, float]]:
    """The same from headers as they came off the wire, as plain values without what was not said.

    The instrument asks for it after every response, so headers of other names cost one look.
    """
    mine = [(name, value) for name, value in headers if b"ratelimit" in name or b"-call-" in name]
    if not mine:
        return {}
    texts = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in mine)
    return plain(rate_limits(texts, now_unix_seconds))


def plain(states: dict[str, RateLimitState]) -> dict[str, dict[str, float]]:
    """States as plain values without what was not said."""
    return {
        what: {name: value for name in state.__struct_fields__ if (value := getattr(state, name)) is not None}
        for what, state in states.items()
    }


def _parsed_name(header: str) -> tuple[str, str | None]:
    if match := _OPENAI.fullmatch(header):
        return match[2] or "requests", match[1]
    if match := _ANTHROPIC.fullmatch(header):
        return match[1] or "requests", match[2]
    if match := _IETF.fullmatch(header):
        return "requests", match[1]
    if match := _MISTRAL.fullmatch(header):
        return "tokens" + (f"-{match[2]}" if match[2] else ""), match[1]
    if match := _COHERE.fullmatch(header):
        return _COHERE_NAMES[match[1]], match[2]
    return "", None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 1e15 else None


def _seconds(text: str, now_unix_seconds: float) -> float | None:
    number = _number(text)
    if number is not None:
        while number > _EPOCH_SECONDS * 100:  # OpenRouter says milliseconds since 1970
            number /= 1000
        return max(0.0, number - now_unix_seconds) if number > _EPOCH_SECONDS else number
    pieces = _DURATION.findall(text)
    if pieces and "".join(amount + unit for amount, unit in pieces) == text:
        return sum(float(amount) * _UNIT_SECONDS[unit] for amount, unit in pieces)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(0.0, instant.timestamp() - now_unix_seconds) if instant.tzinfo is not None else None
