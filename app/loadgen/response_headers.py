"""Which headers of a response are kept beside its result, and how much of them. Pure.

They are kept of every response of a run that keeps its texts (`Plan.save_responses`), and of the first `MAX_FAILURES`
failed requests of any shard: those are looked into. Values that are a secret by their name, hold the key that the
request was sent with, or look like a credential are replaced, so that reading results never gives away an access.
"""

import re
from collections.abc import Iterable

MAX_FAILURES = 1_000
MAX_HEADERS = 64
MAX_VALUE_CHARACTERS = 512
MAX_CHARACTERS = 8_192  # of names and values together
REDACTED = "[redacted]"

# The last words of a name say what it is: `x-auth-token` is one, `x-ratelimit-remaining-tokens` counts them.
_SECRET_NAME = re.compile(
    r"(^|-)(cookie2?|authorization|authentication-info|token|secret|passw(or)?d|credentials?|signature|[a-z]*(?<!cache-)"
    r"(?<!surrogate-)key|session(-?id)?|csrf|xsrf)$"
)
_CREDENTIAL = re.compile(
    r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}|\b(sk|pk|gsk|xai|hf|r8|ltb|ltr)[-_][A-Za-z0-9_-]{16,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}|\bAIza[A-Za-z0-9_-]{20,}",
    re.IGNORECASE,
)
# Addresses that are good for a while because of what stands behind their question mark.
_QUERY = re.compile(r"(?<=\?)[^\s>;,\"]+")
_ADDRESSES = frozenset({"location", "content-location", "link", "refresh"})


def kept_headers(headers: Iterable[tuple[bytes, bytes]], api_key: str | None = None) -> dict[str, str]:
    """By lower-case name, in their order; values of one name are joined by commas (RFC 9110, section 5.3).

    What is beyond the bounds is left out; a value that is too long ends in an ellipsis.
    """
    kept: dict[str, str] = {}
    room = MAX_CHARACTERS
    for raw_name, raw_value in headers:
        name = raw_name.decode("latin-1").lower()
        value = _safe(name, raw_value.decode("latin-1").strip(), api_key)
        if name in kept:
            value = kept[name] if value == REDACTED == kept[name] else f"{kept[name]}, {value}"
        elif len(kept) >= MAX_HEADERS:
            continue
        if len(value) > MAX_VALUE_CHARACTERS:
            value = value[: MAX_VALUE_CHARACTERS - 1] + "\u2026"
        cost = len(value) - len(kept[name]) if name in kept else len(name) + len(value)
        if cost <= room:
            room -= cost
            kept[name] = value
    return kept


def _safe(name: str, value: str, api_key: str | None) -> str:
    if _SECRET_NAME.search(name) or (api_key and api_key in value):
        return REDACTED
    if name in _ADDRESSES:
        value = _QUERY.sub(REDACTED, value)
    return _CREDENTIAL.sub(REDACTED, value)
