"""Conversations: a turn starts when the answer before it has come, became history, and was thought about.

Closed loop: a user keeps its conversation to its end and then takes the next one. While it thinks it is not in flight.
Open loop: an arrival starts a conversation, its later turns follow by think time. A turn is intended for the end of the
answer before it plus the think time, so what decoding that answer late costs shows as schedule delay.

A failed turn ends its conversation: the history would lack an answer. Its other turns are recorded as `not_sent`, so
that every request number has one record, and a user goes on when the pause after the failed turn would have been over.
Turns that a duration or a stop cuts off have no record, as arrivals after the end have none.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from app.loadgen.arrivals import NANOSECONDS, offsets, shard_concurrency
from app.loadgen.exchange import Exchange
from app.loadgen.frames import Record
from app.loadgen.plan import Plan
from app.loadgen.users import NEVER_NS, Patience, Users

_PREPARED = 256  # first turns made ahead of time, while nothing else is to do
_PREPARED_BYTES = 16 * 2**20
_SOON_NS = 300_000_000  # a little more than the time between two ticks, when an idle session looks
_SPARE = 8


class Dialogue(Protocol):
    """The words of one conversation."""

    def ask(self) -> bytes:
        """The request of the next turn."""
        ...

    def answered(self, text: str) -> None:
        """The answer to it."""
        ...


class Script(Protocol):
    """All conversations of a run, by number."""

    def turns(self, conversation: int) -> int:
        """How many requests it is."""
        ...

    def first_number(self, conversation: int) -> int:
        """The request number of its first turn; the others follow."""
        ...

    def begun_by(self, requests: int) -> int:
        """How many conversations the first `requests` requests belong to."""
        ...

    def think_ns(self, number: int) -> int:
        """The pause before the turn with this request number."""
        ...

    def open(self, conversation: int) -> Dialogue:
        """Begin it."""
        ...


class Limiter(Protocol):
    """What the client allows itself, by request number."""

    def opens_ns(self, number: int) -> int:
        """From when on the request may start (monotonic); 0: from ever."""
        ...

    def start(self, exchange: Exchange, number: int, now_ns: int) -> None:
        """It starts now."""
        ...


class _Talk:
    """One conversation under way."""

    __slots__ = ("answering", "conversation", "dialogue", "due_unix_ns", "error", "first", "message", "turn", "turns")

    def __init__(self, conversation: int, first: int, turns: int, dialogue: Dialogue) -> None:
        self.conversation = conversation
        self.first = first  # request number of turn 0
        self.turns = turns
        self.turn = 0  # the one in flight, or the last that was
        self.dialogue = dialogue
        self.message: bytes | None = dialogue.ask()  # of the next turn, when it is made already
        self.answering: Exchange | None = None  # its answer is not decoded yet
        self.error: str | None = None
        self.due_unix_ns = 0


class ConversationSchedule:
    """The schedule of a plan whose workload is conversations; see `schedule.Schedule`.

    `settle` decodes an exchange that has ended and reports it to `replied`; `keep` takes records of turns that are not
    sent; `limiter` holds starts back, in the order in which they are due.
    """

    def __init__(
        self,
        plan: Plan,
        script: Script,
        *,
        settle: Callable[[Exchange], None],
        keep: Callable[[Record], None],
        limiter: Limiter | None = None,
    ) -> None:
        self._users = Users(plan) if plan.arrivals.kind == "closed" else None
        self.limit = shard_concurrency(plan) if self._users is None else self._users.most
        self._patience = Patience(self.limit)
        self.in_flight = 0
        self._plan = plan
        self._script = script
        self._settle = settle
        self._keep = keep
        self._limiter = limiter
        conversations = None if plan.requests is None else script.begun_by(plan.requests)
        starts = msgspec.structs.replace(plan, requests=conversations, skip=())
        self._arrivals: Iterator[tuple[int, int]] = offsets(starts)
        self._skip = {(index - plan.index_base) // plan.index_stride for index in plan.skip}
        self._openings: deque[tuple[_Talk, int]] = deque()  # with the offset of their arrival
        self._is_drained = False
        self._ahead_bytes = 0
        self._talks: dict[int, _Talk] = {}  # by the index of the turn whose answer is not known yet
        self._thinking: list[tuple[int, int, _Talk]] = []  # heap of (due, tie-break, talk)
        self._answered: deque[_Talk] = deque()  # their next request can be made ahead
        self._tie = itertools.count()
        self._begin_ns = 0
        self._begin_unix_ns = 0
        self._ends_ns = NEVER_NS

    # ---------------------------------------------------------------- what a session asks

    def begin(self, now_ns: int, unix_ns: int) -> None:
        self._begin_ns, self._begin_unix_ns = now_ns, unix_ns
        limits = [self._plan.duration_ns, self._plan.arrivals.levels_end_ns]
        if any(limit is not None for limit in limits):
            self._ends_ns = now_ns + min(limit for limit in limits if limit is not None)
        if self._users is not None:
            self._users.begin(now_ns, unix_ns)

    def next_due_ns(self) -> int:
        if self._users is None and self.in_flight >= self.limit:
            return NEVER_NS
        opening = NEVER_NS
        if self._has_opening():
            talk, offset = self._openings[0]
            opening = self._begin_ns + offset if self._users is None else self._users.next_ns()
            opening = max(opening, self._opens_ns(talk.first))
        if not self._thinking:
            return opening
        due_ns, _, talk = self._thinking[0]
        return min(opening, max(due_ns, self._opens_ns(talk.first + talk.turn + 1)))

    def take(self, now_ns: int) -> Exchange | None:
        if self._users is not None and now_ns >= self._ends_ns:
            self._users.clear()
            self._thinking.clear()
            return None
        if self._users is None and self.in_flight >= self.limit:
            return None
        if self._limiter is not None and now_ns >= self._ends_ns:  # what it still holds back never starts
            self._thinking.clear()
            self._openings.clear()
            self._is_drained = True
            return None
        if self._users is not None:
            self._users.update(now_ns)
        while self._thinking and self._thinking[0][0] <= now_ns:
            talk = self._thinking[0][2]
            if self._opens_ns(talk.first + talk.turn + 1) > now_ns:
                return None
            heapq.heappop(self._thinking)
            exchange = self._next_turn(talk, now_ns)
            if exchange is not None:
                return exchange
        return self._open(now_ns)

    def freed(self, exchange: Exchange, now_ns: int, *, unreachable: bool, pause_ns: int = 0) -> None:
        """`pause_ns` is how long the server asked its client to wait."""
        self.in_flight -= 1
        pause_ns = self._patience.pause_ns(pause_ns, unreachable=unreachable)
        talk = self._talks[exchange.index]
        if talk.turn + 1 < talk.turns:
            wait_ns = max(pause_ns, self._script.think_ns(talk.first + talk.turn + 1))
            talk.due_unix_ns = exchange.end_ns + wait_ns
            # The answer ended a little ago; how long ago is known unless the wall clock was stepped since.
            due_ns = self._begin_ns + talk.due_unix_ns - self._begin_unix_ns
            due_ns = min(max(due_ns, now_ns), now_ns + wait_ns)
            if due_ns < self._ends_ns:
                heapq.heappush(self._thinking, (due_ns, next(self._tie), talk))
        elif self._users is not None:
            self._users.done(exchange.end_ns, now_ns, pause_ns)

    def replied(self, exchange: Exchange, record: Record) -> None:
        """What a turn's answer turned out to be, as soon as it is decoded; completes the record."""
        talk = self._talks.pop(exchange.index)
        record.turn, record.conversation = talk.turn, talk.conversation
        talk.answering = None
        if record.status != "ok":
            talk.error = f"{record.error_type}: {record.error}"
        elif talk.turn + 1 < talk.turns:
            talk.dialogue.answered(record.response_text or "")
            self._answered.append(talk)

    def spare_connections(self, now_ns: int) -> int:
        """Idle connections to have ready.

        Before the start one for each user; then some for turns and arrivals that are due soon, because servers close
        connections that thinking users leave idle for long.
        """
        if not self._begin_ns and self._users is not None:
            requests = self._plan.requests
            return self.limit if requests is None else min(self.limit, -(-requests // self._plan.shards))
        soon_ns = max(now_ns, self._begin_ns) + _SOON_NS
        turns = _SPARE if self._thinking and self._thinking[0][0] < soon_ns else 0
        if self._users is None:
            turns += sum(self._begin_ns + offset < soon_ns for _, offset in self._openings) + _SPARE
        return min(turns, self.limit - self.in_flight)

    def is_exhausted(self, now_ns: int) -> bool:
        if self._users is not None and now_ns >= self._ends_ns:
            return True
        if self._thinking:
            return False
        return not self._has_opening() or (self._users is not None and self._users.are_gone)

    def waiting(self, now_ns: int) -> int:
        if self._users is not None or self.in_flight < self.limit:
            return 0
        held = sum(due_ns <= now_ns for due_ns, _, _ in self._thinking)
        due = [offset for _, offset in self._openings if self._begin_ns + offset <= now_ns]
        if due and len(due) == len(self._openings):  # there may be more than were made ahead
            later_ns = now_ns - self._begin_ns - due[-1]
            held += int(later_ns * self._plan.arrivals.rate / self._plan.shards / NANOSECONDS)
        return held + len(due)

    def prepare(self) -> bool:
        if self._ahead_bytes >= _PREPARED_BYTES:
            return False
        if self._answered:
            talk = self._answered.popleft()
            if talk.message is None and talk.turn + 1 < talk.turns and talk.answering is None:
                talk.message = talk.dialogue.ask()
                self._ahead_bytes += len(talk.message)
            return True
        return len(self._openings) < _PREPARED and self._make_opening()

    # ---------------------------------------------------------------- turns

    def _opens_ns(self, number: int) -> int:
        return 0 if self._limiter is None else self._limiter.opens_ns(number)

    def _next_turn(self, talk: _Talk, now_ns: int) -> Exchange | None:
        if talk.answering is not None:
            self._settle(talk.answering)
        if talk.error is not None:
            reason = f"turn {talk.turn + 1} of its conversation failed ({talk.error})"
            for turn in range(talk.turn + 1, talk.turns):
                self._keep(self._not_sent(talk.conversation, talk.first, turn, talk.due_unix_ns, reason))
            if self._users is not None:
                self._users.done(talk.due_unix_ns, now_ns)
            return None
        talk.turn += 1
        return self._start(talk, talk.due_unix_ns, now_ns)

    def _open(self, now_ns: int) -> Exchange | None:
        if not self._has_opening() or self._opens_ns(self._openings[0][0].first) > now_ns:
            return None
        if self._users is not None:
            free_since_ns = self._users.take()
            if free_since_ns is None:
                return None
            intended_ns = free_since_ns
        elif now_ns < self._begin_ns + self._openings[0][1]:
            return None
        else:
            intended_ns = self._begin_unix_ns + self._openings[0][1]
        talk, _ = self._openings.popleft()
        return self._start(talk, intended_ns, now_ns)

    def _start(self, talk: _Talk, intended_ns: int, now_ns: int) -> Exchange:
        if talk.message is None:
            talk.message = talk.dialogue.ask()
        else:
            self._ahead_bytes -= len(talk.message)
        exchange = Exchange(self._index(talk.first + talk.turn), talk.message, intended_ns)
        if self._limiter is not None:
            self._limiter.start(exchange, talk.first + talk.turn, now_ns)
        talk.message = None
        talk.answering = exchange
        self._talks[exchange.index] = talk
        self.in_flight += 1
        return exchange

    def _has_opening(self) -> bool:
        return bool(self._openings) or self._make_opening()

    def _make_opening(self) -> bool:
        """Make the next conversation that has a turn to send; False when there is none."""
        while not self._is_drained:
            arrival = next(self._arrivals, None)
            if arrival is None:
                break
            conversation, offset = arrival
            first, turns = self._script.first_number(conversation), self._script.turns(conversation)
            if self._plan.requests is not None:
                turns = min(turns, self._plan.requests - first)
            stored = [turn for turn in range(turns) if first + turn in self._skip] if self._skip else []
            if not stored:
                talk = _Talk(conversation, first, turns, self._script.open(conversation))
                self._ahead_bytes += len(talk.message or b"")
                self._openings.append((talk, offset))
                return True
            reason = "an earlier engine was lost in the middle of its conversation"
            for turn in range(turns):
                if turn not in stored:
                    intended_ns = max(self._begin_unix_ns, self._plan.start_at_ns) + offset
                    self._keep(self._not_sent(conversation, first, turn, intended_ns, reason))
        self._is_drained = True
        return False

    def _index(self, number: int) -> int:
        return self._plan.index_base + number * self._plan.index_stride

    def _not_sent(self, conversation: int, first: int, turn: int, at_unix_ns: int, reason: str) -> Record:
        return Record(
            index=self._index(first + turn),
            status="error",
            intended_ns=at_unix_ns,
            end_ns=at_unix_ns,
            attempts=0,
            error_type="not_sent",
            error=f"not sent: {reason}",
            turn=turn,
            conversation=conversation,
        )
