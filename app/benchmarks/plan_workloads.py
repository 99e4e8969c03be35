"""Workload of a spec → workload of a plan. Pure."""

from itertools import zip_longest

import msgspec

from app.benchmarks.content_parts import parts_of, text_of
from app.benchmarks.workloads import (
    ChatTurn,
    ConversationList,
    EmbeddingInputs,
    EmpiricalLength,
    Length,
    OnePrompt,
    PromptItem,
    PromptList,
    SharedPrefixPrompts,
    SyntheticConversations,
    SyntheticPrompts,
    ThinkTime,
    TracePrompts,
    UniformLength,
    WorkloadSpec,
)
from app.datasets.lengths import estimated_tokens
from app.loadgen.plan import (
    Conversations,
    Embeddings,
    Lengths,
    MadeUpMedia,
    Prompts,
    Synthetic,
    TokenModel,
    Trace,
    Turn,
    Workload,
)

_MS_PER_S = 1_000


def workload(spec: WorkloadSpec, measured: TokenModel | None = None) -> Workload:  # noqa: PLR0911  (one a kind)
    """What is asked, as the instrument takes it; `measured` is what probes of the server found out about its tokens."""
    if isinstance(spec, OnePrompt):
        return Prompts((spec.prompt,))
    if isinstance(spec, PromptList):
        return _prompts(spec)
    if isinstance(spec, ConversationList):
        return Conversations(
            given=tuple(_conversation(turns) for turns in spec.conversations), think_ms=_pause(spec.think_time)
        )
    tokens = measured or TokenModel()
    if spec.words_per_token is not None:
        tokens = TokenModel(per_word=1 / spec.words_per_token, source="given")
    if isinstance(spec, SyntheticPrompts):
        return Synthetic(lengths(spec.input_tokens), lengths(spec.output_tokens), tokens=tokens, media=_media(spec))
    if isinstance(spec, SharedPrefixPrompts):
        return Synthetic(
            lengths(spec.input_tokens),
            lengths(spec.output_tokens),
            spec.groups,
            spec.prefix_tokens,
            spec.uniqueness,
            tokens,
        )
    if isinstance(spec, SyntheticConversations):
        return Conversations(
            turns=spec.turns,
            input_tokens=lengths(spec.input_tokens),
            output_tokens=lengths(spec.output_tokens),
            think_ms=_pause(spec.think_time),
            tokens=tokens,
        )
    if isinstance(spec, EmbeddingInputs):
        made_up = lengths(spec.input_tokens) if spec.input_tokens is not None else Lengths()
        return Embeddings(tuple(spec.texts or ()), made_up, spec.batch_size, tokens)
    return _trace(spec, tokens)


def _media(spec: SyntheticPrompts) -> MadeUpMedia:
    images, audio = spec.images, spec.audio
    made = MadeUpMedia() if images is None else MadeUpMedia(images.count, images.width, images.height)
    if audio is None:
        return made
    return msgspec.structs.replace(made, audio_ms=round(audio.seconds * _MS_PER_S), sample_rate_hz=audio.sample_rate_hz)


def lengths(length: Length) -> Lengths:
    """A length of the spec as a distribution."""
    if isinstance(length, int):
        return Lengths(mean=length)
    if isinstance(length, UniformLength):
        mean = (length.minimum + length.maximum) / 2
        return Lengths("uniform", mean, minimum=length.minimum, maximum=length.maximum)
    if isinstance(length, EmpiricalLength):
        weights = length.weights or [1.0] * len(length.values)
        mean = sum(value * weight for value, weight in zip(length.values, weights, strict=True)) / sum(weights)
        return Lengths("empirical", mean, values=tuple(length.values), weights=tuple(length.weights or ()))
    return Lengths(length.kind, length.mean, length.stdev, length.minimum, length.maximum)


def _prompts(spec: PromptList) -> Prompts:
    items = [PromptItem(prompt=item) if isinstance(item, str) else item for item in spec.prompts]
    output_tokens = tuple(item.output_tokens or 0 for item in items)
    if not any(output_tokens):
        output_tokens = ()
    if all(item.prompt is not None for item in items):
        return Prompts(tuple(item.prompt or "" for item in items), output_tokens=output_tokens)
    lists = (_turns(item.messages) if item.messages else (Turn("user", item.prompt or ""),) for item in items)
    return Prompts(message_lists=tuple(lists), output_tokens=output_tokens)


def _turns(turns: list[ChatTurn]) -> tuple[Turn, ...]:
    return tuple(Turn(turn.role, text_of(turn.content), 0, parts_of(turn.content)) for turn in turns)


def _conversation(turns: list[ChatTurn]) -> tuple[Turn, ...]:
    """Turns as they are sent; a user's asks for about as long an answer as the given one behind it."""
    return tuple(
        Turn(
            turn.role,
            text_of(turn.content),
            estimated_tokens(text_of(following.content))
            if turn.role == "user" and following is not None and following.role == "assistant"
            else 0,
            parts_of(turn.content),
        )
        for turn, following in zip_longest(turns, turns[1:])
        if turn is not None
    )


def _pause(pause: ThinkTime) -> Lengths:
    mean_ms = pause.mean_seconds * _MS_PER_S
    return Lengths("exponential" if pause.distribution == "exponential" else "fixed", mean_ms)


def _trace(spec: TracePrompts, tokens: TokenModel) -> Trace:
    has_blocks = any(request.blocks for request in spec.requests)
    return Trace(
        tuple(request.input_tokens for request in spec.requests),
        tuple(request.output_tokens for request in spec.requests),
        tuple(tuple(request.blocks or ()) for request in spec.requests) if has_blocks else (),
        spec.block_tokens,
        tokens,
    )
