"""Rate limits as vendors tell them in headers, and words for why a model stopped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.finish_reasons import finish_kind
from app.adapters.rate_limits import RateLimitState, rate_limits

NOW = 1_700_000_000.0  # 2023-11-14T22:13:20Z


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {
                "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "1s", "x-ratelimit-limit-tokens": "150000",
                "x-ratelimit-remaining-tokens": "149984", "x-ratelimit-reset-tokens": "6m0s",
            },
            {"requests": RateLimitState(60, 59, 1), "tokens": RateLimitState(150000, 149984, 360)},
        ),
        ({"X-RateLimit-Reset-Tokens": "7.66s"}, {"tokens": RateLimitState(None, None, 7.66)}),
        ({"x-ratelimit-reset-requests": "2m59.56s"}, {"requests": RateLimitState(None, None, 179.56)}),
        ({"x-ratelimit-reset-tokens": "88ms"}, {"tokens": RateLimitState(None, None, 0.088)}),
        ({"x-ratelimit-reset-tokens": "1h0m1.5s"}, {"tokens": RateLimitState(None, None, 3601.5)}),
        (
            {
                "anthropic-ratelimit-requests-limit": "4000", "anthropic-ratelimit-requests-remaining": "3999",
                "anthropic-ratelimit-requests-reset": "2023-11-14T22:13:21Z",
                "anthropic-ratelimit-input-tokens-limit": "400000",
                "anthropic-ratelimit-input-tokens-reset": "2023-11-14T22:14:20.5+00:00",
            },
            {"requests": RateLimitState(4000, 3999, 1), "input-tokens": RateLimitState(400000, None, 60.5)},
        ),
        (
            {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000005000"},
            {"requests": RateLimitState(10, 0, 5)},
        ),
        ({"x-ratelimit-reset": "1700000005"}, {"requests": RateLimitState(None, None, 5)}),
        ({"ratelimit-limit": "100", "ratelimit-reset": "30"}, {"requests": RateLimitState(100, None, 30)}),
        (
            {"x-trial-endpoint-call-limit": "20", "x-trial-endpoint-call-remaining": "19",
             "x-endpoint-monthly-call-limit": "1000"},
            {"requests": RateLimitState(20, 19, None), "requests-month": RateLimitState(1000, None, None)},
        ),
        (
            {"ratelimitbysize-limit": "500000", "ratelimitbysize-remaining": "499911", "ratelimitbysize-reset": "12",
             "ratelimitbysize-query-cost": "89", "x-ratelimitbysize-limit-month": "1000000000",
             "x-ratelimit-limit-req-minute": "720", "x-ratelimit-remaining-req-minute": "717",
             "x-ratelimit-tokens-query-cost": "52"},
            {"tokens": RateLimitState(500000, 499911, 12), "tokens-month": RateLimitState(1e9, None, None),
             "req-minute": RateLimitState(720, 717, None)},
        ),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "7"}, {"requests": RateLimitState(None, 0, 7)}),
        ({"anthropic-ratelimit-tokens-reset": "2020-01-01T00:00:00Z"}, {"tokens": RateLimitState(None, None, 0)}),
        ({"x-ratelimit-remaining-requests": "-1", "x-ratelimit-reset-tokens": "soon", "retry-after": "1"}, {}),
        ({"anthropic-ratelimit-tokens-reset": "2020-01-01T00:00:00", "x-ratelimit-limit": "nan"}, {}),
    ],
)  # fmt: skip
def test_rate_limits(headers: dict[str, str], expected: dict[str, RateLimitState]) -> None:
    found = rate_limits(headers.items(), NOW)
    assert found.keys() == expected.keys()
    for name, state in found.items():
        assert (state.limit, state.remaining) == (expected[name].limit, expected[name].remaining)
        assert state.reset_seconds == pytest.approx(expected[name].reset_seconds)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["x-ratelimit-reset", "ratelimit-limit", "anthropic-ratelimit-tokens-reset", "x"]),
            st.one_of(st.text(max_size=30), st.from_regex(r"[0-9.hms+\-TZ:e]{1,20}")),
        )
    )
)
def test_anything_may_come(headers: list[tuple[str, str]]) -> None:
    for state in rate_limits(headers, NOW).values():
        assert state.reset_seconds is None or state.reset_seconds >= 0


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("stop", "stop"), ("end_turn", "stop"), ("STOP", "stop"), ("COMPLETE", "stop"), ("completed", "stop"),
        ("eos", "stop"), ("length", "length"), ("MAX_TOKENS", "length"), ("max_output_tokens", "length"),
        ("limit", "length"), ("tool_use", "tool_calls"), ("TOOL_CALL", "tool_calls"), ("SAFETY", "content_filter"),
        ("refusal", "content_filter"), ("guardrail_intervened", "content_filter"), ("ERROR", "error"),
        ("MALFORMED_FUNCTION_CALL", "error"), ("something new", "other"), (None, None),
    ],
)  # fmt: skip
def test_finish_kinds(word: str | None, kind: str | None) -> None:
    assert finish_kind(word) == kind
