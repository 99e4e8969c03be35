"""A histogram of the instrument's own lags that costs a fraction of a microsecond to record into."""

_SUB_BITS = 4  # 16 buckets per power of two: values are known to within 6 %
_SUB = 1 << _SUB_BITS


class LagHistogram:
    """Counts non-negative nanoseconds in log-linear buckets, of which only the used ones exist."""

    __slots__ = ("count", "counts", "max_ns")

    def __init__(self, counts: dict[int, int] | None = None, max_ns: int = 0) -> None:
        self.counts: dict[int, int] = counts or {}
        self.count = sum(self.counts.values())
        self.max_ns = max_ns

    def record(self, lag_ns: int) -> None:
        """Count one lag; negative ones, from clock granularity, count as zero."""
        if lag_ns < _SUB:
            index = max(lag_ns, 0)
        else:
            shift = lag_ns.bit_length() - _SUB_BITS - 1
            index = (shift + 1 << _SUB_BITS) + (lag_ns >> shift) - _SUB
        self.counts[index] = self.counts.get(index, 0) + 1
        self.count += 1
        self.max_ns = max(self.max_ns, lag_ns)

    def percentile_ns(self, percent: float) -> int:
        """The least bucket bound that `percent` of the lags do not exceed; 0 when nothing was recorded."""
        wanted = percent / 100 * self.count
        seen = 0
        for index, count in sorted(self.counts.items()):
            seen += count
            if seen >= wanted:
                return min(_upper_bound(index), self.max_ns)
        return 0

    def add(self, other: "LagHistogram") -> None:
        """Add another histogram's counts."""
        for index, count in other.counts.items():
            self.counts[index] = self.counts.get(index, 0) + count
        self.count += other.count
        self.max_ns = max(self.max_ns, other.max_ns)

    def facts(self) -> dict[str, int]:
        """`p50`, `p99` and `max` in nanoseconds."""
        return {"p50": self.percentile_ns(50), "p99": self.percentile_ns(99), "max": self.max_ns}


def _upper_bound(index: int) -> int:
    if index < _SUB:
        return index
    shift = (index >> _SUB_BITS) - 1
    return (_SUB + index % _SUB + 1 << shift) - 1
