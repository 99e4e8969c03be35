"""What `make test-engines` holds against an engine: each contradiction is found, and a sound run has none."""

from typing import Any

import pytest

from benches.engines.checks import OVERHEAD_MS, Expected, Row, line, problems

SOUND = Expected(requests=3, output_tokens=8, input_tokens=[5, 6, 7], timing="llama.cpp")
HEAD = Expected(requests=3, output_tokens=8, timing="header", is_streamed=False)


def rows(**changed: Any) -> list[Row]:
    """Three sound rows; `changed` goes into the last one."""
    made: list[dict[str, Any]] = [
        {
            "index": number,
            "status": "ok",
            "error_type": None,
            "error": None,
            "token_count_source": "usage",
            "input_tokens": 5 + number,
            "output_tokens": 8,
            "chunks": 8,
            "ttft_ms": 12.0,
            "tpot_ms": 2.0,
            "stream_end_ms": 30.0,
            "server_timings_ms": {"prompt_ms": 10.0, "predicted_ms": 17.5},
        }
        for number in range(3)
    ]
    made[-1] |= changed
    return [dict(one) for one in made]


def test_a_sound_run_has_no_contradiction() -> None:
    assert problems(rows(), SOUND) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"status": "error", "error_type": "disconnected", "error": "no answer"}, "1 of 3 failed: disconnected"),
        ({"token_count_source": "chunks"}, "tokens counted by chunks, usage"),
        ({"output_tokens": 9}, "output tokens: asked for 8, counted [9]"),
        ({"chunks": 7}, "received [7]"),
        ({"input_tokens": 8}, "input tokens: 19 by the server, 18 by the vocabulary"),
        ({"server_timings_ms": None}, "the server's own timings are missing"),
        ({"ttft_ms": 8.9}, "request 2: first token after 8.90 ms, prefill 10.0 ms"),
        ({"stream_end_ms": 26.0}, "request 2: ended after 26.00 ms, the server worked for 27.5 ms"),
    ],
)
def test_each_contradiction_is_found(changed: dict[str, Any], says: str) -> None:
    found = problems(rows(**changed), SOUND)
    assert any(says in problem for problem in found), found


def test_rows_that_are_missing() -> None:
    assert problems(rows()[:2], SOUND)[0] == "2 rows of 3 requests"
    assert problems([], SOUND) == ["0 rows of 3 requests"]


def test_rounding_is_no_contradiction() -> None:
    assert problems(rows(ttft_ms=9.0, stream_end_ms=26.5), SOUND) == []


def test_what_lies_between_the_clocks_is_bounded_where_nothing_waits() -> None:
    late: list[Row] = [{**row, "ttft_ms": 11 + OVERHEAD_MS, "stream_end_ms": 29 + OVERHEAD_MS} for row in rows()]
    found = problems(late, SOUND)
    assert len(found) == 2, found
    assert "first tokens came" in found[0]
    assert "answers ended" in found[1]
    assert problems(late, SOUND._replace(is_alone=False)) == [], "requests that wait for each other take longer"


def test_without_usage_chunks_must_be_counted() -> None:
    silent = Expected(requests=3, output_tokens=8, has_usage=False)
    assert problems(rows(), silent) == ["tokens counted by usage"]
    counted: list[Row] = [{**row, "token_count_source": "chunks", "input_tokens": None} for row in rows()]
    assert problems(counted, silent) == []


def test_made_up_prompts_have_the_length_that_was_asked_for() -> None:
    made_up = Expected(requests=3, output_tokens=8, mean_input_tokens=6)
    assert problems(rows(), made_up) == []
    assert problems(rows(input_tokens=12), made_up) == ["made-up prompts: asked for 6 tokens, sent 7.7 on average"]


def test_the_time_in_a_header_is_that_of_a_whole_answer() -> None:
    whole: list[Row] = [{**row, "chunks": 1, "server_timings_ms": {"openai_processing_ms": 29.0}} for row in rows()]
    assert problems(whole, HEAD) == []
    early: list[Row] = [{**row, "stream_end_ms": 20.0} for row in whole]
    assert "request 0: first token after 20.00 ms, prefill 29.0 ms" in problems(early, HEAD)
    head_before_the_answer: list[Row] = [
        {**row, "ttft_ms": 40.0, "stream_end_ms": 90.0, "chunks": 8, "server_timings_ms": {"openai_processing_ms": 1.0}}
        for row in rows()
    ]
    assert problems(head_before_the_answer, HEAD._replace(is_streamed=True)) == [], "it says nothing of the end"


def test_a_line_of_the_table() -> None:
    failed = rows(status="error", server_timings_ms=None)
    found = line(failed, {"rates": {"output_tokens_per_s": 123.4}})
    assert (found.ok, found.ttft_ms, found.server_prefill_ms, found.tpot_ms) == (2, 12.0, 10.0, 2.0)
    assert (found.server_tpot_ms, found.tokens_per_s) == (2.5, 123.4), "the first token comes with the prompt"
    assert (found.input_tokens, found.output_tokens, found.chunks) == (11, 16, 16)
    silent = line([{**row, "input_tokens": None, "server_timings_ms": None} for row in rows()],
                  {"rates": {"output_tokens_per_s": None}})  # fmt: skip
    assert (silent.input_tokens, silent.server_prefill_ms, silent.tokens_per_s) == (None, None, 0.0)
