"""Usage objects of Chat Completions, as the vendors that speak it fill them, in disjoint buckets. Pure.

Source: the OpenAI API reference, "The chat completion object", and what each vendor's own reference adds to it.
"""

import msgspec

from app.adapters.base import Buckets


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek
    num_cached_tokens: int | None = None  # Mistral
    prompt_audio_seconds: int | None = None  # Mistral
    cached_tokens: int | None = None  # Together, Moonshot
    reasoning_tokens: int | None = None  # SGLang, Perplexity


_decode = msgspec.json.Decoder(_Usage).decode


def buckets(usage: bytes, *, reasoning_is_beside: bool) -> Buckets:
    """Cached tokens are part of the prompt; reasoning is part of the completion, except where the total says no.

    `reasoning_is_beside`: it is so although the total leaves it out.
    """
    said = _decode(usage)
    prompt_details = said.prompt_tokens_details or _Details()
    details = said.completion_tokens_details or _Details()
    prompt, completion = said.prompt_tokens, said.completion_tokens
    cached = _first(
        prompt_details.cached_tokens, said.prompt_cache_hit_tokens, said.num_cached_tokens, said.cached_tokens
    )
    written = prompt_details.cache_write_tokens
    reasoning = _first(details.reasoning_tokens, said.reasoning_tokens)
    within = reasoning or 0
    both = (prompt or 0) + (completion or 0)
    is_beside = said.total_tokens == both + within or (within > (completion or 0) and said.total_tokens != both)
    if is_beside or reasoning_is_beside:
        within = 0  # xAI counts it beside the completion
    elif completion is not None and within > completion:
        within = reasoning = completion  # some count reasoning with another tokenizer
    return Buckets(
        uncached_input=None if prompt is None else max(0, prompt - (cached or 0) - (written or 0)),
        cache_read=cached,
        cache_write=written,
        visible_output=None if completion is None else completion - within,
        reasoning=reasoning,
    )


def billed(usage: bytes, counted: Buckets) -> Buckets | None:
    """Audio has prices of its own; only what is not cached is told apart here, as OpenAI caches text.

    Mistral bills audio by the second. None where there is no audio.
    """
    said = _decode(usage)
    heard = (said.prompt_tokens_details or _Details()).audio_tokens
    spoken = (said.completion_tokens_details or _Details()).audio_tokens
    if not (heard or spoken or said.prompt_audio_seconds):
        return None
    return msgspec.structs.replace(
        counted,
        audio_input=min(heard or 0, counted.uncached_input or 0),
        audio_output=min(spoken or 0, counted.visible_output or 0),
        audio_seconds=said.prompt_audio_seconds,
    )


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
