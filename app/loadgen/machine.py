"""What may have disturbed the engine during the run: pauses for garbage, cores used by others, the hypervisor.

All of it is read before and after the run, never during it. Where the platform does not say, the answer is empty.
Source of the columns of /proc/stat: the Linux manual page proc_stat(5).
"""

import gc
import resource
from typing import Any, NamedTuple

from app.loadgen.clock import monotonic_ns

_PROC_STAT = "/proc/stat"


class Core(NamedTuple):
    """Clock ticks of one core since boot."""

    busy: int
    idle: int
    steal: int


def parse_cores(text: str) -> list[Core]:
    """The cores of a /proc/stat, in its order; guests are within user time there, so they are not counted again."""
    cores = []
    for line in text.splitlines():
        name, _, rest = line.partition(" ")
        if name.startswith("cpu") and name[3:].isdigit():
            values = [int(value) for value in rest.split()] + [0] * 8
            user, nice, system, idle, iowait, irq, softirq, steal = values[:8]
            cores.append(Core(user + nice + system + irq + softirq, idle + iowait, steal))
    return cores


def shares(before: list[Core], after: list[Core]) -> tuple[tuple[float, ...], float]:
    """`(share of each core that was used, share of all of them that was stolen)`; empty and 0 when nothing is known.

    A core's stolen time counts neither as used nor as idle time, but as time.
    """
    if not before or len(before) != len(after):
        return (), 0.0
    moved = [Core(*(new - old for old, new in zip(*pair, strict=True))) for pair in zip(before, after, strict=True)]
    totals = [max(1, sum(core)) for core in moved]
    used = tuple(round(max(0, core.busy) / total, 4) for core, total in zip(moved, totals, strict=True))
    return used, round(max(0, sum(core.steal for core in moved)) / sum(totals), 4)


class Disturbances:
    """Watches one run. `begin` and `end` are called once each."""

    def __init__(self) -> None:
        self.gc_pauses = 0
        self.gc_pause_max_ns = 0
        self.gc_pause_total_ns = 0
        self._collecting_since_ns = 0
        self._cores: list[Core] = []
        self._switches = 0

    def begin(self) -> None:
        """The clock of the run starts."""
        self._cores = _read_cores()
        self._switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        gc.callbacks.append(self._on_collection)

    def end(self) -> dict[str, Any]:
        """The fields of a `Done`."""
        if self._on_collection in gc.callbacks:
            gc.callbacks.remove(self._on_collection)
        core_shares, steal_share = shares(self._cores, _read_cores())
        return {
            "gc_pauses": self.gc_pauses,
            "gc_pause_max_ns": self.gc_pause_max_ns,
            "gc_pause_total_ns": self.gc_pause_total_ns,
            "core_shares": core_shares,
            "steal_share": steal_share,
            "involuntary_switches": resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - self._switches,
        }

    def _on_collection(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since_ns = monotonic_ns()
            return
        pause_ns = monotonic_ns() - self._collecting_since_ns
        self.gc_pauses += 1
        self.gc_pause_total_ns += pause_ns
        self.gc_pause_max_ns = max(self.gc_pause_max_ns, pause_ns)


def _read_cores() -> list[Core]:
    try:
        with open(_PROC_STAT, encoding="ascii") as stat:  # noqa: PTH123  (pathlib is not worth importing here)
            return parse_cores(stat.read())
    except (OSError, ValueError):
        return []
