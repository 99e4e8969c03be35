"""How long a request may take: to connect, to its first token, between two chunks, and in all."""

from app.loadgen.clock import ClockWatch, monotonic_ns
from app.loadgen.connection import READY
from app.loadgen.exchange import Exchange, NewDecoder
from app.loadgen.plan import Plan
from app.loadgen.timeouts import TimingWheel
from app.loadgen.wire import DOUBT_NS, Wire


class Deadlines:
    """Ends requests whose time is up. What came in time is known only when it is decoded, so that is done first."""

    def __init__(self, plan: Plan, wire: Wire, clock: ClockWatch, new_decoder: NewDecoder) -> None:
        self._limits = limits = plan.limits
        self._streams = bool(plan.sampling.get("stream", True))
        self._wire = wire
        self._clock = clock
        self._new_decoder = new_decoder
        shortest = min(limits.connect_ns, limits.first_token_ns, limits.between_chunks_ns)
        resolution = min(max(min(shortest, limits.total_ns) // 20, 1_000_000), 50_000_000)
        self._wheel: TimingWheel[Exchange] = TimingWheel(monotonic_ns(), resolution)
        self.drop = self._wheel.drop
        self.next_ns = self._wheel.next_ns

    def begin(self, exchange: Exchange) -> None:
        """One has been sent, or waits for its connection."""
        limits = self._limits
        first = min(limits.first_token_ns, limits.between_chunks_ns) if exchange.reused else limits.connect_ns
        self._wheel.put(exchange, exchange.begun_ns + min(first, limits.total_ns))

    def doubt(self, exchange: Exchange) -> None:
        """Its stream ended early; look again when a reset should have come."""
        self._wheel.put(exchange, monotonic_ns() + DOUBT_NS)

    def expire_due(self, now: int) -> None:
        """End those whose time is up."""
        wheel = self._wheel
        next_ns = wheel.next_ns()
        if next_ns is None or now < next_ns:
            return
        for exchange in list(wheel.due(now)):
            self._expire(exchange, now)

    def _expire(self, exchange: Exchange, now: int) -> None:
        if exchange.doubted:
            self._wire.end_doubt(exchange)
            return
        limits = self._limits
        total = exchange.begun_ns + limits.total_ns
        connection = exchange.connection
        if connection is not None and connection.state != READY:
            due, kind, what = exchange.begun_ns + limits.connect_ns, "timeout_connect", "no connection"
        else:
            exchange.decode(self._new_decoder, exchange.reads)
            stamps = exchange.decoder.reply.chunk_stamps if exchange.decoder is not None else ()
            if stamps:
                last = stamps[-1] - self._clock.offset_ns
                due, kind, what = last + limits.between_chunks_ns, "timeout_between_chunks", "no further chunk"
            elif self._streams:
                due, kind, what = exchange.begun_ns + limits.first_token_ns, "timeout_first_token", "no first token"
            else:
                due, kind, what = total, "timeout_total", "not complete"
        if total <= due:
            due, kind, what = total, "timeout_total", "not complete"
        if now < due:
            # A chunk may come at once and no other after it, so it is looked at at least this often.
            self._wheel.put(exchange, min(due, now + limits.between_chunks_ns))
            return
        limit_ns = {
            "timeout_connect": limits.connect_ns,
            "timeout_first_token": limits.first_token_ns,
            "timeout_between_chunks": limits.between_chunks_ns,
            "timeout_total": limits.total_ns,
        }[kind]
        self._wire.time_out(exchange, kind, f"{what} within {limit_ns / 1e9:g} s")
