import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.benchmarks import gaps
from app.benchmarks.measures import MeasureContext, measure
from app.benchmarks.result_columns import columns
from app.benchmarks.result_lines import LINE_FIELDS, results_line
from app.benchmarks.rows import COLUMNS, to_rows
from app.core.ids import new_id
from app.loadgen.frames import CENSORED, Record
from app.stats.run_statistics import RunStatistics, TargetKey
from app.stats.summary import summarise
from tests.benchmarks.records import ANY_RECORD, CONTEXT, ORIGIN_NS, make_error, make_record


def test_durations_are_those_of_the_definitions() -> None:
    result = measure(make_record(), CONTEXT)
    assert result.schedule_delay_ms == 1
    assert (result.ttfb_ms, result.ttft_ms, result.ttfo_ms) == (99, 100, 110)
    assert (result.e2e_ms, result.stream_end_ms) == (200, 201)
    assert (result.ttft_from_intended_ms, result.e2e_from_intended_ms) == (101, 201)
    assert result.output_tokens == 11
    assert result.tpot_ms == 10


@pytest.mark.parametrize(("tokens", "chunks"), [(1, 11), (0, 1), (None, 11), (5, 1)])
def test_tpot_is_undefined_below_two_tokens_or_chunks(tokens: int | None, chunks: int) -> None:
    record = make_record(visible_output_tokens=tokens, reasoning_tokens=None, chunks=chunks)
    assert measure(record, CONTEXT).tpot_ms is None


def test_a_request_that_never_started_has_no_durations() -> None:
    result = measure(make_error(started_ns=0, end_ns=0, error_type="connect"), CONTEXT)
    assert (result.schedule_delay_ms, result.stream_end_ms, result.started_ns) == (None, None, None)


def test_a_clock_step_drops_the_durations_and_says_so() -> None:
    result = measure(make_record(clock_stepped=True), CONTEXT)
    assert result.metadata == {"clock_stepped": True}
    assert (result.ttft_ms, result.e2e_ms, result.schedule_delay_ms) == (None, None, None)


def test_costs_are_known_only_where_prices_are() -> None:
    known = measure(make_record(), MeasureContext("p", "gpt-4o-mini", "openai"))
    assert known.cost_usd == pytest.approx(5 * 0.15e-6 + 11 * 0.6e-6)
    assert measure(make_record(), CONTEXT).cost_usd is None
    assert measure(make_error(), MeasureContext("p", "gpt-4o-mini", "openai")).cost_usd is None
    assert measure(make_record(), MeasureContext("p", "m", "no-such-kind")).cost_usd is None


def test_a_line_has_the_promised_fields() -> None:
    line = results_line(measure(make_record(3), CONTEXT))
    assert tuple(line) == LINE_FIELDS
    promised = "index response_id status error_type error attempts clock intended_ns started_ns first_byte_ns "
    promised += "first_token_ns last_token_ns end_ns input_tokens output_tokens reasoning_tokens token_count_source "
    promised += "chunks coalesced_chunks cost_usd ttft_ms tpot_ms e2e_ms e2e_from_intended_ms"
    assert set(promised.split()) <= set(line)
    assert results_line(measure(make_error(error_kind="quota"), CONTEXT))["error_kind"] == "quota"
    assert line["error_kind"] is None


@given(st.lists(st.one_of(st.just(CENSORED), st.integers(0, 2**40)), max_size=50))
def test_stored_gaps_read_back_exactly(values: list[int]) -> None:
    blob = np.array(values, dtype="<i8").tobytes()
    assert gaps.unpack(gaps.pack(blob)) == blob
    shown = gaps.milliseconds(blob)
    assert [value is None for value in shown] == [value == CENSORED for value in values]


def test_gaps_of_an_unknown_format_are_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        gaps.unpack(b"\x05123")


@settings(max_examples=40, deadline=None)
@given(st.lists(ANY_RECORD, max_size=6))
def test_whatever_an_engine_reports_can_be_counted_and_stored(records: list[Record]) -> None:
    results = [measure(record, CONTEXT) for record in records]
    run = RunStatistics(ORIGIN_NS)
    run.add(TargetKey("local", "small"), columns(results))
    summary = summarise(RunStatistics.decode(run.encode()), None)
    assert summary["requests"]["total"] == len(records)
    assert summary["requests"]["failed"] == sum(record.status == "error" for record in records)
    for dialect in ("sqlite", "postgresql"):
        for row in to_rows(new_id(), results, dialect):
            assert len(row) == len(COLUMNS)
            assert not any("\0" in value for value in row if isinstance(value, str))
            assert all(abs(value) < 2**63 for value in row if isinstance(value, int))


@given(st.lists(st.tuples(st.booleans(), st.lists(st.one_of(st.just(CENSORED), st.integers(0, 10**9)))), max_size=6))
def test_a_gap_counts_only_when_it_is_one_chunks_own(requests: list[tuple[bool, list[int]]]) -> None:
    results = [
        measure(make_record(i, status="ok" if ok else "error", gaps=np.array(g, dtype="<i8").tobytes()), CONTEXT)
        for i, (ok, g) in enumerate(requests)
    ]
    batch = columns(results)
    expected = [
        gap
        for ok, values in requests
        for position, gap in enumerate(values)
        if ok and gap != CENSORED and (position == 0 or values[position - 1] != CENSORED)
    ]
    assert batch.gaps_ns[batch.single_gaps & batch.ok_gaps].tolist() == expected
