"""Usage objects of Anthropic Messages in disjoint buckets, and what of them has prices of its own. Pure.

Source: the Claude API reference, "Usage", "Prompt caching", "Compaction" and "Fast mode".
"""

import msgspec

from app.adapters.base import Buckets, Terms


class _Details(msgspec.Struct):
    thinking_tokens: int | None = None


class _Written(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _Searches(msgspec.Struct):
    web_search_requests: int | None = None


class _Counts(msgspec.Struct):
    type: str = ""
    input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _Written | None = None
    output_tokens: int | None = None


class _Usage(_Counts):
    output_tokens_details: _Details | None = None
    server_tool_use: _Searches | None = None
    iterations: list[_Counts] | None = None
    speed: str | None = None
    service_tier: str | None = None


_decode = msgspec.json.Decoder(_Usage).decode


def buckets(usage: bytes) -> Buckets:
    """`input_tokens` is what neither came from the cache nor went into it; thinking is part of the output."""
    said = _decode(usage)
    reasoning = said.output_tokens_details.thinking_tokens if said.output_tokens_details is not None else None
    output = said.output_tokens
    return Buckets(
        uncached_input=said.input_tokens,
        cache_read=said.cache_read_input_tokens,
        cache_write=_written(said),
        visible_output=None if output is None else max(0, output - (reasoning or 0)),
        reasoning=reasoning,
    )


def billed(usage: bytes) -> Buckets | None:
    """What is kept for an hour costs more to write than what is kept for five minutes; searches cost by the piece.

    What it took to sum up a conversation that grew too long ("compaction") is billed beside the counts.
    """
    said = _decode(usage)
    beside = [one for one in said.iterations or () if one.type == "compaction"]
    for_an_hour = sum((one.cache_creation or _Written()).ephemeral_1h_input_tokens or 0 for one in (said, *beside))
    searches = (said.server_tool_use or _Searches()).web_search_requests
    if not (for_an_hour or beside or searches):
        return None
    counted = buckets(usage)
    written = _sum(counted.cache_write, *map(_written, beside))
    return msgspec.structs.replace(
        counted,
        uncached_input=_sum(counted.uncached_input, *(one.input_tokens for one in beside)),
        cache_read=_sum(counted.cache_read, *(one.cache_read_input_tokens for one in beside)),
        cache_write=written,
        visible_output=_sum(counted.visible_output, *(one.output_tokens for one in beside)),
        cache_write_1h=min(for_an_hour, written or 0),
        web_searches=searches,
    )


def terms(usage: bytes) -> Terms:
    """The fast mode of some models, and what was a part of a batch."""
    said = _decode(usage)
    if said.service_tier == "batch":
        return (("processing", "batch"),)
    return (("speed", "fast"),) if said.speed == "fast" else ()


def _written(counts: _Counts) -> int | None:
    """The sum; some tell its parts only."""
    if counts.cache_creation_input_tokens is not None or counts.cache_creation is None:
        return counts.cache_creation_input_tokens
    return _sum(*msgspec.structs.astuple(counts.cache_creation))


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
