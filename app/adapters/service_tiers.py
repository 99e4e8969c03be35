"""Tiers of service with prices of their own. OpenAI says beside the usage which one an answer was sold as. Pure.

Source: the OpenAI API reference, `service_tier`. So that the cost can be told from the usage object alone, a tier that
is not the usual one is put into it, where Mistral, Anthropic and Google have theirs.
"""

import msgspec

from app.adapters.base import Terms

_USUAL = {None, "", "auto", "default", "standard", "on_demand"}


class _Tier(msgspec.Struct):
    service_tier: str | None = None


_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_tier = msgspec.json.Decoder(_Tier).decode


def with_tier(usage: bytes, tier: str | None) -> bytes:
    """The usage object, with the tier in it where that is not the usual one; empty where there is none."""
    if not usage or tier in _USUAL:
        return usage
    try:
        return msgspec.json.encode(_decode_fields(usage) | {"service_tier": tier})
    except ValueError:  # a usage object of another shape: its reader says so
        return usage


def terms(usage: bytes) -> Terms:
    """The tier in a usage object; raises `ValueError` where it is of another shape."""
    tier = _decode_tier(usage).service_tier
    return () if tier in _USUAL else (("service_tier", str(tier)),)
