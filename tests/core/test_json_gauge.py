"""The depth of a JSON text is known while it arrives, in whatever pieces."""

import json
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.json_gauge import JsonGauge

_TEXTS = st.text(alphabet='\\"[]{},:a\u00e9\n', max_size=8)
_VALUES = st.recursive(
    st.none() | _TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3)
)


def _depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


@settings(max_examples=150)
@given(_VALUES, st.integers(1, 7))
def test_as_deep_as_it_nests_however_it_is_cut(value: object, size: int) -> None:
    text = json.dumps(value, ensure_ascii=False).encode()
    gauge = JsonGauge()
    for start in range(0, len(text), size):
        gauge.feed(text[start : start + size])
    assert gauge.deepest == _depth(value)


def test_no_text_takes_long() -> None:
    for part in (b"[],", b'"",', b'\\"', b"[", b"\\", b"}{"):
        began = time.process_time()
        gauge = JsonGauge()
        for _ in range(32):
            gauge.feed(part * (65_536 // len(part)))
        assert time.process_time() - began < 1, part  # 2 MB, which a loop over the signs took two seconds for
