"""Our selectors against a reference implementation of RFC 9535."""

import json
from typing import Any

import jsonpath_rfc9535
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.selectors import Selector

KEYS = ("a", "b", "c d", "é", "it's", 'q"')
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "it's", "é"]) | st.just(1.5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)


def quoted(name: str) -> str:
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


STEP = st.one_of(
    st.sampled_from([".a", ".b", ".é", ".*", "[*]", "[ * ]", '["a"]', '["q\\""]', "['\\u00e9']"]),
    st.sampled_from(KEYS).map(lambda name: f"[{quoted(name)}]"),
    st.integers(-4, 4).map(lambda index: f"[{index}]"),
    st.builds(
        lambda path, sign, value: f"[?@{path} {sign} {value}]",
        st.sampled_from(["", ".a", "['b']", ".a.b", "[0]", ".a[-1]"]),
        st.sampled_from(["==", "!="]),
        st.sampled_from(["1", "-2", "1.5", "1.0", "true", "false", "null", "'x'", '"é"', "'it\\'s'", "0"]),
    ),
)


@settings(max_examples=300)
@given(steps=st.lists(STEP, max_size=5), value=VALUES)
def test_it_selects_what_the_standard_says(steps: list[str], value: Any) -> None:
    text = "$" + "".join(steps)
    expected = jsonpath_rfc9535.find(text, value).values()
    found = Selector(text).every(value)
    assert [repr(one) for one in found] == [repr(one) for one in expected]
    for document in (msgspec.json.encode(value), json.dumps(value).encode()):
        assert Selector(text).may_select(document) or not found


@settings(max_examples=300)
@given(text=st.text(alphabet="$.[]'\"*?@=!ab01- \\u:,", max_size=14).map(lambda tail: "$" + tail))
def test_what_it_takes_the_standard_takes(text: str) -> None:
    try:
        Selector(text)
    except ValueError:
        return
    jsonpath_rfc9535.compile(text)


@pytest.mark.parametrize(
    "text",
    ["", "a", "$.", "$..a", "$[", "$[a]", "$[1:2]", "$['a','b']", "$.a b", "$[01]", "$[-0]", "$[?@.a]", "$[?@.a<1]",
     "$['\\x']", "$['\\ud800']", '$["\\\'"]', "$.1a", "$[9007199254740992]", "$" + ".a" * 300],
)  # fmt: skip
def test_what_is_no_selector(text: str) -> None:
    with pytest.raises(ValueError, match=r"selector|characters|escape|range"):
        Selector(text)


def test_names_and_firsts() -> None:
    assert Selector("$.choices[*].delta.content").last_name == "content"
    assert Selector("$.output[*]").last_name is None
    assert Selector("$[*].a").first([{"a": None}, {}, {"a": 0}]) == 0
