"""The one loop: wait, read every ready socket and keep `(stamp, bytes)`, start what is due, decode only when idle.

asyncio's cost per callback is what this saves: with it, 1,000 streams of 50 chunks a second were measured to be off by
41 ms at p99 where this loop is off by microseconds. The process that runs it should own a core.
"""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Mapping

import msgspec

from app.loadgen.clock import ClockWatch, monotonic_ns, realtime_ns
from app.loadgen.connection import ANCILLARY_BYTES, READY
from app.loadgen.conversations import ConversationSchedule, Script
from app.loadgen.exchange import Exchange, NewDecoder, RateLimits, ServerTimings, no_limits, no_timings
from app.loadgen.frames import ClockSource, Done, Outgoing, Ready, Record, Records
from app.loadgen.health import Health
from app.loadgen.native import new_reader
from app.loadgen.plan import Plan, RateLimit
from app.loadgen.poller import Poller
from app.loadgen.pool import Pool
from app.loadgen.rate_limit import RateLimiter
from app.loadgen.response_headers import MAX_FAILURES, kept_headers
from app.loadgen.retries import asked_pause_ns, retry_delay_ns
from app.loadgen.schedule import Message, Schedule, new_schedule
from app.loadgen.timeouts import TimingWheel
from app.loadgen.token_estimates import estimated_tokens
from app.loadgen.users import NEVER_NS
from app.loadgen.wire import DOUBT_NS, Wire

_DECODE_READS = 64  # a slice of decoding: about 0.1 ms, the longest that a due request waits for it
_SPIN_NS = 1_500_000  # poll() counts in milliseconds: the rest is waited for by polling without a pause
_CALM_NS = 300_000  # idle work may start when nothing is due for this long
_STARTS_AT_ONCE = 16  # then sockets are read again: a thousand starts in a row would keep chunks waiting for 30 ms
_TICK_NS = 250_000_000
_HASTY_NS = 100_000  # … and when responses have piled up, for this long
_BACKLOG_SOME = 64
_BACKLOG_MANY = 1024  # above this, or this many bytes, decoding no longer waits for an idle moment
_BACKLOG_BYTES = 8 * 2**20
_FORCED_SLICES = 32  # in one turn
_LONG_STREAM_BYTES = 262_144  # a running stream with more than this is decoded so far, to bound memory; …
_IDLE_STREAM_BYTES = (
    4_096  # … with more than this, in an idle moment: 1,000 answers of 20 KB would be a third of it all
)
_RUNNING_BYTES = 8 * 2**20  # when all running streams hold more than this, not only in idle moments
_RECORDS_AT_ONCE = 512


