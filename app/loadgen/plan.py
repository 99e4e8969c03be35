"""What an engine is asked to do: where, what, when, within which limits. Plain values that travel as one frame.

A plan is one shard of one target's run at one level of load. `benchmarks.planner` makes it from a spec.
"""

from typing import Any, Literal

import msgspec

from app.adapters.media import Media


class Endpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where requests go and in which wire format; `definition` describes that of a custom provider."""

    adapter: str
    base_url: str
    model: str
    api_key: str | None = None
    headers: dict[str, str] = {}
    verify_tls: bool = True
    ca_file: str | None = None
    definition: dict[str, Any] | None = None
    addresses: tuple[str, ...] = ()  # already resolved and checked; empty: the engine resolves by itself


class Segment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stretch of an open loop whose rate goes from one value to another; `seconds` None is for ever."""

    rate_from: float
    rate_to: float
    seconds: float | None = None
    curve: Literal["linear", "exponential"] = "linear"


class Level(msgspec.Struct, frozen=True, omit_defaults=True):
    """From `at_ns` after the start on, a closed loop has this many users (over all shards)."""

    at_ns: int
    concurrency: int


class Arrivals(msgspec.Struct, frozen=True, omit_defaults=True):
    """When requests start, over all shards; shard k of K takes arrivals k, k+K, …

    `closed`: `concurrency` users, or as many as `levels` say, joining evenly over `ramp_up_ns`. `trace`: at `offsets`.
    The others are open loops whose unit-rate gaps are constant, exponential or gamma with shape `burstiness`,
    stretched by `segments` (or by `rate` where there are none); `concurrency` caps requests in flight.
    """

    kind: Literal["closed", "constant", "poisson", "gamma", "trace"]
    concurrency: int = 0
    rate: float = 0.0  # requests per second
    burstiness: float = 1.0
    segments: tuple[Segment, ...] = ()
    levels: tuple[Level, ...] = ()
    levels_end_ns: int | None = None  # no request starts after this
    ramp_up_ns: int = 0
    offsets: bytes = b""  # ascending little-endian int64 nanoseconds from the start


class Lengths(msgspec.Struct, frozen=True, omit_defaults=True):
    """A distribution of whole numbers (tokens, milliseconds), cut to `minimum` … `maximum`.

    `fixed` is always `mean`; `lognormal` has this mean and deviation itself, not those of its logarithm; `empirical`
    draws from `values` with `weights` (all alike when there are none).
    """

    kind: Literal["fixed", "normal", "lognormal", "uniform", "exponential", "empirical"] = "fixed"
    mean: float = 0.0
    stdev: float = 0.0
    minimum: int = 0
    maximum: int = 0  # 0: no limit
    values: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()


