"""Failed requests by class over time, in bounded memory: what a chart of errors shows. Pure."""

MAX_POINTS = 3_600

Counts = dict[str, int]


class ErrorClasses:
    """Counts per point; point i covers seconds i*`width_s` … (i+1)*`width_s`. Past the bound, points merge in pairs."""

    def __init__(self, max_points: int = MAX_POINTS) -> None:
        self.width_s = 1
        self._max_points = max_points
        self._points: dict[int, Counts] = {}

    def add(self, at_s: float, counts: Counts) -> None:
        """Failures that were reported at an instant; nothing counts before the start."""
        if not counts:
            return
        while (point := int(max(at_s, 0.0)) // self.width_s) >= self._max_points:
            self._coarsen()
        _add(self._points.setdefault(point, {}), counts)

    def columns(self) -> tuple[list[float], dict[str, list[float]]]:
        """Where points begin, those without failures left out, and failures per second of each class."""
        points = sorted(self._points)
        names = sorted({name for counts in self._points.values() for name in counts})
        series = {name: [self._points[point].get(name, 0) / self.width_s for point in points] for name in names}
        return [float(point * self.width_s) for point in points], series

    def _coarsen(self) -> None:
        self.width_s *= 2
        halved: dict[int, Counts] = {}
        for point, counts in self._points.items():
            _add(halved.setdefault(point // 2, {}), counts)
        self._points = halved


def _add(total: Counts, counts: Counts) -> None:
    for name, count in counts.items():
        total[name] = total.get(name, 0) + count
