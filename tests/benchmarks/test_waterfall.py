"""A request's life in phases: what is known is told where it was, what is not is not."""

import numpy as np
import pytest

from app.benchmarks.measures import measure
from app.benchmarks.waterfall import MAX_TICKS, Waterfall, waterfall
from app.loadgen.frames import CENSORED
from tests.benchmarks.records import CONTEXT, MS, make_error, make_record


def _phases(found: Waterfall) -> dict[str, tuple[float | None, float | None]]:
    return {phase.name: (phase.begin_ms, phase.end_ms) for phase in found.phases}


def test_phases_follow_each_other_from_the_intended_start() -> None:
    found = waterfall(measure(make_record(), CONTEXT))
    assert _phases(found) == {
        "schedule_delay": (0, 1),
        "first_byte": (1, 100),
        "first_token": (100, 101),
        "reasoning": (101, 111),
        "stream": (111, 201),
        "end": (201, 202),
    }
    assert (found.total_ms, found.note) == (202, None)
    assert found.chunk_ms == pytest.approx([101 + 10 * chunk for chunk in range(11)])
    assert found.shared == []


def test_a_connection_made_for_it_ends_where_it_was_sent() -> None:
    record = make_record(reused=False, dns_ns=MS, connect_ns=2 * MS, tls_ns=3 * MS)
    record.intended_ns = record.started_ns - 10 * MS
    phases = _phases(waterfall(measure(record, CONTEXT)))
    assert [phases[name] for name in ("schedule_delay", "dns", "connect", "tls")] == [(0, 4), (4, 5), (5, 7), (7, 10)]


def test_a_connection_opened_before_has_a_length_and_no_place() -> None:
    found = waterfall(measure(make_record(reused=False, connect_ns=5 * MS), CONTEXT))
    assert _phases(found)["connect"] == (None, None)
    assert next(phase for phase in found.phases if phase.name == "connect").duration_ms == 5
    assert found.note == "the connection was opened before the request was due"


def test_chunks_of_one_read_share_its_stamp() -> None:
    gaps = np.array([10 * MS, CENSORED, CENSORED, 30 * MS, 5 * MS], dtype="<i8").tobytes()
    found = waterfall(measure(make_record(chunks=6, gaps=gaps), CONTEXT))
    assert found.chunk_ms == pytest.approx([101, 111, 141, 141, 141, 146])
    assert found.shared == [2, 3]


def test_failures_and_odd_requests_tell_what_they_have() -> None:
    found = waterfall(measure(make_error(), CONTEXT))
    assert _phases(found) == {"schedule_delay": (0, 1), "end": (1, 2)}
    never = waterfall(measure(make_error(started_ns=0), CONTEXT))
    assert _phases(never) == {"schedule_delay": (0, 2)}
    again = waterfall(measure(make_record(attempts=3, clock_stepped=True), CONTEXT))
    assert again.note is not None
    assert "try 3" in again.note
    assert "clock" in again.note
    many = np.full(MAX_TICKS + 5, 1000, dtype="<i8").tobytes()
    assert waterfall(measure(make_record(gaps=many), CONTEXT)).chunks_left_out == 6
