"""Trace files as they are published, and files that are none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.datasets import traces
from app.datasets.traces import TraceError, read_trace

AZURE_2023 = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
2023-11-17 00:00:00.0000000,0,0
"""
AZURE_2024 = """TIMESTAMP,ContextTokens,GeneratedTokens
2024-05-10 23:59:59.999999+00:00,2162,5
2024-05-11 00:00:00+00:00,2399,6
2024-05-11 02:00:00.500000+02:00,76,15
"""
BURSTGPT = """Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45,ChatGPT,1087,230,1317,Conversation log
46.5,GPT-4,417,0,417,Conversation log
118,GPT-4,417,276,693,API log
"""
BURSTGPT_3 = """Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type
0,"a,b",1.5,ChatGPT,10,20,30,Conversation log
1,,2.5,ChatGPT,11,21,32,Conversation log
"""
MOONCAKE = """{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}
{"timestamp": 30535, "input_length": 6472, "output_length": 0, "hash_ids": [46, 2366]}

{"timestamp": 30535, "input_length": 10, "output_length": 26}
"""


def file_of(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "trace"
    path.write_bytes(text.encode(encoding))
    return path


def test_azure_2023(tmp_path: Path) -> None:
    trace = read_trace(file_of(tmp_path, AZURE_2023))
    assert trace.format == "azure"
    assert trace.at_seconds == [0, pytest.approx(4.314579, abs=2e-7), pytest.approx(20_653.31941, abs=2e-7)]
    assert (trace.input_tokens, trace.output_tokens, trace.blocks) == ([374, 396, 1], [44, 109, 1], None)
    assert trace.notes == ["1 requests without input tokens send one", "1 requests without output tokens ask for one"]


def test_azure_2024_has_zones(tmp_path: Path) -> None:
    trace = read_trace(file_of(tmp_path, AZURE_2024))
    assert trace.at_seconds == [0, pytest.approx(1e-6, abs=1e-7), pytest.approx(0.500001, abs=1e-7)]


def test_burstgpt_without_its_failures(tmp_path: Path) -> None:
    trace = read_trace(file_of(tmp_path, BURSTGPT.replace("\n", "\r\n"), "utf-8-sig"))
    assert trace.format == "burstgpt"
    assert (trace.at_seconds, trace.output_tokens) == ([0, 40, 113], [18, 230, 276])
    assert len(trace.notes) == 1
    assert trace.notes[0].startswith("1 requests without output were left out")


def test_later_burstgpt_has_more_columns(tmp_path: Path) -> None:
    trace = read_trace(file_of(tmp_path, BURSTGPT_3))
    assert (trace.at_seconds, trace.input_tokens, trace.output_tokens) == ([0, 1], [10, 11], [20, 21])


def test_mooncake_names_its_blocks(tmp_path: Path) -> None:
    trace = read_trace(file_of(tmp_path, MOONCAKE))
    assert trace.format == "mooncake"
    assert trace.at_seconds == [0, 3.053, 3.053]
    assert trace.output_tokens == [52, 1, 26]
    assert trace.blocks == [[46, 47], [46, 2366], []]


def test_a_trace_can_be_cut(tmp_path: Path) -> None:
    path = file_of(tmp_path, BURSTGPT)
    assert read_trace(path, first=1).at_seconds == [0]
    assert read_trace(path, first=3).at_seconds == [0, 40, 113]
    assert read_trace(path, until_seconds=113).at_seconds == [0, 40]
    endless = file_of(tmp_path, BURSTGPT + "200,x,bad,1,1,x\n")
    assert len(read_trace(endless, first=3).at_seconds) == 3


def test_what_is_out_of_order_is_put_in_order(tmp_path: Path) -> None:
    trace = read_trace(file_of(tmp_path, "Timestamp,Request tokens,Response tokens\n9,1,1\n3,2,2\n3,3,3\n"))
    assert (trace.at_seconds, trace.input_tokens) == ([0, 0, 6], [2, 3, 1])
    assert "order" in trace.notes[0]


def test_there_is_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "MAX_REQUESTS", 2)
    path = file_of(tmp_path, MOONCAKE)
    with pytest.raises(TraceError, match="more than 2 requests"):
        read_trace(path)
    assert len(read_trace(path, first=2).at_seconds) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("prompt,answer\na,b\n", "known are azure"),
        ('[{"timestamp": 1}]', "known are azure"),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n", "holds no request"),
        (AZURE_2023 + "today,1,1\n", "line 5: TIMESTAMP must be an instant such as .*, not 'today'"),
        (AZURE_2023 + "2023-13-16 18:15:46,1,1\n", "line 5: TIMESTAMP must be an instant"),
        (AZURE_2023 + "2023-11-16 18:15:46,x,1\n", "line 5: ContextTokens must be a whole number from 0 to 1000000"),
        (AZURE_2023 + "2023-11-16 18:15:46,1,-1\n", "line 5: GeneratedTokens must be .*, not '-1'"),
        (AZURE_2023 + "2023-11-16 18:15:46,1\n", "line 5: has 2 columns, not 3"),
        (AZURE_2023 + '2023-11-16 18:15:46,"1,1\n', "line 5"),
        (BURSTGPT + "nan,x,1,1,1,x\n", "line 6: Timestamp must be a number of seconds, not 'nan'"),
        (BURSTGPT + "9,x,1.5,1,1,x\n", "line 6: Request tokens must be a whole number"),
        (BURSTGPT + f"9,x,{10**7},1,1,x\n", "line 6: Request tokens must be a whole number"),
        ('{"timestamp": 1}', "line 1: has no input_length"),
        (MOONCAKE + "{broken", "line 5: not JSON"),
        (MOONCAKE + "[1]", "line 5: must be an object"),
        (MOONCAKE + '{"timestamp": true, "input_length": 1, "output_length": 1}', "line 5: timestamp must be a number"),
        (MOONCAKE + '{"timestamp": NaN, "input_length": 1, "output_length": 1}', "line 5: timestamp must be a number"),
        (MOONCAKE + '{"timestamp": 1, "input_length": "x", "output_length": 1}', "line 5: input_length must be"),
        (MOONCAKE + '{"timestamp": 1, "input_length": [], "output_length": 1}', "line 5: input_length must be"),
        (
            MOONCAKE + '{"timestamp": 1, "input_length": 1, "output_length": 1, "hash_ids": [1.5]}',
            "line 5: hash_ids must be a list of whole numbers",
        ),
        (
            MOONCAKE + '{"timestamp": 1, "input_length": 1, "output_length": 1, "hash_ids": [' + "9" * 20 + "]}",
            "line 5: hash_ids",
        ),
        ('{"a": "' + "x" * 5_000_000, "line 1: is longer"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(TraceError, match=says):
        read_trace(file_of(tmp_path, text))


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="No such file"):
        read_trace(tmp_path / "absent")
    with pytest.raises(TraceError, match="Is a directory"):
        read_trace(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TraceError, match="not UTF-8"):
        read_trace(tmp_path / "binary")
    with pytest.raises(TraceError, match="a burstgpt trace has a column 'request tokens'"):
        read_trace(file_of(tmp_path, AZURE_2023), "burstgpt")
    with pytest.raises(TraceError, match="line 1: not JSON"):
        read_trace(file_of(tmp_path, AZURE_2023), "mooncake")


@given(text=st.text(max_size=300), head=st.sampled_from(["", AZURE_2023, BURSTGPT, MOONCAKE]))
def test_no_text_does_worse_than_an_error(tmp_path_factory: pytest.TempPathFactory, text: str, head: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any-trace"
    path.write_bytes((head + text).encode("utf-8", "surrogatepass"))
    try:
        trace = read_trace(path)
    except TraceError:
        return
    assert len(trace.at_seconds) == len(trace.input_tokens) == len(trace.output_tokens) > 0
    assert trace.at_seconds == sorted(trace.at_seconds)
    assert min(trace.at_seconds) == 0
