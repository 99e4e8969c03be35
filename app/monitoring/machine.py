"""What this process takes of its machine: memory now, and CPU time since it was last asked."""

import os
import resource
import sys
import time
from pathlib import Path

_STATM = Path("/proc/self/statm")
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
_LEAST_SECONDS = 1.0  # two scrapers at the same moment must not divide by nothing


def memory_bytes() -> float:
    """Resident memory; where the system does not tell, the most there ever was."""
    try:
        return float(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT)


class CpuShare:
    """CPU time over wall time, in percent of one core, since the last call that was at least a second ago."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()
        self._percent = 0.0

    def percent(self) -> float:
        """100 is one core, all of the time."""
        wall, cpu = time.monotonic(), time.process_time()
        if wall - self._wall >= _LEAST_SECONDS:
            self._percent = 100 * (cpu - self._cpu) / (wall - self._wall)
            self._wall, self._cpu = wall, cpu
        return self._percent
