"""What goes into and comes out of an engine process: msgpack frames behind a 4-byte big-endian length.

In, on stdin: one `Plan`, then any number of `Stop`. When stdin closes the engine exits: it never outlives its owner.
Out, on stdout: `Ready`, then `Records` and `Tick` (4 a second) in any order, then exactly one `Done` or `Failed`.

All instants are Unix nanoseconds (CLOCK_REALTIME), 0 where a request never got that far; all durations nanoseconds.
"""

from typing import Literal

import msgspec

from app.loadgen.plan import Plan

FRAME_LIMIT_BYTES = 256 * 2**20
ClockSource = Literal["kernel", "user"]
ReaderKind = Literal["native", "python"]  # who read the sockets: `loadgen.native` or `loadgen.reader`


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Start nothing more; give in-flight requests `Plan.grace_ns`, then close. `drain`: let them end by themselves."""

    reason: str = "cancelled"
    drain: bool = False


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The connections are open (or failed to: then their requests will say so) and the clock may start."""

    pid: int
    connections: int
    clock: ClockSource
    reader: ReaderKind = "python"


class Record(msgspec.Struct, array_like=True, omit_defaults=True):
    """One request as it was measured. `status` is `ok` or `error`; then `error_type` is one of `ERROR_TYPES`."""

    index: int
    status: Literal["ok", "error"]
    intended_ns: int
    started_ns: int = 0
    first_byte_ns: int = 0
    first_token_ns: int = 0
    first_output_ns: int = 0
    last_token_ns: int = 0
    end_ns: int = 0
    dns_ns: int = 0
    connect_ns: int = 0
    tls_ns: int = 0
    reused: bool = False
    attempts: int = 1
    clock: ClockSource = "kernel"
    clock_stepped: bool = False
    error_type: str | None = None
    error: str | None = None
    http_status: int | None = None
    response_id: str | None = None
    finish_reason: str | None = None
    chunks: int = 0
    coalesced_chunks: int = 0
    gaps: bytes = b""  # see `CENSORED`
    uncached_input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    visible_output_tokens: int | None = None
    reasoning_tokens: int | None = None
    token_count_source: Literal["usage", "tokenizer", "chunks"] | None = None
    usage: bytes = b""  # the provider's own object, as JSON
    response_text: str | None = None
    server_timings: dict[str, float] = {}  # milliseconds, as the server reports them; see `adapters.server_timings`
    turn: int | None = None  # of its conversation, from 0; None outside one
    conversation: int | None = None  # its number in the run, from 0
    error_kind: str | None = None  # what the provider's error means; see `adapters.errors.ErrorKind`
    rate_limits: dict[str, dict[str, float]] = {}  # by name, as headers tell; see `adapters.rate_limits`
    response_model: str | None = None  # that the answer says it is from
    response_headers: dict[str, str] = {}  # see `response_headers`; only where they are kept


# `Record.gaps` holds one little-endian int64 per output chunk after the first: nanoseconds since the chunk before it.
# Chunks that came out of one read share its stamp, which is the last one's: the earlier ones are written as CENSORED
# and the gap behind a run of them spans the whole run. So a gap is one chunk's only when it is >= 0 and its predecessor
# is not CENSORED.
CENSORED = -1


class Records(msgspec.Struct, frozen=True, tag="records"):
    """Finished requests, in the order in which they ended."""

    records: list[Record]


class Tick(msgspec.Struct, frozen=True, tag="tick"):
    """Counters since the start of the shard, and the instrument's own health since the last tick."""

    at_ns: int
    started: int
    completed: int
    in_flight: int
    waiting: int  # open loop: due but held back by the cap
    decode_backlog: int  # finished streams not yet decoded
    bytes_in: int
    reads: int
    loop_lag_p99_ns: int
    loop_lag_max_ns: int
    send_lag_p99_ns: int
    send_lag_max_ns: int
    cpu_ns: int
    rss_bytes: int
    oldest_ns: int = 0  # start of the oldest request that has not been told as a record; 0: all have


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The shard is over; whole-shard facts about the instrument."""

    reason: Literal["completed", "cancelled"]
    started_at_ns: int
    ended_at_ns: int
    started: int
    completed: int
    bytes_in: int
    reads: int
    cpu_ns: int
    peak_rss_bytes: int
    loop_lag_ns: dict[str, int]  # p50, p99, max
    send_lag_ns: dict[str, int]
    clock: ClockSource
    clock_steps: int
    gc_pauses: int = 0
    gc_pause_max_ns: int = 0
    gc_pause_total_ns: int = 0
    core_shares: tuple[float, ...] = ()  # of each core of the machine, by whatever ran there
    steal_share: float = 0.0  # of all cores' time, taken by the hypervisor
    involuntary_switches: int = 0  # how often the engine lost its core
    held_by_rate_limit: int = 0  # starts that waited for `Plan.rate_limit`
    reader: ReaderKind = "python"


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The shard could not run at all (bad plan, unknown adapter); never used for failed requests."""

    message: str


Outgoing = Ready | Records | Tick | Done | Failed
Incoming = Plan | Stop

ERROR_TYPES = (
    "dns",
    "connect",
    "tls",
    "disconnected",
    "timeout_connect",
    "timeout_first_token",
    "timeout_between_chunks",
    "timeout_total",
    "http_3xx",
    "http_4xx",
    "http_429",
    "http_5xx",
    "stream_error",
    "truncated",
    "protocol",
    "empty",
    "cancelled",
    "not_sent",
)

_encoder = msgspec.msgpack.Encoder()
_outgoing: msgspec.msgpack.Decoder[Outgoing] = msgspec.msgpack.Decoder(Outgoing)
_incoming: msgspec.msgpack.Decoder[Incoming] = msgspec.msgpack.Decoder(Incoming)


def encode_frame(frame: Outgoing | Incoming) -> bytes:
    """The frame with its 4-byte length in front."""
    body = _encoder.encode(frame)
    return len(body).to_bytes(4, "big") + body


def decode_outgoing(body: bytes) -> Outgoing:
    """A frame of the engine, without its length.

    Raises:
        msgspec.ValidationError: when it is not one.
    """
    return _outgoing.decode(body)


def decode_incoming(body: bytes) -> Incoming:
    """A frame for the engine, without its length; raises as `decode_outgoing`."""
    return _incoming.decode(body)
