"""The instrument's clocks, and a watch that notices when they part (an NTP step).

CLOCK_REALTIME is for stamps, because the kernel stamps packets with it; CLOCK_MONOTONIC is for deadlines.
"""

import time

realtime_ns = time.time_ns
monotonic_ns = time.monotonic_ns

# NTP slews by at most 500 ppm, which is 0.125 ms in the 250 ms between two looks; a larger jump is a step.
STEP_NS = 1_000_000


class ClockWatch:
    """Counts steps of the real-time clock against the monotonic one."""

    def __init__(self) -> None:
        self.offset_ns = realtime_ns() - monotonic_ns()
        self.steps = 0

    def look(self) -> bool:
        """Whether the clock was stepped since the last look."""
        offset = realtime_ns() - monotonic_ns()
        stepped = abs(offset - self.offset_ns) > STEP_NS
        self.offset_ns = offset
        self.steps += stepped
        return stepped
