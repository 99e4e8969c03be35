"""Client-side rate limits: token buckets that hold starts back. Pure; the clock is passed in as nanoseconds.

Source: the token bucket of Turner, "New directions in communications", IEEE Communications Magazine 24(10), 1986, with
debt: a request may start when the bucket holds its cost or is full, and what it costs more is paid off before the next.
"""

from collections.abc import Callable

from app.loadgen.exchange import Exchange
from app.loadgen.frames import Record
from app.loadgen.plan import RateLimit

MINUTE_NS = 60_000_000_000
_CATCH_UP_NS = 50_000_000  # requests: what a late start leaves unused may be made up for this long
_TOKEN_BURST_NS = 1_000_000_000


class Bucket:
    """Holds up to `burst` of something that flows in at `per_ns`. Begins with `level`."""

    def __init__(self, per_ns: float, burst: float, level: float) -> None:
        self._per_ns = per_ns
        self._burst = burst
        self._level = level
        self._at_ns: int | None = None

    def ready_ns(self, amount: float) -> int:
        """The instant from which `amount` may be taken; 0 when it could be at the last look already."""
        missing = min(amount, self._burst) - self._level
        if missing <= 0 or self._at_ns is None:
            return 0
        return self._at_ns + int(missing / self._per_ns) + 1

    def begin(self, now_ns: int) -> None:
        """The clock starts."""
        self._at_ns = now_ns

    def take(self, amount: float, now_ns: int) -> None:
        """Take it, into debt if need be."""
        if self._at_ns is not None and now_ns > self._at_ns:
            self._level = min(self._burst, self._level + (now_ns - self._at_ns) * self._per_ns)
            self._at_ns = now_ns
        self._level -= amount

    def give_back(self, amount: float) -> None:
        """Correct an estimate: what was taken too much comes back; a negative amount is taken on top."""
        self._level = min(self._burst, self._level + amount)


class RateLimiter:
    """What one shard of a run may start, and when. `tokens(number)` estimates input and output of a request.

    With K shards each gets a K-th of every limit, and shard k's first request may start k/K of an interval late, so
    that together they are as even as one. Within any minute no more than the limit is started, as long as it divides by
    the shards.
    """

    def __init__(self, limit: RateLimit, tokens: Callable[[int], float], shard: int = 0, shards: int = 1) -> None:
        self.held = 0
        self._tokens = tokens
        self._unix_less_ns = 0
        self._next: tuple[int, float] = (-1, 0.0)  # the request that is due next, and its tokens
        self._charged: dict[int, float] = {}  # by index of a request in flight
        self._requests: Bucket | None = None
        self._input_output: Bucket | None = None
        if limit.requests_per_minute:
            # A little less than asked for, so that making up for late starts never exceeds the limit in any minute.
            per_ns = limit.requests_per_minute / (MINUTE_NS + _CATCH_UP_NS) / shards
            self._requests = Bucket(per_ns, 1 + per_ns * _CATCH_UP_NS, 1 - shard / shards)
        if limit.tokens_per_minute:
            per_ns = limit.tokens_per_minute / MINUTE_NS / shards
            burst = max(1.0, per_ns * _TOKEN_BURST_NS)
            self._input_output = Bucket(per_ns, burst, burst)

    def begin(self, now_ns: int, unix_ns: int) -> None:
        """The clock of the run starts now."""
        self._unix_less_ns = unix_ns - now_ns
        for bucket in (self._requests, self._input_output):
            if bucket is not None:
                bucket.begin(now_ns)

    def opens_ns(self, number: int) -> int:
        """From when on the request of arrival `number` may start (monotonic); 0: from ever."""
        if self._next[0] != number:
            self._next = (number, float(self._tokens(number)) if self._input_output is not None else 0.0)
        return self._ready_ns(self._next[1])

    def start(self, exchange: Exchange, number: int, now_ns: int) -> None:
        """Account for a new request that starts now, and let its `due_ns` say if it was held back."""
        opened_ns = self.opens_ns(number)
        self._charged[exchange.index] = self._next[1]
        self._account(exchange, opened_ns, self._next[1], now_ns)

    def try_again_ns(self, exchange: Exchange) -> int:
        """From when on a further try of a request may start."""
        return self._ready_ns(self._charged.get(exchange.index, 0.0))

    def start_again(self, exchange: Exchange, now_ns: int) -> None:
        """Account for a further try that starts now: servers count every one."""
        tokens = self._charged.get(exchange.index, 0.0)
        self._account(exchange, self._ready_ns(tokens), tokens, now_ns)

    def settle(self, record: Record) -> None:
        """The request is over: correct what was charged for its last try by what it used.

        One that never got through gives everything back; one that failed without usage keeps its estimate, because
        providers count what was asked for.
        """
        charged = self._charged.pop(record.index, None)
        if charged is None or self._input_output is None:
            return
        if not record.first_byte_ns and record.error_type in {"dns", "connect", "tls", "timeout_connect"}:
            self._input_output.give_back(charged)
        elif record.token_count_source == "usage":
            self._input_output.give_back(charged - _used(record))

    def _ready_ns(self, tokens: float) -> int:
        ready = self._requests.ready_ns(1.0) if self._requests is not None else 0
        return max(ready, self._input_output.ready_ns(tokens)) if self._input_output is not None else ready

    def _account(self, exchange: Exchange, opened_ns: int, tokens: float, now_ns: int) -> None:
        if self._requests is not None:
            self._requests.take(1.0, now_ns)
        if self._input_output is not None:
            self._input_output.take(tokens, now_ns)
        opened_unix_ns = opened_ns + self._unix_less_ns
        if opened_ns and opened_unix_ns > exchange.due_ns:
            exchange.due_ns = opened_unix_ns
            self.held += 1


def _used(record: Record) -> int:
    buckets = (
        record.uncached_input_tokens,
        record.cache_read_tokens,
        record.cache_write_tokens,
        record.visible_output_tokens,
        record.reasoning_tokens,
    )
    return sum(count or 0 for count in buckets)
