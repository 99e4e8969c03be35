"""The one loop: wait, read every ready socket and keep `(stamp, bytes)`, start what is due, decode only when idle.

asyncio's cost per callback is what this saves: with it, 1,000 streams of 50 chunks a second were measured to be off by
41 ms at p99 where this loop is off by microseconds. The process that runs it should own a core.
"""

from collections.abc import Callable, Mapping

import msgspec

from app.loadgen.backlog import SOME, Backlog
from app.loadgen.clock import ClockWatch, monotonic_ns, realtime_ns
from app.loadgen.connection import ANCILLARY_BYTES
from app.loadgen.conversations import ConversationSchedule, Script
from app.loadgen.deadlines import Deadlines
from app.loadgen.exchange import Exchange, NewDecoder, RateLimits, ServerTimings, no_limits, no_timings
from app.loadgen.frames import ClockSource, Done, Outgoing, Ready
from app.loadgen.further_tries import FurtherTries
from app.loadgen.health import Health
from app.loadgen.native import new_reader
from app.loadgen.plan import Plan, RateLimit
from app.loadgen.poller import Poller
from app.loadgen.pool import Pool
from app.loadgen.rate_limit import RateLimiter
from app.loadgen.retries import asked_pause_ns
from app.loadgen.schedule import Message, Schedule, new_schedule
from app.loadgen.token_estimates import estimated_tokens
from app.loadgen.users import NEVER_NS
from app.loadgen.wire import Wire

