"""Lengths drawn from a distribution: as many tokens, or milliseconds, as `loadgen.plan.Lengths` says.

A lognormal distribution is given by its own mean m and standard deviation s. Its logarithm is then normal with variance
ln(1 + (s/m)^2) and mean ln(m) minus half of that (Johnson, Kotz, Balakrishnan, "Continuous Univariate Distributions",
volume 1, chapter 14).
"""

import math
import random
from collections.abc import Callable
from itertools import accumulate

from app.loadgen.plan import Lengths, TokenModel

_BYTES_PER_TOKEN = 4


def sampler(lengths: Lengths) -> Callable[[random.Random], int]:
    """A function that draws one length with the given generator; a `fixed` one draws nothing from it."""
    draw = _unlimited(lengths)
    lowest, highest = lengths.minimum, lengths.maximum or math.inf

    def cut(rng: random.Random) -> int:
        return int(min(max(round(min(draw(rng), 2.0**53)), lowest), highest))

    return cut


def _unlimited(lengths: Lengths) -> Callable[[random.Random], float]:  # noqa: PLR0911  (one a kind)
    mean, stdev = lengths.mean, lengths.stdev
    if lengths.kind == "empirical":
        values = lengths.values
        if not lengths.weights:
            return lambda rng: values[rng.randrange(len(values))]
        cumulative = list(accumulate(lengths.weights))
        return lambda rng: rng.choices(values, cum_weights=cumulative)[0]
    if lengths.kind == "uniform":
        return lambda rng: rng.randint(lengths.minimum, lengths.maximum)
    if lengths.kind == "exponential" and mean > 0:
        return lambda rng: rng.expovariate(1 / mean)
    if lengths.kind == "normal" and stdev > 0:
        return lambda rng: rng.gauss(mean, stdev)
    if lengths.kind == "lognormal" and stdev > 0 and mean > 0:
        variance = math.log1p(min(stdev / mean, 1e150) ** 2)  # past that, its square is no number
        mu, sigma = math.log(mean) - variance / 2, math.sqrt(variance)
        return lambda rng: math.exp(min(rng.gauss(mu, sigma), 100.0))
    return lambda _rng: mean


def words_for(tokens: int, model: TokenModel) -> int:
    """How many words make a text of `tokens` tokens; at least one."""
    return max(1, round((tokens - model.overhead) / model.per_word))


def words_within(tokens: int, model: TokenModel) -> int:
    """The same for a part of a text, which has no overhead of its own."""
    return max(1, round(tokens / model.per_word))


def estimated_tokens(text: str) -> int:
    """A guess at the tokens of a given text, where no tokeniser is at hand: one per four bytes of UTF-8, at least one.

    Four characters a token is the usual rule for English; bytes make it fit other scripts better.
    """
    return max(1, round(len(text.encode(errors="replace")) / _BYTES_PER_TOKEN))
