"""The same raw data under the names and formulas of other tools: what the three views share. Pure.

A view takes results one after another, in bounded memory, and then gives figures. It says which version of the tool it
was written from (`version`, `source`), what that tool would have seen differently (`notes`), and which of its figures
cannot be told from our data (`missing`, with the reason). A figure is never invented.
"""

from array import array
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from app.benchmarks.measures import MeasuredResult

Tool = Literal["vllm", "aiperf", "guidellm"]
TOOLS: tuple[Tool, ...] = ("vllm", "aiperf", "guidellm")

NO_GAPS = "the chunk gaps were not kept (bench --save-gaps, or save_gaps in a spec)"
_MOST_SPANS = 5_000_000  # 80 MB


class CompatView(Protocol):
    """One tool's way to see a run."""

    def add(self, result: MeasuredResult) -> None:
        """Take in one request."""
        ...

    def document(self) -> dict[str, Any]:
        """`tool version source notes missing figures`."""
        ...


def new_view(tool: Tool, slo: Mapping[str, float | None] | None = None) -> CompatView:
    """A fresh view; `slo` are the run's limits (`ttft_ms`, `tpot_ms`, `e2e_ms`), for goodput."""
    from app.reports.compat_aiperf import AiperfView  # noqa: PLC0415  (they import this)
    from app.reports.compat_guidellm import GuidellmView  # noqa: PLC0415
    from app.reports.compat_vllm import VllmView  # noqa: PLC0415

    limits = {name: limit for name, limit in (slo or {}).items() if limit is not None}
    views: dict[Tool, CompatView] = {
        "vllm": VllmView(limits),
        "aiperf": AiperfView(limits),
        "guidellm": GuidellmView(),
    }
    return views[tool]


def see(view: CompatView, results: Iterable[MeasuredResult]) -> dict[str, Any]:
    """The view's document of all of `results`."""
    for result in results:
        view.add(result)
    return view.document()


async def see_stream(view: CompatView, results: AsyncIterator[MeasuredResult]) -> dict[str, Any]:
    """As `see`, of results that come one after another."""
    async for result in results:
        view.add(result)
    return view.document()


def has_all_gaps(result: MeasuredResult) -> bool:
    """Whether there is a gap for every chunk after the first."""
    return len(result.gaps) == 8 * max(result.chunks - 1, 0)


def gaps_as_read_ms(gaps: bytes) -> NDArray[np.float64]:
    """Gaps as a program sees them that stamps a chunk when it has read it.

    Chunks that came in one read share a stamp: to such a program the first of them comes after the whole gap and the
    others at once.
    """
    gaps_ns = np.frombuffer(gaps, dtype="<i8")
    if not len(gaps_ns) or int(gaps_ns.min()) >= 0:  # nearly always: every chunk came in a read of its own
        return gaps_ns / 1e6
    seen = np.zeros(len(gaps_ns))
    known = gaps_ns >= 0
    censored = ~known
    # The gap of a run of shared stamps is written at its last chunk and belongs to the first of the run.
    begins = np.flatnonzero(np.concatenate(([True], known[:-1]))) if len(gaps_ns) else np.zeros(0, dtype=np.int64)
    ends = np.flatnonzero(known)
    seen[begins[: len(ends)]] = gaps_ns[ends]
    if censored.any() and len(begins) > len(ends):  # a run at the very end: its span is not known
        seen[begins[-1]] = 0.0
    return seen / 1e6


class Spans:
    """When requests ran: first start, last end, and the most at once."""

    def __init__(self) -> None:
        self._starts = array("q")
        self._ends = array("q")
        self.first_ns = 0
        self.last_ns = 0
        self.is_complete = True

    def add(self, start_ns: int, end_ns: int) -> None:
        """One request."""
        self.first_ns = min(self.first_ns or start_ns, start_ns)
        self.last_ns = max(self.last_ns, end_ns)
        if len(self._starts) < _MOST_SPANS:
            self._starts.append(start_ns)
            self._ends.append(end_ns)
        else:
            self.is_complete = False

    @property
    def seconds(self) -> float:
        """From the first start to the last end."""
        return (self.last_ns - self.first_ns) / 1e9

    def most_at_once(self) -> int | None:
        """Peak concurrency over half-open intervals; None when there were too many to keep."""
        if not self.is_complete:
            return None
        starts, ends = (np.sort(np.frombuffer(column, dtype=np.int64)) for column in (self._starts, self._ends))
        if not len(starts):
            return 0
        under_way = np.arange(1, len(starts) + 1) - np.searchsorted(ends, starts, side="right")
        return int(under_way.max())


def rate(count: float, seconds: float) -> float | None:
    """Per second; None for a run of no length."""
    return count / seconds if seconds > 0 else None
