import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.openai_chat import OpenAiChat
from app.adapters.server_timings import MAX_MS, MAX_NAMES, from_body, parse_server_timing, server_timings


def test_known_headers() -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"openai-processing-ms", b"312"),
        (b"x-envoy-upstream-service-time", b" 315 "),
        (b"x-ratelimit-remaining-requests", b"9"),
        (b"x-queue-time", b"4"),
        (b"x-inference-time", b"300"),
        (b"x-compute-time", b"0.3"),
        (b"server-timing", b"db;dur=53.2, app;dur=47"),
    ]
    assert server_timings(headers) == {
        "openai_processing_ms": 312.0,
        "envoy_upstream_service_ms": 315.0,
        "queue_ms": 4.0,
        "inference_ms": 300.0,
        "server_timing_db_ms": 53.2,
        "server_timing_app_ms": 47.0,
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("missedCache", {}),
        ("cpu;dur=2.4", {"cpu": 2.4}),
        ('cache;desc="Cache Read, with ; and =";dur=23.2', {"cache": 23.2}),
        ('cache;desc="a \\" quote";DUR="7"', {"cache": 7.0}),
        ("a;dur=1,b;dur=2 , c ; dur = 3", {"a": 1.0, "b": 2.0, "c": 3.0}),
        ("a;dur=, b;dur=x, c;dur=-1, d;dur=1e999, e;dur=nan, f;dur=1_0", {}),
        (';;,"",,=a, good;dur=5', {"good": 5.0}),
        ("Total-Time;dur=9", {"total_time": 9.0}),
        ("duration=5;xdur=3", {}),
        ("", {}),
    ],
)
def test_the_server_timing_header(value: str, expected: dict[str, float]) -> None:
    found = dict(parse_server_timing(value))
    assert found == {f"server_timing_{name}_ms": duration for name, duration in expected.items()}


_token = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            _token,
            st.floats(0, MAX_MS, allow_subnormal=False),
            st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12),
        ),
        max_size=10,
        unique_by=lambda metric: metric[0],
    )
)
def test_any_metrics_with_any_descriptions_come_back(metrics: list[tuple[str, float, str]]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    header = ", ".join(f"{name};desc={quoted(text)};dur={duration!r}" for name, duration, text in metrics)
    assert dict(parse_server_timing(header)) == {f"server_timing_{name}_ms": duration for name, duration, _ in metrics}


def test_bodies() -> None:
    llama = {"prompt_n": 1, "prompt_ms": 30.958, "predicted_ms": 661.064, "predicted_per_second": 52.9}
    assert dict(from_body(json.dumps(llama).encode())) == {"prompt_ms": 30.958, "predicted_ms": 661.064}
    groq = {"queue_time": 0.02, "prompt_time": 0.005, "completion_time": 0.1, "total_time": 0.105, "total_tokens": 9}
    assert dict(from_body(json.dumps(groq).encode())) == pytest.approx(
        {"queue_ms": 20, "prompt_ms": 5, "completion_ms": 100, "total_ms": 105}
    )
    ollama = {"total_duration": 5_043_500_667, "load_duration": 5_025_959, "eval_duration": 4_709_213_000}
    assert dict(from_body(json.dumps(ollama).encode())) == pytest.approx(
        {"total_ms": 5043.500667, "load_ms": 5.025959, "eval_ms": 4709.213}
    )


_names = st.sampled_from([b"server-timing", b"openai-processing-ms", b"x-queue-time", b"other"])


@settings(deadline=None)
@given(st.lists(st.tuples(_names, st.binary(max_size=200)), max_size=30), st.binary(max_size=100))
def test_nothing_that_a_server_says_breaks_it(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    found = server_timings(headers, body)
    assert len(found) <= MAX_NAMES
    for name, value in found.items():
        assert name.replace("_", "a").isalnum()
        assert name.endswith("_ms")
        assert len(name) <= 70
        assert 0 <= value <= MAX_MS
        assert math.isfinite(value)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["prompt_ms", "queue_time", "total_duration"]),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(),
            st.lists(st.none()),
        ),
    )
)
def test_strange_bodies(document: dict[str, Any]) -> None:
    assert all(0 <= value <= MAX_MS for _, value in from_body(json.dumps(document).encode()))


def test_many_names_are_bounded_and_the_first_word_counts() -> None:
    header = ", ".join(f"m{number};dur={number}" for number in range(100))
    found = server_timings([(b"server-timing", header.encode()), (b"server-timing", b"m1;dur=7")])
    assert len(found) == MAX_NAMES
    assert found["server_timing_m1_ms"] == 1


def test_the_chat_decoder_keeps_what_a_body_says() -> None:
    events = [
        {"id": "c", "choices": [{"delta": {"content": "hi"}}]},
        {"id": "c", "choices": [{"delta": {}, "finish_reason": "stop"}], "timings": {"prompt_ms": 3.5}},
    ]
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    decoder = OpenAiChat().decoder(200, "text/event-stream", keep_text=False)
    decoder.feed(1, stream)
    assert server_timings([], decoder.finish(complete=True).timings) == {"prompt_ms": 3.5}
    whole = {
        "id": "c",
        "choices": [{"message": {"content": "hi"}}],
        "usage": {"completion_tokens": 1, "queue_time": 0.5},
    }
    decoder = OpenAiChat().decoder(200, "application/json", keep_text=False)
    decoder.feed(1, json.dumps(whole).encode())
    assert server_timings([], decoder.finish(complete=True).timings) == {"queue_ms": 500.0}
