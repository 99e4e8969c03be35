"""The one order of events over all processes: a bounded Redis stream, whose entries are numbered without holes.

An epoch is a life of that order. It ends when Redis restarts (even with its data: the last second may be missing) or
when the keys are gone; then numbers begin anew under another name, so no old position is ever mistaken for a new one.
Both scripts check that in the server, where nothing can happen in between.

Each process numbers what it appends; an append that is repeated because its answer got lost adds nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from redis.asyncio import Redis

from app.events.types import Event

ORIGIN_KEPT_SECONDS = 86_400
_READ_COUNT = 512

_EPOCH = """
local ok, info = pcall(redis.call, 'INFO', 'server')
local run = ok and type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
local known = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'seq')
local epoch = known[1]
if not epoch or known[2] ~= run then
  epoch = ARGV[1]
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'run', run, 'seq', '0')
end
"""

_JOIN = (
    _EPOCH
    + """
local seq = tonumber(redis.call('HGET', KEYS[1], 'seq'))
return {epoch, seq, redis.call('TIME'), redis.call('XRANGE', KEYS[2], '-', '+')}
"""
)

# ARGV: a name for a new epoch, length of the log, origin, seconds to keep its number; then number and event by turns.
_APPEND = (
    _EPOCH
    + """
local last = tonumber(redis.call('GET', KEYS[3]) or '0')
local time = redis.call('TIME')
for i = 5, #ARGV, 2 do
  local number = tonumber(ARGV[i])
  if number > last then
    local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
    redis.call('XADD', KEYS[2], 'MAXLEN', '=', ARGV[2], seq .. '-0',
      'o', ARGV[3], 'n', ARGV[i], 't', time[1] .. '.' .. string.format('%06d', time[2]), 'd', ARGV[i + 1])
    last = number
  end
end
redis.call('SET', KEYS[3], last, 'EX', ARGV[4])
return epoch
"""
)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Event)


class Entry(NamedTuple):
    """One entry of the log; `event` is None when this version cannot read it (another version wrote it)."""

    seq: int
    origin: str
    number: int
    at: float  # seconds of Redis' clock
    event: Event | None


class Joined(NamedTuple):
    """The log as it was in one instant."""

    epoch: str
    seq: int
    now: float
    entries: list[Entry]


def encode(event: Event) -> bytes:
    """An event as the log keeps it; its position is that of its entry."""
    return _encoder.encode(event)


class RedisLog:
    """The log under `prefix`. Methods raise what the Redis client raises."""

    def __init__(self, client: Redis, prefix: str, origin: str, limit: int) -> None:
        self._client = client
        self._keys = [f"{{{prefix}}}:order", f"{{{prefix}}}:log", f"{{{prefix}}}:origin:{origin}"]
        self._origin = origin
        self._limit = limit

    def append_command(self, fresh_epoch: str, events: Sequence[tuple[int, bytes]]) -> list[str | int | bytes]:
        """The command that appends numbered events of this process; its answer is the epoch."""
        pairs = [part for number, payload in events for part in (number, payload)]
        head: list[str | int | bytes] = ["EVAL", _APPEND, 3, *self._keys]
        return [*head, fresh_epoch, self._limit, self._origin, ORIGIN_KEPT_SECONDS, *pairs]

    async def join(self, client: Redis, fresh_epoch: str) -> Joined:
        """All that the log holds."""
        answer = await client.execute_command("EVAL", _JOIN, 2, *self._keys[:2], fresh_epoch)  # type: ignore[no-untyped-call]
        epoch, seq, (seconds, microseconds), entries = answer
        now = int(seconds) + int(microseconds) / 1e6
        return Joined(epoch.decode(), int(seq), now, [_entry(id_, fields) for id_, fields in entries])

    async def follow(self, client: Redis, seq: int, wait_seconds: float) -> list[Entry]:
        """Entries after `seq`, as soon as there are some; none when none came in time."""
        block = max(int(wait_seconds * 1000), 1)
        answer = await client.execute_command(  # type: ignore[no-untyped-call]
            "XREAD", "COUNT", _READ_COUNT, "BLOCK", block, "STREAMS", self._keys[1], f"{seq}-0"
        )
        if not answer:
            return []
        streams = next(iter(answer.values())) if isinstance(answer, dict) else answer[0][1]
        return [_entry(id_, fields) for id_, fields in _flat(streams)]

    async def epoch(self, client: Redis) -> str | None:
        """The name of the order that is in force."""
        found = await client.execute_command("HGET", self._keys[0], "epoch")  # type: ignore[no-untyped-call]
        return found.decode() if found else None


def _flat(entries: list[object]) -> list[tuple[bytes, object]]:
    # The client's parser gives a list of (id, fields), in some versions wrapped once more.
    if entries and isinstance(entries[0], list) and entries[0] and isinstance(entries[0][0], (list, tuple)):
        return list(entries[0])
    return entries  # type: ignore[return-value]


def _entry(id_: bytes, fields: object) -> Entry:
    if not isinstance(fields, dict):
        assert isinstance(fields, (list, tuple))
        fields = dict(zip(fields[::2], fields[1::2], strict=True))
    seq = int(id_.partition(b"-")[0])
    try:
        event: Event | None = _decoder.decode(fields[b"d"])
    except msgspec.DecodeError:
        event = None
    return Entry(seq, fields[b"o"].decode(), int(fields[b"n"]), float(fields[b"t"]), event)
