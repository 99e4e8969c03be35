"""The number of an arrival → the bytes of its request. The same seed gives the same requests, however a run is sharded.

Making an ordinary one takes some tens of microseconds: it happens in the idle moments of the measuring loop.
"""

import random
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from app.adapters.addressing import addressed
from app.adapters.base import Adapter, ChatRequest, EmbeddingRequest, EmbeddingsAdapter, HttpRequest, Message
from app.adapters.media import Media
from app.datasets import synthetic
from app.datasets.lengths import sampler, words_for, words_within
from app.datasets.made_up_media import made_up
from app.loadgen.clock import realtime_ns
from app.loadgen.http1 import request_bytes
from app.loadgen.plan import Embeddings, MadeUpMedia, Plan, Prompts, Synthetic, Trace
from app.loadgen.trace_context import HEADER, with_parent

_CACHED_REQUESTS = 256
_CACHED_BYTES = 16 * 2**20

MessageOf = Callable[[int], bytes]


class RequestWriter:
    """Writes requests of one plan: its model, sampling, address and headers are the same in all."""

    def __init__(self, plan: Plan, adapter: Adapter, embeddings: EmbeddingsAdapter | None) -> None:
        url = urlsplit(plan.endpoint.base_url)
        self._endpoint = plan.endpoint
        self._adapter = adapter
        self.is_signed = adapter.is_signed  # then a request is good for some minutes only
        self._embeddings = embeddings
        self._host = url.netloc.rpartition("@")[2]
        self._base_path = url.path
        self._trace_id, self._trace_scope, self._trace_ratio = plan.trace_id, plan.trace_scope, plan.trace_ratio
        self._first_index, self._stride = plan.index_base, plan.index_stride
        # A trace of the provider's settings would be a second, contradicting one.
        self._headers = [
            (name, value)
            for name, value in plan.endpoint.headers.items()
            if plan.trace_id is None or name.lower() != HEADER
        ]
        sampling = dict(plan.sampling)
        system = sampling.pop("system", None)
        stop = sampling.pop("stop", None)
        self.system: Message | None = Message("system", system) if system else None
        self._sampling = sampling | {"stop": tuple(stop) if stop else None}

    def chat(self, messages: Iterable[Message], output_tokens: int = 0) -> bytes:
        """A chat completion; the plan's system message goes first unless the messages have one of their own."""
        said = tuple(messages)
        if self.system is not None and not any(message.role == "system" for message in said):
            said = (self.system, *said)
        request = ChatRequest(
            model=self._endpoint.model, messages=said, output_tokens=output_tokens or None, **self._sampling
        )
        return self._bytes(self._adapter.encode(request, self._endpoint.api_key))

    def embedding(self, texts: tuple[str, ...]) -> bytes:
        """An embeddings request."""
        if self._embeddings is None:
            raise ValueError(f"embeddings of the kind {self._endpoint.adapter!r} are not supported")
        request = EmbeddingRequest(model=self._endpoint.model, texts=texts, extra=self._sampling.get("extra", {}))
        return self._bytes(self._embeddings.encode(request, self._endpoint.api_key))

    def _bytes(self, request: HttpRequest) -> bytes:
        key, now = self._endpoint.api_key, realtime_ns() / 1e9
        method, target, headers, body = addressed(self._adapter, request, self._host, self._base_path, key, now)
        return request_bytes(method, target, self._host, [*headers, *self._headers], body)

    def traced(self, number: int, message: bytes) -> bytes:
        """The request of arrival `number` with its place in the plan's trace, if there is one."""
        if self._trace_id is None:
            return message
        index = self._first_index + number * self._stride
        return with_parent(message, self._trace_id, self._trace_scope, index, self._trace_ratio)


def message_of(plan: Plan, writer: RequestWriter) -> MessageOf:
    """The function that makes the request of arrival `number`, for every workload but conversations."""
    make = _maker(plan, writer)
    return make if plan.trace_id is None else lambda number: writer.traced(number, make(number))


def _maker(plan: Plan, writer: RequestWriter) -> MessageOf:
    workload = plan.workload
    if isinstance(workload, Prompts):
        return _given(workload, writer)
    if isinstance(workload, Synthetic):
        return _made_up(workload, plan.seed, writer)
    if isinstance(workload, Trace):
        return _recorded(workload, plan.seed, writer)
    if isinstance(workload, Embeddings):
        return _embeddings(workload, plan.seed, writer)
    raise TypeError(f"requests of {type(workload).__name__} depend on the answers before them")


