"""The last seconds of a run, for live views: what was *reported* in each second, forgotten after a while."""

from app.stats.histogram import Histogram
from app.stats.run_statistics import Counters, RunStatistics

SERIES = {"ttft": "ttft_ms", "gap": "icl_ms", "tpot": "tpot_ms"}


class Slot:
    """What was reported in one second."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.histograms = {name: Histogram() for name in SERIES}

    def add(self, delta: RunStatistics) -> None:
        """Take in what a shard measured since its last report."""
        for target in delta.targets.values():
            self.counters.merge(target.counters)
            for name, metric in SERIES.items():
                self.histograms[name].merge(target.metrics[metric].histogram)

    def percentiles_ms(self, name: str, *wanted: float) -> list[float] | None:
        """Percentiles of one of `SERIES`; None when nothing was reported."""
        values = self.histograms[name].percentiles(*wanted)
        return [value / 1e6 for value in values] if values else None


class RollingWindow:
    """The newest `seconds` slots, by the second in which shards reported."""

    def __init__(self, seconds: int = 10) -> None:
        self.seconds = seconds
        self._slots: dict[int, Slot] = {}

    def slot(self, second: int) -> Slot:
        """The slot of a second since the start; older ones than the window fall out."""
        if second not in self._slots:
            self._slots[second] = Slot()
            newest = max(self._slots)
            for old in [known for known in self._slots if known <= newest - self.seconds]:
                del self._slots[old]
        return self._slots.get(second) or Slot()

    def total(self) -> Slot:
        """All kept slots together."""
        total = Slot()
        for slot in self._slots.values():
            total.counters.merge(slot.counters)
            for name, histogram in slot.histograms.items():
                total.histograms[name].merge(histogram)
        return total
