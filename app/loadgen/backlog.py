"""What waits to be decoded: responses that have ended, and running streams that hold many bytes; and their records.

Decoding is idle work: a session does it when no socket is ready and nothing is due soon, a slice at a time. Only when
too much has piled up does it wait no longer, so that memory stays bounded.
"""

from collections import deque
from collections.abc import Callable, Iterable

from app.loadgen.conversations import ConversationSchedule
from app.loadgen.exchange import Exchange, NewDecoder, RateLimits, ServerTimings
from app.loadgen.frames import Outgoing, Record, Records
from app.loadgen.plan import Plan
from app.loadgen.rate_limit import RateLimiter
from app.loadgen.response_headers import MAX_FAILURES, kept_headers
from app.loadgen.wire import Wire

SOME = 64
"""Responses from which on a shorter pause is enough to decode one."""
_MANY = 1024  # above this, or this many bytes, decoding no longer waits for an idle moment
_MANY_BYTES = 8 * 2**20
_DECODE_READS = 64  # a slice of decoding: about 0.1 ms, the longest that a due request waits for it
_FORCED_SLICES = 32  # in one turn
_LONG_STREAM_BYTES = 262_144  # a running stream with more than this is decoded so far, to bound memory; …
_IDLE_STREAM_BYTES = (
    4_096  # … with more than this, in an idle moment: 1,000 answers of 20 KB would be a third of it all
)
_RUNNING_BYTES = 8 * 2**20  # when all running streams hold more than this, not only in idle moments
_RECORDS_AT_ONCE = 512


class Backlog:
    """The work that is not measuring. `emit` takes the records; `talks` hears of each, where answers matter to it."""

    def __init__(
        self,
        plan: Plan,
        wire: Wire,
        new_decoder: NewDecoder,
        emit: Callable[[Outgoing], None],
        *,
        limiter: RateLimiter | None,
        server_timings: ServerTimings,
        rate_limits: RateLimits,
    ) -> None:
        self.finished: deque[tuple[Exchange, bool]] = deque()  # ended; whether the body was complete
        self.growing: list[Exchange] = []  # still running, worth decoding so far in an idle moment
        self.talks: ConversationSchedule | None = None
        self._plan = plan
        self._wire = wire
        self._new_decoder = new_decoder
        self._emit = emit
        self._limiter = limiter
        self._server_timings = server_timings
        self._rate_limits = rate_limits
        self._bytes = 0  # of what has ended
        self._holds_much = False  # running streams do
        self._kept_failures = 0  # whose headers were kept
        self._records: list[Record] = []

    def put(self, exchange: Exchange, *, complete: bool) -> None:
        """One has ended for good."""
        self._bytes += len(exchange.buffer)
        self.finished.append((exchange, complete))

    def work(self) -> bool:
        """Decode a slice; False when there is nothing to decode."""
        if self.finished:
            self._decode_some()
        elif self.growing:
            self._decode_so_far(self.growing.pop())
        else:
            return False
        return True

    def relieve(self) -> None:
        """Decode what must not wait for an idle moment."""
        if self._holds_much and self.growing:
            self._decode_so_far(self.growing.pop())
        for _ in range(_FORCED_SLICES):
            if self._bytes <= _MANY_BYTES and len(self.finished) <= _MANY:
                break
            self._decode_some()

    def look_at(self, running: Iterable[Exchange]) -> None:
        """See which streams have grown since the last tick; the longest are decoded so far at once."""
        self.growing = [one for one in running if len(one.buffer) > _IDLE_STREAM_BYTES]
        self._holds_much = sum(len(one.buffer) for one in self.growing) > _RUNNING_BYTES
        for exchange in [one for one in self.growing if len(one.buffer) > _LONG_STREAM_BYTES]:
            self._decode_so_far(exchange)

    def settle(self, exchange: Exchange) -> None:
        """Decode one that has ended, now: what its conversation does next depends on the answer."""
        position = next(place for place, (ended, _) in enumerate(self.finished) if ended is exchange)
        _, complete = self.finished[position]
        del self.finished[position]
        exchange.decode(self._new_decoder, exchange.reads)
        self._report(exchange, complete=complete)

    def keep(self, record: Record) -> None:
        """A record that is ready to be told."""
        self._records.append(record)
        if len(self._records) >= _RECORDS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Tell the records that wait for more."""
        if self._records:
            self._emit(Records(self._records))
            self._records = []

    def _decode_some(self) -> None:
        exchange, complete = self.finished[0]
        if not exchange.decode(self._new_decoder, _DECODE_READS):
            return
        self.finished.popleft()
        self._report(exchange, complete=complete)

    def _decode_so_far(self, exchange: Exchange) -> None:
        """Decode a running stream and drop its bytes, which bounds what a long one takes."""
        if exchange.end_ns or not exchange.status or len(exchange.buffer) <= _IDLE_STREAM_BYTES:
            return
        self._wire.look(exchange)
        if not exchange.end_ns:
            exchange.decode(self._new_decoder, exchange.reads)
            self._wire.forget_decoded(exchange)

    def _report(self, exchange: Exchange, *, complete: bool) -> None:
        self._bytes -= len(exchange.buffer)
        record = exchange.record(
            complete=complete,
            save_gaps=self._plan.save_gaps,
            server_timings=self._server_timings,
            rate_limits=self._rate_limits,
        )
        self._keep_headers(exchange, record)
        if self._limiter is not None:
            self._limiter.settle(record)
        if self.talks is not None:
            self.talks.replied(exchange, record)
            if not self._plan.save_responses:
                record.response_text = None
        exchange.release()
        self.keep(record)

    def _keep_headers(self, exchange: Exchange, record: Record) -> None:
        if not self._plan.save_responses:
            if record.status == "ok" or self._kept_failures >= MAX_FAILURES:
                return
            self._kept_failures += 1
        record.response_headers = kept_headers(exchange.headers, self._plan.endpoint.api_key)