class Turn(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A message that a request carries; `output_tokens` is asked for with the request that ends in it.

    `parts`, where it holds images or sounds, are all that it says, in order; `content` is the text of it.
    """

    role: Literal["system", "user", "assistant"]
    content: str
    output_tokens: int = 0
    parts: tuple[str | Media, ...] = ()


class TokenModel(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many words make how many tokens: `tokens = overhead + words * per_word`."""

    per_word: float = 1.0
    overhead: float = 0.0
    source: Literal["assumed", "given", "usage"] = "assumed"


class Prompts(msgspec.Struct, frozen=True, tag="prompts", omit_defaults=True):
    """Given requests, taken in turn: plain user prompts, or whole message lists (`conversations`, last turn a user's).

    `output_tokens` has one entry a prompt, 0 for none; empty for none at all.
    """

    prompts: tuple[str, ...] = ()
    message_lists: tuple[tuple[Turn, ...], ...] = ()
    output_tokens: tuple[int, ...] = ()


class MadeUpMedia(msgspec.Struct, frozen=True, omit_defaults=True):
    """Images of one size and a sound, made up anew for each request; 0 is none."""

    images: int = 0
    width: int = 0
    height: int = 0
    audio_ms: int = 0
    sample_rate_hz: int = 16_000


class Synthetic(msgspec.Struct, frozen=True, tag="synthetic", omit_defaults=True):
    """Made-up prompts, all different from their first word on; with `prefix_groups`, only from `prefix_tokens` on.

    Request j belongs to a group drawn from the seed. `uniqueness` is the share of prompts that nobody else sends.
    """

    input_tokens: Lengths
    output_tokens: Lengths
    prefix_groups: int = 0
    prefix_tokens: int = 0
    uniqueness: float = 1.0
    tokens: TokenModel = TokenModel()
    media: MadeUpMedia = MadeUpMedia()


class Conversations(msgspec.Struct, frozen=True, tag="conversations", omit_defaults=True):
    """Several turns, each sent when the answer before it has come and a pause is over; the answer becomes history.

    Either `given` user turns, taken in turn, or `turns` made-up ones.
    """

    given: tuple[tuple[Turn, ...], ...] = ()
    turns: int = 0
    input_tokens: Lengths = Lengths()
    output_tokens: Lengths = Lengths()
    think_ms: Lengths = Lengths()
    tokens: TokenModel = TokenModel()


class Embeddings(msgspec.Struct, frozen=True, tag="embeddings", omit_defaults=True):
    """Embedding requests of `batch_size` texts: given ones taken in turn, or made up."""

    texts: tuple[str, ...] = ()
    input_tokens: Lengths = Lengths()
    batch_size: int = 1
    tokens: TokenModel = TokenModel()


class Trace(msgspec.Struct, frozen=True, tag="trace", omit_defaults=True):
    """Made-up prompts of recorded lengths. Requests with equal leading `blocks` share that many tokens of prefix.

    `blocks[j]` names the `block_tokens`-long pieces of prompt j (Mooncake's `hash_ids`); empty: all are unique.
    """

    input_tokens: tuple[int, ...]
    output_tokens: tuple[int, ...]
    blocks: tuple[tuple[int, ...], ...] = ()
    block_tokens: int = 512
    tokens: TokenModel = TokenModel()


Workload = Prompts | Synthetic | Conversations | Embeddings | Trace


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Time-outs and retries of one request."""

    connect_ns: int = 10 * 10**9
    first_token_ns: int = 120 * 10**9
    between_chunks_ns: int = 60 * 10**9
    total_ns: int = 600 * 10**9
    max_attempts: int = 1
    base_delay_ns: int = 500 * 10**6
    max_delay_ns: int = 20 * 10**9


class RateLimit(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the client allows itself, over all shards; 0 is no limit. Starts held back show it as schedule delay."""

    requests_per_minute: float = 0.0
    tokens_per_minute: float = 0.0


class Plan(msgspec.Struct, frozen=True, tag="plan", omit_defaults=True):
    """One shard of one target's run.

    Arrival j of the whole run has index `index_base + j * index_stride`, so indices are unique over targets and shards.
    """

    endpoint: Endpoint
    workload: Workload
    arrivals: Arrivals
    sampling: dict[str, Any] = {}  # benchmarks.schemas.Sampling, nulls left out
    limits: Limits = Limits()
    rate_limit: RateLimit = RateLimit()
    requests: int | None = None  # over all shards
    duration_ns: int | None = None
    seed: int = 0
    shard: int = 0
    shards: int = 1
    index_base: int = 0
    index_stride: int = 1
    start_at_ns: int = 0  # 0: as soon as the connections are open
    keeps_start: bool = False  # a plan that is taken up again keeps its instants, also those that have passed
    free_since_ns: int = 0  # Unix: users of a closed loop that is taken up again have nothing to do since then
    grace_ns: int = 5 * 10**9  # after Stop, in-flight requests get this long
    save_responses: bool = False
    save_gaps: bool = True
    message_lifetime_ns: int | None = None  # how long the bytes of a request are good, where they are signed
    trace_id: str | None = None  # where set, each request carries a `traceparent` of this trace
    trace_scope: str = ""  # the benchmark among those of the trace
    trace_ratio: float = 1.0  # share of the requests whose `traceparent` is flagged as sampled
    skip: tuple[int, ...] = ()  # indices already stored by an earlier try of this shard
