"""Load shapes and rate limits in the real engine, against the simulator. Bounds are wide: the machine may be busy."""

import itertools
import socket
from array import array
from collections.abc import Iterator
from typing import Any

import pytest

from app.loadgen.frames import Done, Record
from app.loadgen.plan import Arrivals, Endpoint, Level, Limits, RateLimit, Segment
from tests.loadgen.runs import Run, plan, run
from tests.loadgen.servers import scripted_server, simulator

SECOND = 10**9


@pytest.fixture(scope="module")
def quick() -> Iterator[int]:
    with simulator("--ttft-ms", "20", "--tokens", "2", "--itl-ms", "1") as port:
        yield port


def begin_ns(result: Run) -> int:
    assert isinstance(result.end, Done)
    return result.end.started_at_ns


def in_flight_at(records: list[Record], instant_ns: int) -> int:
    return sum(1 for record in records if record.started_ns <= instant_ns < record.end_ns)


def intended_seconds(result: Run) -> list[float]:
    return sorted((record.intended_ns - begin_ns(result)) / SECOND for record in result.records)


def test_users_ramp_up() -> None:
    arrivals = Arrivals("closed", 10, ramp_up_ns=SECOND)
    with simulator("--ttft-ms", "3000", "--tokens", "1") as port:
        result = run(plan(port, requests=10, arrivals=arrivals, limits=Limits()))
    assert intended_seconds(result) == pytest.approx([user / 10 for user in range(10)], abs=1e-9)
    assert all(record.started_ns >= record.intended_ns for record in result.records)
    assert isinstance(result.end, Done)
    assert result.end.send_lag_ns["p50"] < 50_000_000  # of users that joined up to 900 ms after the start


def test_users_change_in_levels(quick: int) -> None:
    levels = (Level(0, 2), Level(SECOND, 6), Level(2 * SECOND, 1))
    arrivals = Arrivals("closed", 6, levels=levels, levels_end_ns=3 * SECOND)
    result = run(plan(quick, requests=None, arrivals=arrivals))
    assert {record.status for record in result.records} == {"ok"}
    begin = begin_ns(result)
    for second, users in ((0.5, 2), (1.5, 6), (2.5, 1)):
        seen = [in_flight_at(result.records, begin + round((second + step / 50) * SECOND)) for step in range(-15, 16)]
        assert max(seen) == users
    assert max(record.intended_ns for record in result.records) < begin + 3 * SECOND
    assert result.end.held_by_rate_limit == 0  # type: ignore[union-attr]


def test_rate_steps_are_kept_to_over_shards(quick: int) -> None:
    arrivals = Arrivals("constant", 100, segments=(Segment(20, 20, 0.5), Segment(60, 60, 0.5)))
    parts = [run(plan(quick, requests=None, arrivals=arrivals, shard=shard, shards=2)) for shard in range(2)]
    expected = [number / 20 for number in range(10)] + [0.5 + number / 60 for number in range(30)]
    found = sorted(instant for part in parts for instant in intended_seconds(part))
    assert found == pytest.approx(expected, abs=1e-8)
    assert sorted(record.index for part in parts for record in part.records) == list(range(40))


def test_a_trace_is_replayed(quick: int) -> None:
    recorded = [0, 0, 0, 10_000_000, 400_000_000, 400_000_001, 900_000_000]
    arrivals = Arrivals("trace", 100, offsets=array("q", recorded).tobytes())
    result = run(plan(quick, requests=None, arrivals=arrivals))
    assert sorted(record.intended_ns - begin_ns(result) for record in result.records) == recorded
    assert all(record.started_ns >= record.intended_ns for record in result.records)


def test_an_open_loop_shows_the_wait_for_its_own_limit_as_schedule_delay(quick: int) -> None:
    arrivals = Arrivals("constant", 100, 50.0)
    result = run(plan(quick, requests=None, arrivals=arrivals, duration_ns=2 * SECOND, rate_limit=RateLimit(600)))
    assert 15 <= len(result.records) <= 20  # ten a second; the other arrivals never start
    assert intended_seconds(result) == pytest.approx([n / 50 for n in range(len(result.records))], abs=1e-8)
    last = max(result.records, key=lambda record: record.intended_ns)
    assert 1.2 < (last.started_ns - last.intended_ns) / SECOND < 2.2
    assert isinstance(result.end, Done)
    assert result.end.held_by_rate_limit == len(result.records) - 1
    assert result.end.send_lag_ns["p50"] < 50_000_000
    assert max(tick.waiting for tick in result.ticks) > 40


def test_a_closed_loop_keeps_to_limits_in_tokens(quick: int) -> None:
    fields: dict[str, Any] = {
        "arrivals": Arrivals("closed", 4),
        "sampling": {"max_tokens": 2},
        "duration_ns": 2 * SECOND,
    }
    result = run(plan(quick, requests=None, rate_limit=RateLimit(0, 3_000), **fields))
    used = sum(
        (record.uncached_input_tokens or 0) + (record.visible_output_tokens or 0)
        for record in sorted(result.records, key=lambda record: record.started_ns)
    )
    assert 90 <= used <= 170  # 50 a second, and a second's worth at the start
    assert {record.status for record in result.records} == {"ok"}


def refused(connection: socket.socket, _number: int) -> None:
    body = b'{"error": {"message": "slow down"}}'
    head = b"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection.sendall(head + body)


def test_a_user_that_was_told_to_come_back_later_does_if_it_retries_at_all() -> None:
    limits = Limits(max_attempts=2, max_delay_ns=300_000_000)
    with scripted_server(refused) as port:
        patient = run(plan(port, requests=4, limits=limits))
        stubborn = run(plan(port, requests=4))
        endpoint = Endpoint("openai", f"http://127.0.0.1:{port}/v1", "m")
        fields: dict[str, Any] = {"arrivals": Arrivals("constant", 9, 20.0), "limits": limits, "endpoint": endpoint}
        open_loop = run(plan(port, requests=4, **fields))
    instants = intended_seconds(patient)
    # A Retry-After beyond the cap ends the request; its user waits as long as the cap.
    assert [later - earlier > 0.29 for earlier, later in itertools.pairwise(instants)] == [True] * 3
    assert intended_seconds(stubborn)[-1] < 0.3
    assert intended_seconds(open_loop) == pytest.approx([0, 0.05, 0.1, 0.15], abs=1e-8)


def test_tries_count_as_requests_of_the_limit() -> None:
    def later_good(connection: socket.socket, _number: int) -> None:
        connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}")

    limits = Limits(max_attempts=3, base_delay_ns=1_000, max_delay_ns=10_000)
    with scripted_server(later_good) as port:
        result = run(plan(port, requests=2, limits=limits, rate_limit=RateLimit(240)))
    assert [record.attempts for record in result.records] == [3, 3]
    assert isinstance(result.end, Done)
    assert 1.2 < (result.end.ended_at_ns - result.end.started_at_ns) / SECOND < 5  # five waits of a quarter second
    assert result.end.held_by_rate_limit == 5