class Session:
    """Runs one shard of a plan.

    `message(number)` gives the bytes of an arrival's request (a `Script` those of conversations), `new_decoder` a
    decoder for a response, `emit` takes the frames. `watch` maps further file descriptors (the engine's pipes) to
    handlers of their readiness. `dns_ns` is what resolving the host took; it is charged to the first connection that a
    request opens for itself. `tokens(number)` is about what an arrival's request costs, for a rate limit in tokens;
    left out, it is taken from the plan.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        poller: Poller,
        pool: Pool,
        message: Message | Script,
        new_decoder: NewDecoder,
        emit: Callable[[Outgoing], None],
        watch: Mapping[int, Callable[[int], None]],
        dns_ns: int = 0,
        tokens: Callable[[int], float] | None = None,
        server_timings: ServerTimings = no_timings,
        rate_limits: RateLimits = no_limits,
    ) -> None:
        self._plan = plan
        self._limits = plan.limits
        self._reader = new_reader(poller)
        self._pool = pool
        self._new_decoder = new_decoder
        self._emit = emit
        self._watch = watch
        self._dns_ns = dns_ns
        self._server_timings = server_timings
        self._rate_limits = rate_limits
        self._kept_failures = 0  # whose headers were kept
        self._rng = random.Random(f"retries-{plan.seed}-{plan.shard}")  # noqa: S311  (jitter, not a secret)
        self._health = Health(self._reader)
        self._wire = Wire(self._reader, pool, self._health, self._ended, self._in_doubt)
        self._limiter: RateLimiter | None = None
        if plan.rate_limit != RateLimit():
            estimate = tokens or (lambda number: estimated_tokens(plan, number))
            self._limiter = RateLimiter(plan.rate_limit, estimate, plan.shard, plan.shards)
        self._talks: ConversationSchedule | None = None
        if callable(message):
            self._schedule: Schedule = new_schedule(plan, message, self._limiter)
        else:
            self._talks = ConversationSchedule(
                plan, message, settle=self._settle, keep=self._keep, limiter=self._limiter
            )
            self._schedule = self._talks
        self._retries: list[tuple[int, int, Exchange]] = []  # heap of (due, tie-break, exchange)
        self._tie = itertools.count()
        self._finished: deque[tuple[Exchange, bool]] = deque()  # ended, to be decoded; whether the body was complete
        self._backlog_bytes = 0
        self._growing: list[Exchange] = []  # still running, worth decoding so far in an idle moment
        self._holds_much = False  # … or now
        self._records: list[Record] = []
        self._clock = ClockWatch()
        self._stop_reason: str | None = None
        self._give_up_ns = NEVER_NS
        self._next_tick_ns = monotonic_ns() + _TICK_NS
        shortest = min(self._limits.connect_ns, self._limits.first_token_ns, self._limits.between_chunks_ns)
        resolution = min(max(min(shortest, self._limits.total_ns) // 20, 1_000_000), 50_000_000)
        self._wheel: TimingWheel[Exchange] = TimingWheel(monotonic_ns(), resolution)

    def stop(self, reason: str, *, drain: bool = False) -> None:
        """Start nothing more; what is in flight has `Plan.grace_ns` to end, with `drain` all the time that it has."""
        if not drain and self._give_up_ns == NEVER_NS:
            self._give_up_ns = monotonic_ns() + self._plan.grace_ns
        if self._stop_reason is None:
            self._stop_reason = reason
            for _, _, exchange in self._retries:
                exchange.end_ns = realtime_ns()
                exchange.fail("cancelled", "waiting for another try when the run was stopped")
                self._close(exchange, complete=False)
            self._retries.clear()

    def run(self) -> Done:
        """The whole shard: opens connections, runs the load, drains; every started request ends as one record."""
        self._open_connections()
        started_at_ns = self._begin()
        while not self._is_over():
            now = self._tick_when_due()
            self._start_due(now)
            self._expire_due(now)
            self._wait_and_read()
        clock = self._clock_source()
        self._tick()
        self._flush_records()
        self._pool.close_all()
        done = self._health.done(
            reason="completed" if self._stop_reason is None else "cancelled",
            started_at_ns=started_at_ns,
            ended_at_ns=realtime_ns(),
            clock=clock,
            clock_steps=self._clock.steps,
        )
        return done if self._limiter is None else msgspec.structs.replace(done, held_by_rate_limit=self._limiter.held)

    # ---------------------------------------------------------------- before the clock starts

    def _open_connections(self) -> None:
        while self._schedule.prepare():
            pass
        wanted = self._schedule.spare_connections(monotonic_ns())
        limit = monotonic_ns() + self._limits.connect_ns
        self._pool.top_up(wanted)
        while self._pool.opening and monotonic_ns() < limit and not self._stop_reason:
            self._wire.wait(0.05, self._watch)
            self._pool.top_up(wanted)
            self._tick_when_due()
        self._emit(Ready(self._health.pid, len(self._pool.idle), self._clock_source(), self._reader.kind))

    def _begin(self) -> int:
        """Wait for the start instant and start the clock of the run; returns that instant in Unix nanoseconds."""
        at = self._plan.start_at_ns
        while not self._stop_reason and (left_ns := at - realtime_ns()) > 0:
            self._wire.wait(min(max(0, left_ns - _SPIN_NS), _TICK_NS) // 1_000_000 / 1000, self._watch)
            self._tick_when_due()
        self._clock.look()
        self._health.begin()
        # Shards of one run share their instants, so one that is late stays late and shows it as schedule delay.
        keeps_start = self._plan.shards > 1 or self._plan.keeps_start
        started_at_ns = at if at and keeps_start else max(at, realtime_ns())
        begin_ns = monotonic_ns() - (realtime_ns() - started_at_ns)
        if self._limiter is not None:
            self._limiter.begin(begin_ns, started_at_ns)
        self._schedule.begin(begin_ns, started_at_ns)
        return started_at_ns

    # ---------------------------------------------------------------- one turn of the loop

    def _start_due(self, now: int) -> None:
        if self._stop_reason is not None:
            return
        for _ in range(_STARTS_AT_ONCE):
            if self._retries and self._retry_due_ns() <= now:
                due, _, failed = heapq.heappop(self._retries)
                if self._limiter is not None and due:
                    self._limiter.start_again(failed, now)
                self._start(failed)
                continue
            exchange = self._schedule.take(now)
            if exchange is None:
                return
            self._health.started += 1
            self._start(exchange)

    def _start(self, exchange: Exchange) -> None:
        self._wire.start(exchange, self._dns_ns)
        if not exchange.reused:
            self._dns_ns = 0
        if exchange.connection is not None and not exchange.end_ns:
            limits = self._limits
            first = min(limits.first_token_ns, limits.between_chunks_ns) if exchange.reused else limits.connect_ns
            self._wheel.put(exchange, exchange.begun_ns + min(first, limits.total_ns))

    def _wait_and_read(self) -> None:
        now = monotonic_ns()
        start_ns = self._next_start_ns()
        other_ns = min(self._next_tick_ns, self._wheel.next_ns() or NEVER_NS, self._give_up_ns)
        has_work = bool(self._finished or self._growing)
        left_ns = min(start_ns - _SPIN_NS, other_ns) - now
        timeout_s = 0.0 if has_work or left_ns <= 0 else left_ns // 1_000_000 / 1000
        if self._wire.wait(timeout_s, self._watch):
            pass
        elif start_ns - now > (_CALM_NS if len(self._finished) < _BACKLOG_SOME else _HASTY_NS):
            self._work_ahead()
        elif timeout_s == 0.0:
            self._health.spin_ns += monotonic_ns() - now
        if self._holds_much and self._growing:
            self._decode_so_far(self._growing.pop())
        for _ in range(_FORCED_SLICES):
            if self._backlog_bytes <= _BACKLOG_BYTES and len(self._finished) <= _BACKLOG_MANY:
                break
            self._decode_some()

    def _next_start_ns(self) -> int:
        if self._stop_reason is not None:
            return NEVER_NS
        due = self._schedule.next_due_ns()
        return min(due, self._retry_due_ns()) if self._retries else due

    def _retry_due_ns(self) -> int:
        """When the next further try may start; there must be one."""
        due, _, exchange = self._retries[0]
        if self._limiter is None or not due:  # 0: it is sent once more, because the first sending found nobody
            return due
        return max(due, self._limiter.try_again_ns(exchange))

    def _work_ahead(self) -> None:
        """Nothing is ready and nothing is due soon: the time for everything that is not measuring."""
        if self._finished:
            self._decode_some()
        elif self._growing:
            self._decode_so_far(self._growing.pop())
        elif not self._schedule.prepare():
            self._pool.top_up(self._schedule.spare_connections(monotonic_ns()))

    def _is_over(self) -> bool:
        now = monotonic_ns()
        if now >= self._give_up_ns:
            self._give_up()
        if self._schedule.in_flight or self._finished:
            return False
        return self._stop_reason is not None or self._schedule.is_exhausted(now)

    def _give_up(self) -> None:
        self._give_up_ns = NEVER_NS
        for exchange in list(self._wire.active.values()):
            self._wire.time_out(exchange, "cancelled", "still running when the run was stopped")

    # ---------------------------------------------------------------- time-outs

    def _expire_due(self, now: int) -> None:
        wheel = self._wheel
        next_ns = wheel.next_ns()
        if next_ns is None or now < next_ns:
            return
        for exchange in list(wheel.due(now)):
            self._expire(exchange, now)

    def _in_doubt(self, exchange: Exchange) -> None:
        self._wheel.put(exchange, monotonic_ns() + DOUBT_NS)

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
            elif self._plan.sampling.get("stream", True):
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

    # ---------------------------------------------------------------- ends, decoding, records

    def _ended(self, exchange: Exchange, complete: bool) -> None:
        self._wheel.drop(exchange)
        if exchange.error_type is None and complete and exchange.status < 300:
            self._close(exchange, complete=True)
            return
        if exchange.met_a_closing_connection() and self._stop_reason is None:
            self._revive(exchange)
            return
        delay_ns = None
        if self._stop_reason is None and exchange.attempts < self._limits.max_attempts:
            delay_ns = self._retry_delay_ns(exchange, complete=complete)
        if delay_ns is None:
            self._close(exchange, complete=complete)
        else:
            exchange.again(realtime_ns() + delay_ns)
            heapq.heappush(self._retries, (monotonic_ns() + delay_ns, next(self._tie), exchange))

    def _revive(self, exchange: Exchange) -> None:
        """Send once more, on a connection of its own; the first sending found nobody and is not a try."""
        attempts = exchange.attempts
        exchange.again(exchange.due_ns)
        exchange.attempts = attempts
        exchange.fresh = True
        heapq.heappush(self._retries, (0, next(self._tie), exchange))

    def _retry_delay_ns(self, exchange: Exchange, *, complete: bool) -> int | None:
        exchange.decode(self._new_decoder, exchange.reads)
        record = exchange.record(complete=complete, save_gaps=False)
        return retry_delay_ns(record, exchange.headers, self._limits, realtime_ns(), self._rng)

    def _close(self, exchange: Exchange, *, complete: bool) -> None:
        """The request is over for good: its user is free, its bytes wait for an idle moment."""
        self._health.completed += 1
        unreachable = not exchange.answered and exchange.error_type in {"connect", "tls", "disconnected"}
        pause_ns = 0
        if exchange.status in {429, 503} and self._limits.max_attempts > 1 and self._stop_reason is None:
            pause_ns = asked_pause_ns(exchange.headers, self._limits, realtime_ns())
        self._schedule.freed(exchange, monotonic_ns(), unreachable=unreachable, pause_ns=pause_ns)
        self._backlog_bytes += len(exchange.buffer)
        self._finished.append((exchange, complete))

    def _decode_some(self) -> None:
        exchange, complete = self._finished[0]
        if not exchange.decode(self._new_decoder, _DECODE_READS):
            return
        self._finished.popleft()
        self._report(exchange, complete=complete)

    def _settle(self, exchange: Exchange) -> None:
        """Decode one that has ended, now: what its conversation does next depends on the answer."""
        position = next(place for place, (ended, _) in enumerate(self._finished) if ended is exchange)
        _, complete = self._finished[position]
        del self._finished[position]
        exchange.decode(self._new_decoder, exchange.reads)
        self._report(exchange, complete=complete)

    def _report(self, exchange: Exchange, *, complete: bool) -> None:
        self._backlog_bytes -= len(exchange.buffer)
        record = exchange.record(
            complete=complete,
            save_gaps=self._plan.save_gaps,
            server_timings=self._server_timings,
            rate_limits=self._rate_limits,
        )
        self._keep_headers(exchange, record)
        if self._limiter is not None:
            self._limiter.settle(record)
        if self._talks is not None:
            self._talks.replied(exchange, record)
            if not self._plan.save_responses:
                record.response_text = None
        exchange.release()
        self._keep(record)

    def _keep_headers(self, exchange: Exchange, record: Record) -> None:
        if not self._plan.save_responses:
            if record.status == "ok" or self._kept_failures >= MAX_FAILURES:
                return
            self._kept_failures += 1
        record.response_headers = kept_headers(exchange.headers, self._plan.endpoint.api_key)

    def _keep(self, record: Record) -> None:
        self._records.append(record)
        if len(self._records) >= _RECORDS_AT_ONCE:
            self._flush_records()

    def _decode_so_far(self, exchange: Exchange) -> None:
        """Decode a running stream and drop its bytes, which bounds what a long one takes."""
        if exchange.end_ns or not exchange.status or len(exchange.buffer) <= _IDLE_STREAM_BYTES:
            return
        self._wire.look(exchange)
        if not exchange.end_ns:
            exchange.decode(self._new_decoder, exchange.reads)
            self._wire.forget_decoded(exchange)

    def _flush_records(self) -> None:
        if self._records:
            self._emit(Records(self._records))
            self._records = []

    def _tick_when_due(self) -> int:
        now = monotonic_ns()
        late_ns = now - self._next_tick_ns
        # A tick costs up to half a millisecond: it waits for a moment in which nothing is due, but not for ever.
        if late_ns >= 0 and (late_ns > _TICK_NS or self._next_start_ns() - now > _CALM_NS):
            self._next_tick_ns = now + _TICK_NS
            self._tick()
        return now

    def _tick(self) -> None:
        if self._clock.look():
            for exchange in self._wire.active.values():
                exchange.clock_stepped = True
        self._growing = [one for one in self._wire.active.values() if len(one.buffer) > _IDLE_STREAM_BYTES]
        self._holds_much = sum(len(one.buffer) for one in self._growing) > _RUNNING_BYTES
        for exchange in [one for one in self._growing if len(one.buffer) > _LONG_STREAM_BYTES]:
            self._decode_so_far(exchange)
        self._pool.close_late(self._limits.connect_ns)
        self._flush_records()
        now = monotonic_ns()
        self._emit(
            self._health.tick(
                at_ns=realtime_ns(),
                in_flight=self._schedule.in_flight,
                waiting=self._schedule.waiting(now),
                backlog=len(self._finished),
                oldest_ns=self._oldest_ns(),
            )
        )

    def _oldest_ns(self) -> int:
        """When the oldest try began of which no record has been told, so that a live view knows what may still come.

        Those on the wire are in the order in which they began; what waits for another try has nothing to tell yet.
        """
        running = next(iter(self._wire.active.values()), None)
        begun = [exchange.started_ns for exchange, _ in self._finished]
        if running is not None:
            begun.append(running.started_ns or realtime_ns())
        return min(begun, default=0)

    def _clock_source(self) -> ClockSource:
        stamped = ANCILLARY_BYTES and all(one.kernel_stamps for one in self._pool.by_fd.values())
        return "kernel" if stamped else "user"