_SPIN_NS = 1_500_000  # poll() counts in milliseconds: the rest is waited for by polling without a pause
_CALM_NS = 300_000  # idle work may start when nothing is due for this long; …
_HASTY_NS = 100_000  # … when responses have piled up, for this long
_STARTS_AT_ONCE = 16  # then sockets are read again: a thousand starts in a row would keep chunks waiting for 30 ms
_TICK_NS = 250_000_000


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
        self._emit = emit
        self._watch = watch
        self._dns_ns = dns_ns
        self._health = Health(self._reader)
        self._wire = Wire(self._reader, pool, self._health, self._ended, self._in_doubt)
        self._clock = ClockWatch()
        self._deadlines = Deadlines(plan, self._wire, self._clock, new_decoder)
        self._limiter: RateLimiter | None = None
        if plan.rate_limit != RateLimit():
            estimate = tokens or (lambda number: estimated_tokens(plan, number))
            self._limiter = RateLimiter(plan.rate_limit, estimate, plan.shard, plan.shards)
        self._tries = FurtherTries(plan, new_decoder, self._limiter)
        self._backlog = Backlog(
            plan,
            self._wire,
            new_decoder,
            emit,
            limiter=self._limiter,
            server_timings=server_timings,
            rate_limits=rate_limits,
        )
        if callable(message):
            self._schedule: Schedule = new_schedule(plan, message, self._limiter)
        else:
            talks = ConversationSchedule(
                plan, message, settle=self._backlog.settle, keep=self._backlog.keep, limiter=self._limiter
            )
            self._schedule = self._backlog.talks = talks
        self._stop_reason: str | None = None
        self._give_up_ns = NEVER_NS
        self._next_tick_ns = monotonic_ns() + _TICK_NS

    def stop(self, reason: str, *, drain: bool = False) -> None:
        """Start nothing more; what is in flight has `Plan.grace_ns` to end, with `drain` all the time that it has."""
        if not drain and self._give_up_ns == NEVER_NS:
            self._give_up_ns = monotonic_ns() + self._plan.grace_ns
        if self._stop_reason is None:
            self._stop_reason = reason
            for exchange in self._tries.give_up():
                exchange.end_ns = realtime_ns()
                exchange.fail("cancelled", "waiting for another try when the run was stopped")
                self._close(exchange, complete=False)

    def run(self) -> Done:
        """The whole shard: opens connections, runs the load, drains; every started request ends as one record."""
        self._open_connections()
        started_at_ns = self._begin()
        while not self._is_over():
            now = self._tick_when_due()
            self._start_due(now)
            self._deadlines.expire_due(now)
            self._wait_and_read()
        clock = self._clock_source()
        self._tick()
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
            if self._tries.waiting and self._tries.due_ns() <= now:
                self._start(self._tries.take(now))
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
            self._deadlines.begin(exchange)

    def _wait_and_read(self) -> None:
        now = monotonic_ns()
        start_ns = self._next_start_ns()
        other_ns = min(self._next_tick_ns, self._deadlines.next_ns() or NEVER_NS, self._give_up_ns)
        backlog = self._backlog
        has_work = bool(backlog.finished or backlog.growing)
        left_ns = min(start_ns - _SPIN_NS, other_ns) - now
        timeout_s = 0.0 if has_work or left_ns <= 0 else left_ns // 1_000_000 / 1000
        if self._wire.wait(timeout_s, self._watch):
            pass
        elif start_ns - now > (_CALM_NS if len(backlog.finished) < SOME else _HASTY_NS):
            self._work_ahead()
        elif timeout_s == 0.0:
            self._health.spin_ns += monotonic_ns() - now
        backlog.relieve()

    def _next_start_ns(self) -> int:
        if self._stop_reason is not None:
            return NEVER_NS
        due = self._schedule.next_due_ns()
        return min(due, self._tries.due_ns()) if self._tries.waiting else due

    def _work_ahead(self) -> None:
        """Nothing is ready and nothing is due soon: the time for everything that is not measuring."""
        if not self._backlog.work() and not self._schedule.prepare():
            self._pool.top_up(self._schedule.spare_connections(monotonic_ns()))

    def _is_over(self) -> bool:
        now = monotonic_ns()
        if now >= self._give_up_ns:
            self._give_up()
        if self._schedule.in_flight or self._backlog.finished:
            return False
        return self._stop_reason is not None or self._schedule.is_exhausted(now)

    def _give_up(self) -> None:
        self._give_up_ns = NEVER_NS
        for exchange in list(self._wire.active.values()):
            self._wire.time_out(exchange, "cancelled", "still running when the run was stopped")

    def _in_doubt(self, exchange: Exchange) -> None:
        self._deadlines.doubt(exchange)

    # ---------------------------------------------------------------- ends and further tries

    def _ended(self, exchange: Exchange, complete: bool) -> None:
        self._deadlines.drop(exchange)
        if exchange.error_type is None and complete and exchange.status < 300:
            self._close(exchange, complete=True)
            return
        if self._stop_reason is None:
            if exchange.met_a_closing_connection():
                self._tries.revive(exchange)
                return
            if self._tries.take_failed(exchange, complete=complete):
                return
        self._close(exchange, complete=complete)

    def _close(self, exchange: Exchange, *, complete: bool) -> None:
        """The request is over for good: its user is free, its bytes wait for an idle moment."""
        self._health.completed += 1
        unreachable = not exchange.answered and exchange.error_type in {"connect", "tls", "disconnected"}
        pause_ns = 0
        if exchange.status in {429, 503} and self._limits.max_attempts > 1 and self._stop_reason is None:
            pause_ns = asked_pause_ns(exchange.headers, self._limits, realtime_ns())
        self._schedule.freed(exchange, monotonic_ns(), unreachable=unreachable, pause_ns=pause_ns)
        self._backlog.put(exchange, complete=complete)

    # ---------------------------------------------------------------- what is told meanwhile

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
        self._backlog.look_at(self._wire.active.values())
        self._pool.close_late(self._limits.connect_ns)
        self._backlog.flush()
        now = monotonic_ns()
        self._emit(
            self._health.tick(
                at_ns=realtime_ns(),
                in_flight=self._schedule.in_flight,
                waiting=self._schedule.waiting(now),
                backlog=len(self._backlog.finished),
                oldest_ns=self._oldest_ns(),
            )
        )

    def _oldest_ns(self) -> int:
        """When the oldest try began of which no record has been told, so that a live view knows what may still come.

        Those on the wire are in the order in which they began; what waits for another try has nothing to tell yet.
        """
        running = next(iter(self._wire.active.values()), None)
        begun = [exchange.started_ns for exchange, _ in self._backlog.finished]
        if running is not None:
            begun.append(running.started_ns or realtime_ns())
        return min(begun, default=0)

    def _clock_source(self) -> ClockSource:
        stamped = ANCILLARY_BYTES and all(one.kernel_stamps for one in self._pool.by_fd.values())
        return "kernel" if stamped else "user"
