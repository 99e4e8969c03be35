import math
import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.datasets.lengths import estimated_tokens, sampler, words_for, words_within
from app.loadgen.plan import Lengths, TokenModel

DRAWS = 4000


def draws(lengths: Lengths, number: int = DRAWS, seed: int = 1) -> list[int]:
    draw = sampler(lengths)
    return [draw(random.Random(f"{seed}-{position}")) for position in range(number)]


@settings(deadline=None, max_examples=25)
@given(kind=st.sampled_from(["normal", "lognormal"]), mean=st.floats(50, 5000), share=st.floats(0.0, 0.3))
def test_mean_and_deviation_are_the_distributions_own(kind: str, mean: float, share: float) -> None:
    found = draws(Lengths(kind, mean, mean * share))  # type: ignore[arg-type]
    error = 5 * (mean * share + 1) / math.sqrt(DRAWS)
    assert abs(statistics.fmean(found) - mean) < error + 0.5
    assert abs(statistics.pstdev(found) - mean * share) < 0.15 * mean * share + 0.6


def test_a_lognormal_with_a_long_tail_has_the_asked_mean() -> None:
    found = draws(Lengths("lognormal", 512, 512), 40_000)
    assert abs(statistics.fmean(found) - 512) < 20
    assert statistics.median(found) == pytest.approx(512 / math.sqrt(2), rel=0.05)


@given(
    kind=st.sampled_from(["fixed", "normal", "lognormal", "exponential"]),
    mean=st.floats(0, 1e6),
    stdev=st.floats(0, 1e7),
    minimum=st.integers(0, 1000),
    span=st.integers(0, 1000),
)
def test_every_length_lies_within_the_limits(kind: str, mean: float, stdev: float, minimum: int, span: int) -> None:
    lengths = Lengths(kind, mean, stdev, minimum, minimum + span)  # type: ignore[arg-type]
    highest = minimum + span or math.inf
    assert all(minimum <= length <= highest for length in draws(lengths, 50))


def test_the_other_kinds() -> None:
    assert set(draws(Lengths(mean=7.6), 10)) == {8}
    uniform = draws(Lengths("uniform", minimum=3, maximum=6))
    assert all(abs(uniform.count(length) - DRAWS / 4) < 150 for length in (3, 4, 5, 6))
    assert len(uniform) == sum(uniform.count(length) for length in (3, 4, 5, 6))
    plain = draws(Lengths("empirical", values=(5, 9)))
    assert abs(plain.count(5) - DRAWS / 2) < 200
    weighted = draws(Lengths("empirical", values=(5, 9), weights=(3.0, 1.0)))
    assert abs(weighted.count(5) - 0.75 * DRAWS) < 200
    assert abs(statistics.fmean(draws(Lengths("exponential", 1000.0))) - 1000) < 80
    assert set(draws(Lengths("exponential"), 5)) == {0}


def test_the_same_generator_draws_the_same_length() -> None:
    lengths = Lengths("lognormal", 100, 50)
    assert draws(lengths, 20) == draws(lengths, 20)
    assert draws(lengths, 20) != draws(lengths, 20, seed=2)


def test_words_of_tokens() -> None:
    model = TokenModel(per_word=1.3, overhead=7)
    assert words_for(7 + 130, model) == 100
    assert words_within(130, model) == 100
    assert words_for(1, model) == words_within(0, model) == 1
    assert words_for(512, TokenModel()) == 512


def test_an_estimate_of_tokens() -> None:
    assert estimated_tokens("") == 1
    assert estimated_tokens("x" * 400) == 100
    assert 80 <= estimated_tokens("日本語" * 40) <= 120
