"""Charts as SVG text: pure functions from numbers to markup. Colours come from the page's style, every text is escaped.

Series are told apart by colour and dash (classes s0 … s7). An axis of shares can be logarithmic in the nines (0.9,
0.99, 0.999 stand equally far apart), as HdrHistogram's percentile spectra are.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from app.evaluation.words import significant

WIDTH, HEIGHT = 560, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 10, 40
SERIES = 8


@dataclass(frozen=True)
class Line:
    """Points in the order of x; NaN in y makes a hole."""

    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """Maps values to 0 … 1; ticks are values with what to write there."""

    place: Callable[[float], float]
    ticks: Sequence[tuple[float, str]]


def linear(low: float, high: float, wanted: int = 5) -> Axis:
    """From `low` to a round number at or above `high`."""
    span = high - low if high > low else max(abs(high), 1.0)
    step = _round_step(span / wanted)
    steps = max(1, math.ceil(span / step - 1e-9))
    end = low + steps * step
    return Axis(
        lambda value: (value - low) / (end - low),
        [(low + n * step, significant(low + n * step)) for n in range(steps + 1)],
    )


def nines(most: float) -> Axis:
    """Shares from 0 up to `most` (below 1), one decade of 1 - share a step."""
    decades = max(1.0, -math.log10(max(1 - most, 1e-9)))
    shown = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999]
    return Axis(
        lambda share: min(-math.log10(max(1 - share, 1e-12)) / decades, 1.0),
        [(share, f"{100 * share:.10g} %") for share in shown if share <= most + 1e-12],
    )


def percentages() -> Axis:
    """Shares from 0 to 1."""
    return Axis(lambda share: share, [(n / 4, f"{25 * n} %") for n in range(5)])


def line_chart(
    title: str,
    lines: Sequence[Line],
    x: Axis,
    y: Axis,
    labels: tuple[str, str],
    *,
    band: tuple[float, float] | None = None,
) -> str:
    """A figure with legend; `band` shades a stretch of x. Empty without points."""
    lines = [line for line in lines if any(not math.isnan(value) for _, value in line.points)]
    if not lines:
        return ""
    inner_width, inner_height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def left(value: float) -> float:
        return _LEFT + min(max(x.place(value), 0.0), 1.0) * inner_width

    def top(value: float) -> float:
        return _TOP + (1 - min(max(y.place(value), 0.0), 1.0)) * inner_height

    parts = []
    if band is not None:
        begin, end = left(band[0]), left(band[1])
        parts.append(
            f'<rect class="band" x="{begin:.1f}" y="{_TOP}" width="{end - begin:.1f}" height="{inner_height}"/>'
        )
    for value, text in y.ticks:
        at = top(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{escape(text)}</text>')
    for value, text in x.ticks:
        at = left(value)
        anchor = "end" if at > WIDTH - _RIGHT - 14 else "middle"
        parts.append(
            f'<text class="tick" x="{at:.1f}" y="{HEIGHT - _BOTTOM + 16}" text-anchor="{anchor}">{escape(text)}</text>'
        )
    middle = _LEFT + inner_width / 2
    parts.append(f'<text class="axis" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(labels[0])}</text>')
    for position, line in enumerate(lines):
        for piece in _pieces(line.points):
            path = " ".join(f"{left(a):.1f},{top(b):.1f}" for a, b in piece)
            parts.append(f'<polyline class="line s{position % SERIES}" points="{path}"/>')
    drawing = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}: '
        f'{escape(", ".join(line.label for line in lines))}">{"".join(parts)}</svg>'
    )
    keys = "".join(
        f'<span class="key"><svg width="22" height="8" aria-hidden="true"><line class="line s{position % SERIES}" '
        f'x1="0" x2="22" y1="4" y2="4"/></svg>{escape(line.label)}</span>'
        for position, line in enumerate(lines)
    )
    head = f'<b>{escape(title)}</b><span class="muted">{escape(labels[1])}</span>'
    return f'<figure class="chart"><figcaption>{head}</figcaption><div class="keys">{keys}</div>{drawing}</figure>'


def forest(low: float | None, middle: float | None, high: float | None, reach: float, word: str) -> str:
    """An interval of a change around 0 as a small bar from -`reach` to `reach`; open ends run to the border."""
    width, height = 150, 16
    if middle is None:
        return ""

    def left(value: float) -> float:
        return width / 2 + max(min(value / reach, 1.0), -1.0) * (width / 2 - 5)

    begin = 0.0 if low is None else left(low)
    end = float(width) if high is None else left(high)
    return (
        f'<svg class="forest {escape(word)}" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'aria-hidden="true"><line class="zero" x1="{width / 2}" x2="{width / 2}" y1="0" y2="{height}"/>'
        f'<line class="reach" x1="{begin:.1f}" x2="{end:.1f}" y1="{height / 2}" y2="{height / 2}"/>'
        f'<circle cx="{left(middle):.1f}" cy="{height / 2}" r="3.5"/></svg>'
    )


def _pieces(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    pieces: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if math.isnan(point[1]):
            pieces.append([])
        else:
            pieces[-1].append(point)
    return [piece * 2 if len(piece) == 1 else piece for piece in pieces if piece]


def _round_step(least: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(least)) if least > 0 else 1.0
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least * (1 - 1e-9))
