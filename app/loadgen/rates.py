"""How many requests a varying rate asks for by some instant, and the way back: the cumulative rate and its inverse.

A process of rate 1 whose arrivals are mapped through the inverse of a cumulative rate is the same process at that rate
(time rescaling; Daley and Vere-Jones, "An Introduction to the Theory of Point Processes", section 7.4). Every piece is
solved in closed form, so that nothing drifts; positions are handed over as whole and part, because a week at 100,000/s
has more arrivals than a float tells apart to the nanosecond.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from app.loadgen.plan import Segment

NANOSECONDS = 1_000_000_000
FAR_NS = 2**61
"""73 years: an arrival later than this never comes."""


class _Piece(NamedTuple):
    """A segment with what came before it."""

    begin_ns: int
    end_ns: int | None
    begin_whole: int  # arrivals before it: whole + part
    begin_part: float
    rate_from: float
    slope: float  # linear: requests per second, per second
    growth: float  # exponential: logarithm of the factor per second


class CumulativeRate:
    """Expected arrivals as a function of the time since the start. Rates are requests per second."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        """Take the segments, of which only the last may have no end.

        Raises:
            ValueError: there are none, a rate is negative or not finite, or a segment cannot be what it says.
        """
        if not segments:
            raise ValueError("a load needs a rate")
        self._pieces: list[_Piece] = []
        at, before = Fraction(0), Fraction(0)
        is_endless = False
        for segment in segments:
            if is_endless:
                raise ValueError("only the last segment may have no end")
            _check(segment)
            begin_ns, end = round(at * NANOSECONDS), None
            if segment.seconds is not None:
                at += _exactly(segment.seconds)
                end = round(at * NANOSECONDS)
            whole = math.floor(before)
            slope, growth = _shape(segment)
            self._pieces.append(_Piece(begin_ns, end, whole, float(before - whole), segment.rate_from, slope, growth))
            is_endless = end is None
            if not is_endless:
                before += _arrivals(segment, growth)
        self.total: float = math.inf if is_endless and segments[-1].rate_to else float(before)
        self.end_ns: int | None = None if is_endless else round(at * NANOSECONDS)
        self._begins_ns = [piece.begin_ns for piece in self._pieces]
        self._begins = [piece.begin_whole + piece.begin_part for piece in self._pieces]

    def arrivals_by(self, offset_ns: int) -> float:
        """Expected arrivals from the start until an offset from it."""
        if offset_ns <= 0:
            return 0.0
        if self.end_ns is not None and offset_ns >= self.end_ns:
            return self.total
        piece = self._pieces[bisect_right(self._begins_ns, offset_ns) - 1]
        seconds = (offset_ns - piece.begin_ns) / NANOSECONDS
        if piece.growth:
            inside = piece.rate_from * math.expm1(piece.growth * seconds) / piece.growth
        else:
            inside = (piece.rate_from + piece.slope * seconds / 2) * seconds
        return piece.begin_whole + (piece.begin_part + inside)

    def offset_ns(self, whole: int, part: float = 0.0) -> int | None:
        """When `whole + part` arrivals are expected, in nanoseconds from the start; None: not before the load ends."""
        position = whole + part
        if position >= self.total:
            return None
        piece = self._pieces[bisect_right(self._begins, position) - 1]
        inside = max((whole - piece.begin_whole) + (part - piece.begin_part), 0.0)
        if not inside:
            after_ns = 0.0
        elif piece.growth:
            grown = max(inside * piece.growth / piece.rate_from, -1 + 2**-53)
            after_ns = math.log1p(grown) / piece.growth * NANOSECONDS
        elif piece.slope:
            # The textbook's root subtracts two nearly equal numbers; this form of it does not.
            root = math.sqrt(max(piece.rate_from**2 + 2 * piece.slope * inside, 0.0))
            after_ns = 2 * inside / (piece.rate_from + root) * NANOSECONDS
        else:
            after_ns = inside * NANOSECONDS / piece.rate_from if piece.rate_from else 0.0
        if after_ns >= FAR_NS:
            return None
        offset = piece.begin_ns + round(after_ns)
        return offset if piece.end_ns is None else min(offset, piece.end_ns)


def _exactly(value: float) -> Fraction:
    """What was written: 33.3 for 30 seconds is 999 requests, though no float is 33.3."""
    return Fraction(repr(float(value)))


def _check(segment: Segment) -> None:
    rates = (segment.rate_from, segment.rate_to)
    if not all(math.isfinite(rate) and rate >= 0 for rate in rates):
        raise ValueError(f"a rate must be a number of requests per second, not {min(rates)}")
    if segment.seconds is None:
        if segment.rate_from != segment.rate_to:
            raise ValueError("a segment whose rate changes needs a length")
    elif not (math.isfinite(segment.seconds) and segment.seconds > 0):
        raise ValueError(f"a segment must last longer than {segment.seconds} s")
    if segment.curve == "exponential" and segment.rate_from != segment.rate_to and not min(rates):
        raise ValueError("an exponential ramp cannot begin or end at rate 0")


def _shape(segment: Segment) -> tuple[float, float]:
    """`(slope, growth)`; both 0 where the rate stays."""
    change = segment.rate_to - segment.rate_from
    if segment.seconds is None or not change:
        return 0.0, 0.0
    if segment.curve == "linear":
        return change / segment.seconds, 0.0
    ratio = change / segment.rate_from
    logarithm = math.log1p(ratio) if abs(ratio) < 1 else math.log(segment.rate_to) - math.log(segment.rate_from)
    return 0.0, logarithm / segment.seconds


def _arrivals(segment: Segment, growth: float) -> Fraction:
    """Expected arrivals of a whole segment that ends."""
    assert segment.seconds is not None
    if growth:
        return Fraction(segment.rate_from * math.expm1(growth * segment.seconds) / growth)
    return (_exactly(segment.rate_from) + _exactly(segment.rate_to)) / 2 * _exactly(segment.seconds)
