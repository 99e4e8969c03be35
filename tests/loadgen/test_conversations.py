"""Conversations through a real engine against the real simulator: what is sent, when, and what failures leave."""

import asyncio
import itertools
import json
import socket
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.loadgen.conversations import ConversationSchedule
from app.loadgen.exchange import Exchange
from app.loadgen.frames import Done, Record, Records
from app.loadgen.plan import Arrivals, Conversations, Lengths, Level, Plan, RateLimit, Turn
from app.loadgen.process import EngineProcess
from tests.loadgen.runs import plan, run
from tests.loadgen.servers import STREAM_END, STREAM_HEAD, chunk, event, scripted_server, simulator

MS = 10**6
QUICK = ("--ttft-ms", "2", "--itl-ms", "0", "--tokens", "4")


def made_up(turns: int, think_ms: float = 0, **fields: Any) -> Conversations:
    lengths = {"input_tokens": Lengths(mean=6), "output_tokens": Lengths(mean=3), "think_ms": Lengths(mean=think_ms)}
    return Conversations(turns=turns, **(lengths | fields))


def by_conversation(records: list[Record]) -> dict[int, list[Record]]:
    found = defaultdict(list)
    for record in sorted(records, key=lambda one: one.index):
        assert record.conversation is not None
        found[record.conversation].append(record)
    return dict(found)


def bodies(log: Path) -> dict[str, Any]:
    return {line["response_id"]: line["body"] for line in map(json.loads, log.read_text().splitlines())}


