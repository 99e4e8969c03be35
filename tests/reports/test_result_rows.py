import contextlib
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.benchmarks import gaps
from app.benchmarks.measures import measure
from app.benchmarks.result_lines import results_line
from app.loadgen.frames import Record
from app.reports.result_rows import ResultFileError, from_line, read_results
from tests.benchmarks.records import ANY_RECORD, CONTEXT, make_measured


@settings(deadline=None)
@given(ANY_RECORD)
def test_a_line_comes_back_as_it_was(record: Record) -> None:
    result = measure(record, CONTEXT)
    try:
        line = orjson.loads(orjson.dumps({**results_line(result), "gaps_ms": gaps.milliseconds(result.gaps)}))
    except TypeError:  # a lone surrogate, which JSON cannot hold
        return
    back = from_line(line)
    assert results_line(back) == results_line(result)
    assert back.gaps == result.gaps


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*results_line(make_measured(0)[0]), "gaps_ms", "response_text"]), json_values))
def test_any_other_line_is_a_clear_error(changes: dict[str, Any]) -> None:
    line = results_line(make_measured(0)[0]) | changes
    with contextlib.suppress(ValueError):  # anything else fails the test
        from_line(line)


def test_errors_name_the_line_and_a_cut_off_end_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    good = orjson.dumps(results_line(make_measured(0)[0]))
    path.write_bytes(good + b"\n\n" + good + b"\n" + good[:40])
    assert len(list(read_results(path))) == 2
    path.write_bytes(good + b"\n" + good[:40] + b"\n")
    with pytest.raises(ResultFileError, match="line 2"):
        list(read_results(path))
    path.write_bytes(json.dumps({"index": 1, "status": "maybe", "intended_ns": 1}).encode() + b"\n")
    with pytest.raises(ResultFileError, match="status"):
        list(read_results(path))