def _given(workload: Prompts, writer: RequestWriter) -> MessageOf:
    count = len(workload.message_lists or workload.prompts)
    kept: dict[int, bytes] = {}
    kept_bytes = 0

    def make(which: int) -> bytes:
        output_tokens = workload.output_tokens[which] if workload.output_tokens else 0
        if workload.message_lists:
            turns = workload.message_lists[which]
            return writer.chat([Message(turn.role, turn.content, turn.parts) for turn in turns], output_tokens)
        return writer.chat([Message("user", workload.prompts[which])], output_tokens)

    def message(number: int) -> bytes:
        nonlocal kept_bytes
        which = number % count
        made = kept.get(which)
        if made is None:
            made = make(which)
            if not writer.is_signed and len(kept) < _CACHED_REQUESTS and kept_bytes + len(made) <= _CACHED_BYTES:
                kept[which] = made
                kept_bytes += len(made)
        return made

    return message


def _made_up(workload: Synthetic, seed: int, writer: RequestWriter) -> MessageOf:
    input_tokens, output_tokens = sampler(workload.input_tokens), sampler(workload.output_tokens)
    tokens, groups = workload.tokens, workload.prefix_groups
    prefix_words = words_within(workload.prefix_tokens, tokens) if workload.prefix_tokens else 0
    shared = synthetic.SharedTexts(seed)
    has_media = workload.media != MadeUpMedia()

    def message(number: int) -> bytes:
        rng = random.Random(f"request-{seed}-{number}")  # noqa: S311  (reproducible, not a secret)
        words, wanted = words_for(input_tokens(rng), tokens), output_tokens(rng)
        if not groups:
            text = synthetic.prompt(seed, number, words)
            parts: tuple[str | Media, ...] = (*made_up(workload.media, seed, number), text) if has_media else ()
            return writer.chat([Message("user", text, parts)], wanted)
        group = rng.randrange(groups)
        if rng.random() < workload.uniqueness:
            own = synthetic.prompt(seed, number, words)
        else:  # what this group repeats, of the length that its name draws
            again = random.Random(f"repeated-{seed}-{group}")  # noqa: S311
            own = shared.text("repeated", group, words_for(input_tokens(again), tokens))
        if prefix_words:
            own = f"{shared.text('prefix', group, prefix_words)} {own}"
        return writer.chat([Message("user", own)], wanted)

    return message


def _recorded(workload: Trace, seed: int, writer: RequestWriter) -> MessageOf:
    tokens, count = workload.tokens, len(workload.input_tokens)
    block_words = words_within(workload.block_tokens, tokens)
    shared = synthetic.SharedTexts(seed)

    def text(number: int, cycle: int, which: int) -> str:
        words = words_for(workload.input_tokens[which], tokens)
        blocks = workload.blocks[which] if workload.blocks else ()
        covers_all = len(blocks) * workload.block_tokens >= workload.input_tokens[which]
        parts: list[str] = []
        left = words
        for position, name in enumerate(blocks):
            if left <= 0:
                break
            is_last = position == len(blocks) - 1
            # A trace that comes round again is another trace: its blocks must not be in the cache already.
            size = left if is_last and covers_all else min(left, block_words)
            parts.append(shared.text(f"block-{cycle}", name, size))
            left -= size
        if left > 0:
            parts.append(synthetic.prompt(seed, number, left))
        return " ".join(parts)

    def message(number: int) -> bytes:
        cycle, which = divmod(number, count)
        return writer.chat([Message("user", text(number, cycle, which))], workload.output_tokens[which])

    return message


def _embeddings(workload: Embeddings, seed: int, writer: RequestWriter) -> MessageOf:
    texts, size = workload.texts, workload.batch_size
    input_tokens = sampler(workload.input_tokens)

    def message(number: int) -> bytes:
        first = number * size
        if texts:
            return writer.embedding(tuple(texts[(first + item) % len(texts)] for item in range(size)))
        rng = random.Random(f"request-{seed}-{number}")  # noqa: S311
        return writer.embedding(
            tuple(
                synthetic.prompt(seed, first + item, words_for(input_tokens(rng), workload.tokens))
                for item in range(size)
            )
        )

    return message
