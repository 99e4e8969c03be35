"""What users bring: every form that is read, and what is said about what is not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.datasets import files
from app.datasets.entries import DatasetError, Item, Message
from app.datasets.files import SUFFIXES, read_dataset, read_lengths


def texts(name: str, data: str | bytes, **how: Any) -> list[str | None]:
    raw = data if isinstance(data, bytes) else data.encode()
    return [item.prompt for item in read_dataset(name, raw, **how).items]


def only(entry: Any, **how: Any) -> Item:
    (item,) = read_dataset("a.json", json.dumps([entry]).encode(), **how).items
    return item


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", "one\n\n two\n"),
        ("a.TXT", "\ufeffone\r\n\r\n two"),
        ("a.jsonl", '{"prompt": "one", "id": 7}\n\n" two"\n'),
        ("a.jsonl", '\ufeff{"text": "one"}\r\n{"question": " two"}\r\n'),
        ("a.json", '["one", {"prompt": " two"}]'),
        ("a.json", '{"data": ["one", {"instruction": " two", "input": ""}]}'),
        ("a.yaml", '- one\n- prompt: " two"\n'),
        ("a.yml", "prompts:\n  - one\n  - text: ' two'\n"),
        ("a.csv", "id,prompt\n1,one\n\n2, two\n"),
        ("a.csv", "\ufeffprompt\r\none\r\n\r\n two\r\n"),
        ("a.tsv", "prompt\tid\none\t1\n two\t2\n"),
    ],
)
def test_every_form_of_a_list_of_prompts(name: str, data: str) -> None:
    assert texts(name, data) == ["one", " two"]


def test_csv_cells_hold_anything() -> None:
    data = 'prompt,output_tokens,note\n"a ""quoted"", long\nprompt",12,x\nplain,,y\n'
    items = read_dataset("a.csv", data.encode()).items
    assert [(item.prompt, item.output_tokens) for item in items] == [('a "quoted", long\nprompt', 12), ("plain", None)]
    assert texts("a.csv", data, column="note") == ["x", "y"]
    assert texts("a.csv", "prompt\n" + "x" * 300_000 + "\n") == ["x" * 300_000]


def test_a_key_can_be_named() -> None:
    assert only({"prompt": "no", "story": "yes"}, column="story").prompt == "yes"


def test_yaml_scalars_stay_texts() -> None:
    assert texts("a.yaml", "- yes\n- 2024\n- 1_000\n- prompt: off\n  output_tokens: 7\n") == [
        "yes",
        "2024",
        "1_000",
        "off",
    ]
    assert read_dataset("a.yaml", b"- {prompt: off, output_tokens: 7}").items[0].output_tokens == 7


@pytest.mark.parametrize(
    ("entry", "messages", "output_tokens"),
    [
        ({"prompt": "a", "output_tokens": 9}, [("user", "a")], 9),
        ({"prompt": "a", "max_tokens": "12"}, [("user", "a")], 12),
        ({"instruction": "do", "input": "this"}, [("user", "do\n\nthis")], None),
        (
            {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions",
             "body": {"model": "m", "max_completion_tokens": 5,
                      "messages": [{"role": "developer", "content": "be"}, {"role": "user", "content": "a"}]}},
            [("system", "be"), ("user", "a")],
            5,
        ),
        ({"body": {"model": "m", "prompt": "a", "max_tokens": 3}}, [("user", "a")], 3),
        ({"body": {"model": "m", "input": ["a"]}}, [("user", "a")], None),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                          {"role": "assistant", "content": None}, {"role": "user", "content": "c"}]},
            [("user", "a\nb"), ("user", "c")],
            None,
        ),
        (
            {"conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "h"},
                               {"from": "gpt", "value": "g"}]},
            [("system", "s"), ("user", "h"), ("assistant", "g")],
            None,
        ),
    ],
)  # fmt: skip
def test_every_form_of_an_entry(entry: Any, messages: list[tuple[str, str]], output_tokens: int | None) -> None:
    item = only(entry)
    assert [(message.role, message.content) for message in item.messages] == messages
    assert item.output_tokens == output_tokens


def test_what_is_asked_of_a_chat() -> None:
    chat = Item(
        tuple(
            Message(role, content)
            for role, content in [
                ("system", "s"), ("user", "one"), ("assistant", "x" * 40), ("user", "two"), ("assistant", "y" * 80)
            ]
        )
    )  # fmt: skip
    first, last, cut = chat.first_turn(), chat.without_last_answer(), chat.cut_to(1)
    assert ([message.content for message in first.messages], first.output_tokens) == (["s", "one"], 10)
    assert ([message.content for message in last.messages][-1], last.output_tokens) == ("two", 20)
    assert [message.role for message in cut.messages] == ["system", "user", "assistant"]
    assert chat.cut_to(5) == chat


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"\n \n", r"^a\.txt: holds no prompt$"),
        ("a.txt", b"fine\n\xff\xfe", r"^a\.txt: is not UTF-8 text \(byte 5\)"),
        ("a.pdf", b"one", r"^a\.pdf: must end in \.txt, \.csv"),
        ("a", b"one", "must end in"),
        ("a.jsonl", b'"one"\n{"nothing": "two"}\n', r"^a\.jsonl, line 2: must be a text, or an object with prompt"),
        ("a.jsonl", b'"one"\n\n{broken\n', r"^a\.jsonl, line 3: not JSON"),
        ("a.jsonl", b'"' + b"\\ud800" + b'"', "line 1: not JSON"),
        ("a.json", b'{"prompt": "one"}', "must hold a list of prompts"),
        ("a.json", b'"one"', "must hold a list of prompts"),
        ("a.json", b"[1]", "item 1: must be a text, or an object"),
        ("a.json", b'["", "a"]', "item 1: must be a text that is not empty"),
        ("a.json", b'["a\\u0000b"]', "item 1: must not contain the character NUL"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.json", b'[{"prompt": "a", "output_tokens": 0}]', "item 1: output_tokens must be a whole number from 1 to"),
        ("a.json", b'[{"prompt": "a", "output_tokens": true}]', "item 1: output_tokens must be a whole number"),
        ("a.json", b'[{"prompt": 5}]', "item 1: prompt must be a text"),
        ("a.json", b'[{"messages": []}]', "messages must be a list of 1 to 1000 messages"),
        ("a.json", b'[{"messages": ["x"]}]', "messages, message 1: must be an object with role and content"),
        ("a.json", b'[{"messages": [{"role": "tool", "content": "x"}]}]', "system, user or assistant, not 'tool'"),
        ("a.json", b'[{"messages": [{"role": "assistant", "content": "x"}]}]', "must have one of role user"),
        ("a.json", b'[{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}]', "must be a path, a URL"),
        ("a.json", b'[{"messages": [{"role": "user", "content": ""}]}]', "message 1 must be a text that is not empty"),
        ("a.json", b'[{"conversations": []}]', "holds no prompt"),
        ("a.csv", b"one,two\n1,2\n", r"^a\.csv: has no column 'prompt'; there are one, two"),
        ("a.csv", b"", "has no column 'prompt'; there are none"),
        ("a.csv", b"prompt,x\n,1\n", r"^a\.csv, line 2: column 'prompt' is empty"),
        ("a.csv", b'prompt\n"open', r"^a\.csv, line 2: not CSV"),
        ("a.yaml", b"- one\n- [", r"^a\.yaml, line \d: not YAML"),
        ("a.yaml", b"one: two", "must hold a list of prompts"),
        ("a.yaml", b"- !!python/object/apply:os.system ['true']", "item 1"),
        ("a.yaml", b"- [a, b]", "item 1: must be a text, or an object"),
        ("a.yaml", b"", "must hold a list of prompts"),
        ("a.yaml", b"[" * 5000, "not YAML"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_place(name: str, data: bytes, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_dataset(name, data)


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 10)
    with pytest.raises(DatasetError, match="larger than"):
        read_dataset("a.txt", b"x" * 11)
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 1000)
    monkeypatch.setattr(files, "MAX_ITEMS", 3)
    with pytest.raises(DatasetError, match="more than 3 entries; limit how many are taken"):
        read_dataset("a.txt", b"a\nb\nc\nd\n")
    assert texts("a.txt", "a\nb\nc\nd\n", limit=3) == ["a", "b", "c"]
    monkeypatch.setattr(files, "MAX_ALL_TEXT_BYTES", 5)
    with pytest.raises(DatasetError, match="of text, images and audio; limit how many"):
        read_dataset("a.txt", "ää\nää\n".encode())


def test_lines_have_no_columns() -> None:
    with pytest.raises(DatasetError, match=r"^a\.txt: has no columns"):
        read_dataset("a.txt", b"a\nb\n", column="question")


def test_aliases_do_not_multiply_without_bound() -> None:
    bomb = "a: &a " + json.dumps("x" * 1_900_000) + "\nprompts:\n" + "- *a\n" * 1000
    with pytest.raises(DatasetError, match="more than 128 MiB of text"):
        read_dataset("a.yaml", bomb.encode())


@given(name=st.sampled_from(["a" + suffix for suffix in SUFFIXES]), data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    try:
        items = read_dataset(name, data).items
    except DatasetError:
        return
    assert all(any(message.role == "user" and message.content for message in item.messages) for item in items)


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "prompt",
                    "messages",
                    "conversations",
                    "body",
                    "role",
                    "from",
                    "content",
                    "value",
                    "max_tokens",
                    "data",
                ]
            ),
            inner | st.sampled_from(["user", "human", "assistant"]),
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(document=documents)
def test_any_json_is_read_or_refused(document: Any) -> None:
    try:
        items = read_dataset("a.json", json.dumps(document).encode()).items
    except DatasetError:
        return
    for item in items:
        assert item.without_last_answer().messages[-1].role == "user"
        assert any(message.role == "user" for message in item.first_turn().messages)
        assert all(message.content for message in item.messages)


@given(data=st.binary(max_size=60))
def test_any_bytes_are_lengths_or_refused(data: bytes) -> None:
    try:
        values, weights = read_lengths("a.txt", data)
    except DatasetError:
        return
    assert all(value >= 1 for value in values)
    assert weights is None or len(weights) == len(values)
