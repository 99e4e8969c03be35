"""How well the instrument itself is doing: lags, CPU, memory. Every result is published with these beside it."""

import os
import resource
import sys
import time
from typing import Literal

from app.loadgen.frames import ClockSource, Done, Tick
from app.loadgen.lag import LagHistogram
from app.loadgen.machine import Disturbances
from app.loadgen.reader import Reader

_PAGE_BYTES = resource.getpagesize()
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Health:
    """Counters and lag histograms of one session. `loop` is stamp → read, `send` is due → first byte handed over."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._disturbances = Disturbances()
        self.pid = os.getpid()
        self.send = LagHistogram()
        self.started = 0
        self.completed = 0
        self.slow_bytes_in = 0  # read one at a time, past the reader: while connections open and close
        self.slow_reads = 0
        self.spin_ns = 0  # CPU time spent polling without a pause: spent on purpose, so not load
        self._loop_before = LagHistogram()
        self._send_before = LagHistogram()
        self._cpu_began_ns = 0
        self._spin_began_ns = 0
        self._tick_cpu_ns = 0

    def begin(self) -> None:
        """The clock of the run starts: what it took to get ready does not count."""
        self._reader.take_lags()
        self._disturbances.begin()
        self.spin_ns = 0
        self._cpu_began_ns = time.process_time_ns()
        self._tick_cpu_ns = 0

    def cpu_ns(self) -> int:
        """CPU time of the process since `begin`, less deliberate spinning."""
        return max(0, time.process_time_ns() - self._cpu_began_ns - self.spin_ns)

    @property
    def bytes_in(self) -> int:
        """Bytes received."""
        return self._reader.bytes_in + self.slow_bytes_in

    @property
    def reads(self) -> int:
        """Reads that brought something."""
        return self._reader.reads + self.slow_reads

    def tick(self, *, at_ns: int, in_flight: int, waiting: int, backlog: int, oldest_ns: int = 0) -> Tick:
        """Counters so far, and lags since the last tick."""
        loop = self._reader.take_lags()
        cpu = self.cpu_ns()
        used, self._tick_cpu_ns = cpu - self._tick_cpu_ns, cpu
        tick = Tick(
            at_ns=at_ns,
            started=self.started,
            completed=self.completed,
            in_flight=in_flight,
            waiting=waiting,
            decode_backlog=backlog,
            bytes_in=self.bytes_in,
            reads=self.reads,
            loop_lag_p99_ns=loop.percentile_ns(99),
            loop_lag_max_ns=loop.max_ns,
            send_lag_p99_ns=self.send.percentile_ns(99),
            send_lag_max_ns=self.send.max_ns,
            cpu_ns=max(0, used),
            rss_bytes=_rss_bytes(),
            oldest_ns=oldest_ns,
        )
        self._loop_before.add(loop)
        self._send_before.add(self.send)
        self.send = LagHistogram()
        return tick

    def done(
        self,
        *,
        reason: Literal["completed", "cancelled"],
        started_at_ns: int,
        ended_at_ns: int,
        clock: ClockSource,
        clock_steps: int,
    ) -> Done:
        """The whole shard's facts; call it after the last `tick`."""
        return Done(
            reason=reason,
            started_at_ns=started_at_ns,
            ended_at_ns=ended_at_ns,
            started=self.started,
            completed=self.completed,
            bytes_in=self.bytes_in,
            reads=self.reads,
            cpu_ns=self.cpu_ns(),
            peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT,
            loop_lag_ns=self._loop_before.facts(),
            send_lag_ns=self._send_before.facts(),
            clock=clock,
            clock_steps=clock_steps,
            reader=self._reader.kind,
            **self._disturbances.end(),
        )


def _rss_bytes() -> int:
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123  (four times a second on the hot loop)
            return int(statm.read().split()[1]) * _PAGE_BYTES
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT
