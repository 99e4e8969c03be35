"""What a benchmark looks like in a terminal while it runs: a live panel. Its end is in `summary_view`.

Knows only progress and summary dictionaries, so local and remote runs look the same.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from app.cli.terminal import Console

NOT_MEASURED = "—"
_VERDICT_STYLES = {"trusted": "green", "suspect": "yellow", "client_bound": "red"}
_PLAIN_LINE_SECONDS = 5.0
_FIRST_LINE_SECONDS = 1.0
_CELL_WIDTH = 9  # six of them fit into 80 columns, and numbers do not jump while they grow


class BenchView:
    """The live panel. Without a terminal it prints a plain line every few seconds instead; quiet, nothing."""

    def __init__(self, title: str, *, quiet: bool, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._title = title
        self._live: Live | None = None
        self._quiet = quiet
        self._next_line_s = _FIRST_LINE_SECONDS
        self._note = ""
        self._progress: Mapping[str, Any] | None = None
        self._waits_for: str | None = None

    @contextmanager
    def running(self) -> Iterator["BenchView"]:
        """Show the panel while the block runs."""
        if self._quiet or not self.console.is_terminal:
            yield self
            return
        with Live(Text(f"{self._title}: starting"), console=self.console, auto_refresh=False) as live:
            self._live = live
            try:
                yield self
            finally:
                self._live = None

    def update(self, progress: Mapping[str, Any]) -> None:
        """Show these numbers."""
        self._progress = progress
        if self._live is not None:
            self._live.update(live_panel(self._title, progress, self._note), refresh=True)
        elif not self._quiet and (what := progress.get("waits_for")) != self._waits_for:
            self._waits_for = what
            if what:
                self.console.print(f"waits for {what}", highlight=False)
        elif not self._quiet and progress["elapsed_s"] >= self._next_line_s:
            self._next_line_s = progress["elapsed_s"] + _PLAIN_LINE_SECONDS
            self.console.print(plain_line(progress), highlight=False)

    def note(self, text: str) -> None:
        """Say something under the numbers, such as that the run is being stopped."""
        self._note = text
        if self._live is not None and self._progress is not None:
            self._live.update(live_panel(self._title, self._progress, text), refresh=True)
        else:
            self.console.print(text, highlight=False)


def live_panel(title: str, progress: Mapping[str, Any], note: str = "") -> RenderableType:
    """Progress bar, numbers, errors by class."""
    percent = progress["percent"]
    planned = progress["planned"]
    head = Table.grid(padding=(0, 1))
    head.add_row(
        Text(title, style="bold"),
        ProgressBar(total=100, completed=percent or 0, width=20, pulse=percent is None),
        Text(f"{progress['completed']:,}" + (f" / {planned:,}" if planned else "")),
        Text(f"{clock(progress['elapsed_s'])} elapsed"),
        Text(f"ETA {clock(progress['eta_s'])}" if progress["eta_s"] else ""),
    )
    ttft, gap, tpot = progress["ttft_ms"] or {}, progress["gap_ms"] or {}, progress["tpot_ms"] or {}
    traffic = _numbers(
        ("in flight", f"{progress['in_flight']:,}"),
        ("req/s", rate(progress["requests_per_s"])),
        ("tok/s", rate(progress["output_tokens_per_s"])),
        ("failed", f"{progress['failed']:,}"),
        ("cost", money(progress["cost_usd"])),
    )
    latency = _numbers(
        ("TTFT p50", milliseconds(ttft.get("p50"))),
        ("p95", milliseconds(ttft.get("p95"))),
        ("p99", milliseconds(ttft.get("p99"))),
        ("gap p50", milliseconds(gap.get("p50"))),
        ("p99", milliseconds(gap.get("p99"))),
        ("TPOT p50", milliseconds(tpot.get("p50"))),
    )
    parts: list[RenderableType] = [head, traffic, latency]
    if point := point_line(progress):
        parts.insert(1, Text(point, style="bold"))
    if what := progress.get("waits_for"):
        parts.append(Text(f"waits for {what}", style="yellow"))
    if progress["errors"]:
        parts.append(Text(f"errors: {counts(progress['errors'])}", style="red"))
    if note:
        parts.append(Text(note, style="yellow"))
    return Group(*parts)


def _numbers(*cells: tuple[str, str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name, _ in cells:
        table.add_column(name, justify="right", no_wrap=True, min_width=_CELL_WIDTH)
    table.add_row(*(value for _, value in cells))
    return table


def plain_line(progress: Mapping[str, Any]) -> str:
    """The same in one line, for logs."""
    planned = f"/{progress['planned']}" if progress["planned"] else ""
    ttft = progress["ttft_ms"] or {}
    point = f"{point_line(progress)}, " if point_line(progress) else ""
    return (
        f"{clock(progress['elapsed_s'])}  {point}{progress['completed']}{planned} done, {progress['failed']} failed, "
        f"{progress['in_flight']} in flight, {rate(progress['requests_per_s'])} req/s, "
        f"{rate(progress['output_tokens_per_s'])} tok/s, TTFT p50 {milliseconds(ttft.get('p50'))} "
        f"p99 {milliseconds(ttft.get('p99'))}"
    )


def point_line(progress: Mapping[str, Any]) -> str | None:
    """`point 3 of ≤16: concurrency 32`; None when nothing is explored."""
    if progress.get("point_index") is None or progress.get("level") is None:
        return None
    points = f"{'≤' if progress['explores'] == 'search' else ''}{progress['points']}"
    return f"point {progress['point_index'] + 1} of {points}: {progress['parameter']} {progress['level']:g}"


def certificate(instrument: Mapping[str, Any]) -> Text:
    """The instrument's verdict on itself, with its reason."""
    verdict = instrument["verdict"]
    text = Text("instrument  ")
    text.append(verdict.replace("_", " "), style=_VERDICT_STYLES.get(verdict, "yellow"))
    text.append(f": {instrument['reason']}")
    if reader := instrument.get("reader"):
        text.append(f"; {reader} reader")
    return text.append(known_error(instrument))


_CALIBRATED = {"ttft_ms": "TTFT", "icl_ms": "chunk gap", "e2e_ms": "end to end"}


def known_error(instrument: Mapping[str, Any]) -> str:
    """What a calibration of this machine says about the run, on a line of its own; empty for summaries without."""
    point = instrument.get("calibration")
    if point is None:
        reason = instrument.get("calibration_reason")
        return f"\n± error     unknown: {reason}" if reason else ""
    errors = (
        f"{label} ± {milliseconds(error['p99'])}"
        for name, label in _CALIBRATED.items()
        if (error := point["errors_ms"].get(name))
    )
    load = f"{point['concurrency']:g} streams, {rate(point['chunks_per_s'])} chunks/s"
    return f"\n± error     {', '.join(errors)} (p99, calibrated {point['at'][:10]} at {load})"


def counts(errors: Mapping[str, int]) -> str:
    """`http_429 12, connect 3`, most frequent first."""
    return ", ".join(f"{name} {count:,}" for name, count in sorted(errors.items(), key=lambda item: -item[1]))


def clock(seconds: float | None) -> str:
    """`0:41` or `1:02:03`; under ten seconds with tenths."""
    if seconds is None:
        return NOT_MEASURED
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def milliseconds(value: float | None) -> str:
    """Three significant figures and the unit."""
    return NOT_MEASURED if value is None else f"{significant(value)} ms"


def rate(value: float | None) -> str:
    """Three significant figures."""
    return NOT_MEASURED if value is None else significant(value)


def money(value: float | None) -> str:
    """US dollars, to four digits when small."""
    if value is None:
        return NOT_MEASURED
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def significant(value: float) -> str:
    """Three significant figures without an exponent."""
    for limit, digits in ((100, 0), (10, 1), (1, 2), (0.1, 3)):
        if abs(value) >= limit:
            return f"{value:,.{digits}f}"
    return f"{value:.4f}" if value else "0"