def test_the_servers_own_answer_becomes_history(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    given = (
        (
            Turn("system", "be brief"),
            Turn("user", "first", 2),
            Turn("assistant", "planned answer"),
            Turn("user", "second", 3),
            Turn("user", "third", 1),
        ),
        (Turn("user", "alone"),),
    )
    with simulator(*QUICK, "--requests-log", str(log)) as port:
        records = run(plan(port, requests=7, workload=Conversations(given=given))).records
    sent = bodies(log)
    assert [record.index for record in sorted(records, key=lambda one: one.index)] == list(range(7))
    talks = by_conversation(records)
    assert {number: [one.turn for one in talk] for number, talk in talks.items()} == {
        0: [0, 1, 2], 1: [0], 2: [0, 1, 2]
    }  # fmt: skip
    first, second, third = (sent[one.response_id or ""]["messages"] for one in talks[2])
    answers = [{"role": "assistant", "content": one.response_text} for one in talks[2]]
    assert first == [{"role": "system", "content": "be brief"}, {"role": "user", "content": "first"}]
    assert second == [*first, answers[0], {"role": "user", "content": "second"}]
    assert third == [*second, answers[1], {"role": "user", "content": "third"}]
    assert [one.response_text for one in talks[2]] == [" time year", " time year hand", " time"]
    assert [sent[one.response_id or ""].get("max_completion_tokens") for one in talks[2]] == [2, 3, 1]
    assert sent[talks[1][0].response_id or ""]["messages"] == [{"role": "user", "content": "alone"}]


def test_texts_stay_out_of_the_records_unless_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    with simulator(*QUICK, "--requests-log", str(log)) as port:
        records = run(plan(port, requests=4, workload=made_up(2), save_responses=False)).records
    assert {record.response_text for record in records} == {None}
    longest = max(bodies(log).values(), key=lambda body: len(body["messages"]))
    assert [message["role"] for message in longest["messages"]] == ["user", "assistant", "user"]
    assert longest["messages"][1]["content"] == " time year hand"


@pytest.mark.parametrize("save", [True, False])
def test_a_user_thinks_between_turns_and_not_after_the_last(save: bool) -> None:
    with simulator(*QUICK) as port:
        result = run(plan(port, requests=6, workload=made_up(3, think_ms=150), save_responses=save))
    talks = by_conversation(result.records)
    for talk in talks.values():
        for before, after in itertools.pairwise(talk):
            assert after.intended_ns - before.end_ns == 150 * MS
            assert after.started_ns >= after.intended_ns
    assert talks[1][0].intended_ns == talks[0][-1].end_ns
    thinking = [tick for tick in result.ticks if tick.in_flight == 0]
    assert thinking, "a thinking user is not in flight"


def test_shards_own_whole_conversations_and_their_union_is_the_unsharded_run() -> None:
    workload = made_up(3, output_tokens=Lengths("uniform", 3, minimum=1, maximum=4))
    with simulator(*QUICK) as port:
        whole = run(plan(port, requests=20, concurrency=6, workload=workload)).records
        parts = [
            run(plan(port, requests=20, concurrency=6, workload=workload, shard=shard, shards=3)).records
            for shard in range(3)
        ]

    def facts(records: list[Record]) -> list[Any]:
        return sorted((one.index, one.conversation, one.turn, one.visible_output_tokens) for one in records)

    assert facts(whole) == facts([record for part in parts for record in part])
    assert [index for index, *_ in facts(whole)] == list(range(20))
    for shard, part in enumerate(parts):
        assert {(record.conversation or 0) % 3 for record in part} == {shard}


def test_in_an_open_loop_an_arrival_starts_a_conversation() -> None:
    arrivals = Arrivals("constant", concurrency=100, rate=20)
    with simulator(*QUICK) as port:
        records = run(plan(port, requests=12, arrivals=arrivals, workload=made_up(3, think_ms=20))).records
    talks = by_conversation(records)
    starts = [talks[number][0].intended_ns for number in range(4)]
    assert [start - starts[0] for start in starts] == [0, 50 * MS, 100 * MS, 150 * MS]
    assert talks[0][1].intended_ns - talks[0][0].end_ns == 20 * MS


def test_an_open_loop_holds_turns_back_at_its_cap() -> None:
    arrivals = Arrivals("constant", concurrency=1, rate=1000)
    with simulator("--ttft-ms", "30", "--tokens", "1") as port:
        result = run(plan(port, requests=10, arrivals=arrivals, workload=made_up(2)))
    assert sorted(record.index for record in result.records) == list(range(10))
    ordered = sorted(result.records, key=lambda one: one.started_ns)
    assert all(after.started_ns >= before.end_ns for before, after in itertools.pairwise(ordered))


def failing_second_turn(connection: socket.socket, number: int) -> None:
    if number % 3 == 1:
        connection.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno")
    else:
        connection.sendall(STREAM_HEAD + chunk(event("fine")) + STREAM_END)


def test_a_failed_turn_ends_its_conversation_and_every_index_has_a_record() -> None:
    with scripted_server(failing_second_turn) as port:  # requests 0, 1 | 2, 3, 4 of the server: ok, 500 | ok, ok, 500
        records = run(plan(port, requests=8, workload=made_up(4))).records
    ordered = sorted(records, key=lambda one: one.index)
    assert [one.index for one in ordered] == list(range(8))
    assert [one.error_type for one in ordered] == [
        None, "http_5xx", "not_sent", "not_sent", None, None, "http_5xx", "not_sent"
    ]  # fmt: skip
    skipped = ordered[2]
    assert (skipped.started_ns, skipped.attempts, skipped.turn, skipped.conversation) == (0, 0, 2, 0)
    assert skipped.intended_ns >= ordered[1].end_ns
    assert skipped.error == "not sent: turn 2 of its conversation failed (http_5xx: no)"


def test_nobody_there_ends_every_conversation_at_its_first_turn() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = run(plan(port, requests=9, concurrency=3, workload=made_up(3)))
    assert sorted(record.index for record in result.records) == list(range(9))
    assert [one.error_type for one in sorted(result.records, key=lambda one: one.index)] == [
        "connect", "not_sent", "not_sent"
    ] * 3  # fmt: skip


def test_a_duration_cuts_conversations_off_without_records() -> None:
    with simulator(*QUICK) as port:
        began = time.monotonic()
        result = run(plan(port, requests=None, duration_ns=400 * MS, concurrency=2, workload=made_up(50, think_ms=60)))
        closed_s = time.monotonic() - began
        arrivals = Arrivals("constant", concurrency=50, rate=10)
        opened = run(
            plan(port, requests=None, duration_ns=400 * MS, arrivals=arrivals, workload=made_up(50, think_ms=5000))
        )
    assert closed_s < 10
    assert {record.status for record in result.records} == {"ok"}
    assert {record.conversation for record in result.records} == {0, 1}
    started_at = min(record.intended_ns for record in result.records)
    assert all(record.intended_ns < started_at + 400 * MS for record in result.records)
    assert [record.turn for record in opened.records] == [0] * 4
    assert isinstance(opened.end, Done)
    assert opened.end.ended_at_ns - opened.end.started_at_ns < 3 * 10**9, "nobody waits for turns that never come"


def test_what_an_earlier_try_has_stored_is_not_asked_again() -> None:
    began = time.time_ns()
    with simulator(*QUICK) as port:
        records = run(plan(port, requests=9, workload=made_up(3), skip=(0, 1, 2, 3), start_at_ns=began)).records
    ordered = sorted(records, key=lambda one: one.index)
    assert [one.index for one in ordered] == [4, 5, 6, 7, 8]
    assert [one.error_type for one in ordered] == ["not_sent", "not_sent", None, None, None]
    assert "earlier engine was lost" in (ordered[0].error or "")
    assert ordered[0].intended_ns >= began


async def _stop_while_thinking(wanted: Plan) -> tuple[list[Record], Any]:
    records: list[Record] = []
    async with asyncio.timeout(30), EngineProcess(wanted) as engine:
        async for frame in engine.frames():
            if isinstance(frame, Records):
                records += frame.records
                await engine.stop("cancelled")
            end = frame
    return records, end


def test_a_stop_ends_thinking_users_at_once() -> None:
    with simulator(*QUICK) as port:
        wanted = plan(port, requests=20, concurrency=2, workload=made_up(10, think_ms=60_000))
        began = time.monotonic()
        records, end = asyncio.run(_stop_while_thinking(wanted))
    assert time.monotonic() - began < 20
    assert isinstance(end, Done)
    assert end.reason == "cancelled"
    assert [(record.status, record.turn) for record in records] == [("ok", 0), ("ok", 0)]


def test_a_connection_lost_while_thinking_is_replaced_before_it_is_needed() -> None:
    def reply(connection: socket.socket, number: int) -> None:
        connection.sendall(STREAM_HEAD + chunk(event("fine")) + STREAM_END)
        connection.shutdown(socket.SHUT_WR)

    with scripted_server(reply) as port:
        records = run(plan(port, requests=3, workload=made_up(3, think_ms=700))).records
    assert [(record.status, record.reused) for record in records] == [("ok", True)] * 3


def test_levels_change_the_number_of_users() -> None:
    from app.loadgen.plan import Level  # noqa: PLC0415

    levels = (Level(0, 1), Level(300 * MS, 3), Level(600 * MS, 1))
    arrivals = Arrivals("closed", concurrency=3, levels=levels, levels_end_ns=900 * MS)
    with simulator("--ttft-ms", "20", "--tokens", "1") as port:
        records = run(plan(port, requests=None, arrivals=arrivals, workload=made_up(1))).records
    start = min(record.intended_ns for record in records)

    def at_once(instant: int) -> int:
        return sum(record.started_ns <= instant < record.end_ns for record in records)

    def most(begin_ms: int, end_ms: int) -> int:
        return max(at_once(start + instant * MS) for instant in range(begin_ms, end_ms, 2))

    assert (most(0, 290), most(320, 590), most(750, 890)) == (1, 3, 1)


def test_users_join_over_the_ramp() -> None:
    arrivals = Arrivals("closed", concurrency=4, ramp_up_ns=400 * MS)
    with simulator("--ttft-ms", "1000", "--tokens", "1") as port:
        records = run(plan(port, requests=4, arrivals=arrivals, workload=made_up(1))).records
    starts = sorted(record.intended_ns for record in records)
    assert [start - starts[0] for start in starts] == [0, 100 * MS, 200 * MS, 300 * MS]


def test_users_leave_when_their_conversation_is_over() -> None:
    levels = (Level(0, 3), Level(300 * MS, 1))
    arrivals = Arrivals("closed", concurrency=3, levels=levels, levels_end_ns=900 * MS)
    with simulator("--ttft-ms", "80", "--itl-ms", "0", "--tokens", "1") as port:
        records = run(plan(port, requests=None, arrivals=arrivals, workload=made_up(2))).records
    begin = min(record.intended_ns for record in records)
    first_turns = [record.intended_ns - begin for record in records if record.turn == 0]
    assert first_turns.count(0) == 3
    late = sorted(at for at in first_turns if at > 350 * MS)
    assert late
    assert all(later - earlier > 150 * MS for earlier, later in itertools.pairwise(late)), "one user is left"


@pytest.mark.parametrize("kind", ["closed", "constant"])
def test_a_rate_limit_holds_turns_back_in_the_engine(kind: str) -> None:
    """Ten a second: six requests in three conversations take half a second, whichever turn they are."""
    arrivals = Arrivals("closed", 3) if kind == "closed" else Arrivals("constant", 8, 50.0)
    with simulator(*QUICK) as port:
        result = run(plan(port, requests=6, arrivals=arrivals, workload=made_up(2), rate_limit=RateLimit(600)))
    starts = sorted(record.started_ns for record in result.records)
    assert [record.status for record in result.records] == ["ok"] * 6
    assert starts[-1] - starts[0] > 350 * MS  # 500 in time; a first one that was late brings it nearer to the others
    assert {len(talk) for talk in by_conversation(result.records).values()} == {2}
    assert isinstance(result.end, Done)
    assert 3 <= result.end.held_by_rate_limit <= 5


class FakeScript:
    """Two turns each, no think time."""

    def turns(self, conversation: int) -> int:
        return 2

    def first_number(self, conversation: int) -> int:
        return 2 * conversation

    def begun_by(self, requests: int) -> int:
        return -(-requests // 2)

    def think_ns(self, number: int) -> int:
        return 0

    def open(self, conversation: int) -> "FakeDialogue":
        return FakeDialogue()


class FakeDialogue:
    def ask(self) -> bytes:
        return b"ask"

    def answered(self, text: str) -> None:
        pass


class OneASecond:
    """Lets one request start in each second."""

    def __init__(self) -> None:
        self.next_ns = 0
        self.started: list[tuple[int, int]] = []

    def opens_ns(self, number: int) -> int:
        return self.next_ns

    def start(self, exchange: Exchange, number: int, now_ns: int) -> None:
        self.started.append((number, now_ns))
        self.next_ns = now_ns + 1000 * MS


@pytest.mark.parametrize("arrivals", [Arrivals("closed", concurrency=3), Arrivals("constant", concurrency=9, rate=100)])
def test_a_rate_limit_holds_every_start_back(arrivals: Arrivals) -> None:
    limiter = OneASecond()

    def settle(exchange: Exchange) -> None:
        schedule.replied(exchange, Record(exchange.index, "ok", exchange.intended_ns, response_text="fine"))

    schedule = ConversationSchedule(
        plan(1, requests=8, arrivals=arrivals, duration_ns=5500 * MS),
        FakeScript(),
        settle=settle,
        keep=lambda record: pytest.fail(str(record)),
        limiter=limiter,
    )
    now = start = 10**15
    schedule.begin(start, start)
    while not (schedule.is_exhausted(now) and not schedule.in_flight):
        exchange = schedule.take(now)
        if exchange is None:
            now = min(max(schedule.next_due_ns(), now + 1), start + 6000 * MS)
            continue
        exchange.end_ns = now
        schedule.freed(exchange, now, unreachable=False)
    assert [at - start for _, at in limiter.started] == [second * 1000 * MS for second in range(6)]


def test_a_conversation_plan_travels_as_a_frame() -> None:
    wanted = plan(1, workload=made_up(3, think_ms=5))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(wanted), type=Plan) == wanted
