"""The instrument's certificate: its own error, beside every result, with a verdict in one sentence.

Each fact counts for what it distorts, and for nothing else:

- The processor share says whether the engine was the bottleneck. Under `CPU_MIN_SECONDS` it says nothing: start-up
  fills so short a run.
- In an open loop a late send is a lighter load than asked for, and it enters every `*_from_intended_ms`. In a closed
  loop latencies from `started` know nothing of it (all users start at once, so some always wait their turn); what it
  costs is load, and it counts by the share of a user's typical round that passed between being due and being sent.
- The kernel stamps a segment when it comes, so a late read costs nothing. Only user-space stamps are late by the loop's
  lag.
- Chunks that came in one read have no gap of their own: what is doubtful then is `icl_ms`, nothing else.
- Time that a hypervisor takes away stops the kernel too: its stamps are then late, like everything else.
- A pause of the garbage collector holds up sends and reads. It counts where those distort: in an open loop, and with
  user-space stamps. With kernel stamps in a closed loop it costs nothing that send lag does not show already.
- Cores that are all busy, and a core that the engine lost to another process, are no errors by themselves: they are
  named as the likely cause when sends were late or chunks shared reads.
- Samples that were dropped (out of the histograms' range, or durations during which the clock was stepped) are missing
  from the metrics. Coalesced chunks are not dropped: their gaps are censored, and counted as such.
"""

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Self

CPU_CLIENT_BOUND = 0.95
CPU_SUSPECT = 0.85
CPU_MIN_SECONDS = 1.0
SEND_LAG_CLIENT_BOUND_MS = 10.0  # open loop, p99
SEND_LAG_SUSPECT_MS = 1.0
IDLE_CLIENT_BOUND = 0.20  # closed loop, median
IDLE_SUSPECT = 0.05
COALESCED_SUSPECT = 0.05
STEAL_SUSPECT = 0.05
GC_PAUSE_SUSPECT_MS = 1.0
DROPPED_SUSPECT = 0.001  # samples per request
BUSY_CORE = 0.95
SWITCHES_PER_S = 20.0  # involuntary ones of an engine that has no core of its own


@dataclass
class InstrumentFacts:
    """What the engines said about themselves, over all shards; lags are the worst shard's."""

    clocks: set[str] = field(default_factory=set)
    loop_lag_ns: dict[str, int] = field(default_factory=dict)
    send_lag_ns: dict[str, int] = field(default_factory=dict)
    cpu_share: float = 0.0  # of one core, of the busiest engine
    clock_steps: int = 0
    bytes_in: int = 0
    reads: int = 0
    peak_rss_bytes: int = 0
    lost_engines: int = 0  # engines that ended without saying so
    open_loop: bool = False
    seconds: float = 0.0  # that the longest shard ran
    gc_pauses: int = 0
    gc_pause_max_ns: int = 0
    gc_pause_total_ns: int = 0
    core_shares: list[float] = field(default_factory=list)  # of each core of the machine, the busiest shard's view
    steal_share: float = 0.0
    involuntary_switches: int = 0
    held_by_rate_limit: int = 0
    abandoned_engines: int = 0  # engines that were stopped because their results could not be kept
    restarts: int = 0  # shards that were taken up again after an engine, a worker or a server was lost
    clock_offset_ns: int = 0  # of the worker whose clock is furthest from the coordinator's
    clock_offset_limit_ns: int = 0  # beyond it a result is suspect; 0: no such worker
    readers: set[str] = field(default_factory=set)

    def merge(self, other: "InstrumentFacts") -> None:
        """Take in another shard's facts."""
        self.clocks |= other.clocks
        for mine, theirs in ((self.loop_lag_ns, other.loop_lag_ns), (self.send_lag_ns, other.send_lag_ns)):
            for name, value in theirs.items():
                mine[name] = max(mine.get(name, 0), value)
        self.cpu_share = max(self.cpu_share, other.cpu_share)
        self.clock_steps += other.clock_steps
        self.bytes_in += other.bytes_in
        self.reads += other.reads
        self.peak_rss_bytes = max(self.peak_rss_bytes, other.peak_rss_bytes)
        self.lost_engines += other.lost_engines
        self.open_loop = self.open_loop or other.open_loop
        self.seconds = max(self.seconds, other.seconds)
        self.gc_pauses += other.gc_pauses
        self.gc_pause_max_ns = max(self.gc_pause_max_ns, other.gc_pause_max_ns)
        self.gc_pause_total_ns += other.gc_pause_total_ns
        self.core_shares = [max(pair) for pair in zip_longest(self.core_shares, other.core_shares, fillvalue=0.0)]
        self.steal_share = max(self.steal_share, other.steal_share)
        self.involuntary_switches += other.involuntary_switches
        self.held_by_rate_limit += other.held_by_rate_limit
        self.abandoned_engines += other.abandoned_engines
        self.restarts += other.restarts
        self.clock_offset_ns = max(self.clock_offset_ns, other.clock_offset_ns, key=abs)
        self.clock_offset_limit_ns = max(self.clock_offset_limit_ns, other.clock_offset_limit_ns)
        self.readers |= other.readers

    def certificate(
        self,
        chunks: int,
        coalesced_chunks: int,
        round_ms: float | None = None,
        *,
        dropped_samples: int = 0,
        requests: int = 0,
    ) -> dict[str, Any]:
        """The `instrument` part of a summary; `round_ms` is the median request, from its start to its end."""
        share = coalesced_chunks / chunks if chunks else 0.0
        verdict, reason = self._verdict(share, round_ms, dropped_samples, requests)
        return {
            "clock": "+".join(sorted(self.clocks)) or None,
            "reader": "+".join(sorted(self.readers)) or None,
            "loop_lag_ms": _milliseconds(self.loop_lag_ns),
            "send_lag_ms": _milliseconds(self.send_lag_ns),
            "coalesced_share": share,
            "cpu_share": self.cpu_share,
            "clock_steps": self.clock_steps,
            "bytes_in": self.bytes_in,
            "reads": self.reads,
            "peak_rss_bytes": self.peak_rss_bytes,
            "gc_pauses": self.gc_pauses,
            "gc_pause_max_ms": self.gc_pause_max_ns / 1e6,
            "core_shares": list(self.core_shares),
            "steal_share": self.steal_share,
            "involuntary_switches": self.involuntary_switches,
            "dropped_samples": dropped_samples,
            "held_by_rate_limit": self.held_by_rate_limit,
            "restarts": self.restarts,
            "clock_offset_ms": self.clock_offset_ns / 1e6 if self.clock_offset_limit_ns else None,
            "verdict": verdict,
            "reason": reason,
        }

    def pack(self) -> list[Any]:
        """Plain values for msgpack."""
        return [
            sorted(self.clocks),
            self.loop_lag_ns,
            self.send_lag_ns,
            self.cpu_share,
            self.clock_steps,
            self.bytes_in,
            self.reads,
            self.peak_rss_bytes,
            self.lost_engines,
            self.open_loop,
            self.seconds,
            self.gc_pauses,
            self.gc_pause_max_ns,
            self.gc_pause_total_ns,
            self.core_shares,
            self.steal_share,
            self.involuntary_switches,
            self.held_by_rate_limit,
            self.abandoned_engines,
            self.restarts,
            self.clock_offset_ns,
            self.clock_offset_limit_ns,
            sorted(self.readers),
        ]

    @classmethod
    def unpack(cls, packed: list[Any]) -> Self:
        """The facts behind `pack`'s values."""
        clocks, *others, readers = packed
        found = cls(set(clocks), *others)
        found.readers = set(readers)
        return found

    def _verdict(
        self, coalesced_share: float, round_ms: float | None, dropped_samples: int, requests: int
    ) -> tuple[str, str]:
        cpu_share = self.cpu_share if self.seconds >= CPU_MIN_SECONDS else 0.0
        late_ms = self._lag_ms(self.send_lag_ns, "p99") if self.open_loop else 0.0
        idle = self._idle_share(round_ms)
        late = f"1 % of requests left {late_ms:.1f} ms or more after they were due"
        interrupted = f"{self.restarts} shard(s) were interrupted and taken up again"
        idled = f"users spent {idle:.0%} of their time waiting for this client to send"
        cause = self._cause()
        if cpu_share >= CPU_CLIENT_BOUND:
            return "client_bound", f"an engine used {cpu_share:.0%} of its core: add workers or lower the load"
        if late_ms >= SEND_LAG_CLIENT_BOUND_MS and self.restarts:
            told = f"{interrupted}, and {late}: the load was lighter than asked for, then heavier"
            return "client_bound", told + self._clock_doubt("; ")
        if late_ms >= SEND_LAG_CLIENT_BOUND_MS:
            return "client_bound", f"{late}: the load was lighter than asked for{cause}{self._clock_doubt('; ')}"
        if idle >= IDLE_CLIENT_BOUND:
            return "client_bound", f"{idled}: the load was lighter than asked for{cause}"
        reader_ms = self._lag_ms(self.loop_lag_ns, "p99")
        doubts = [
            (self.lost_engines > 0, f"{self.lost_engines} engine process(es) were lost, so their error is unknown"),
            (
                self.abandoned_engines > 0,
                f"{self.abandoned_engines} engine(s) were stopped because results could not be stored: error unknown",
            ),
            (
                self.restarts > 0,
                f"{interrupted}: requests due meanwhile left late",
            ),
            (bool(self._clock_doubt()), self._clock_doubt()),
            (
                not self.clocks and not self.lost_engines and not self.abandoned_engines,
                "no engine reported on itself, so the error is unknown",
            ),
            (
                "user" in self.clocks,
                "stamps were taken in user space, so a chunk counts as late as it was read"
                + (f" (1 % of reads: {reader_ms:.1f} ms or more)" if reader_ms else ""),
            ),
            (self.clock_steps > 0, f"the system clock was stepped {self.clock_steps} time(s) during the run"),
            (late_ms >= SEND_LAG_SUSPECT_MS, f"{late}: see the latencies from intended"),
            (idle >= IDLE_SUSPECT, f"{idled}: throughput is that much too low, latencies are not affected"),
            (cpu_share >= CPU_SUSPECT, f"an engine used {cpu_share:.0%} of its core"),
            (
                coalesced_share >= COALESCED_SUSPECT,
                f"{coalesced_share:.1%} of chunks shared a read with another, so their chunk gaps are unknown",
            ),
        ]
        pause_ms = self.gc_pause_max_ns / 1e6
        dropped_share = dropped_samples / max(requests, 1)
        doubts += [
            (
                self.steal_share > STEAL_SUSPECT,
                f"the hypervisor took {self.steal_share:.1%} of this machine's time, so stamps may be late",
            ),
            (
                pause_ms > GC_PAUSE_SUSPECT_MS and "user" in self.clocks,
                f"the garbage collector paused the engine for up to {pause_ms:.1f} ms, and stamps are late by that",
            ),
            (
                pause_ms > GC_PAUSE_SUSPECT_MS and self.open_loop and "user" not in self.clocks,
                f"the garbage collector paused the engine for up to {pause_ms:.1f} ms, and requests then due left late",
            ),
            (
                dropped_share > DROPPED_SUSPECT,
                f"{dropped_samples:,} samples were dropped: out of range, or measured while the clock was stepped",
            ),
        ]
        reasons = [reason for applies, reason in doubts if applies]
        if reasons:
            lags = late_ms >= SEND_LAG_SUSPECT_MS or idle >= IDLE_SUSPECT or coalesced_share >= COALESCED_SUSPECT
            return "suspect", "; ".join(reasons) + (cause if lags else "")
        send = f"send lag p99 {self._lag_ms(self.send_lag_ns, 'p99'):.3f} ms"
        used = f", {self.cpu_share:.0%} of a core used" if self.seconds >= CPU_MIN_SECONDS else ""
        return "trusted", f"kernel stamps, {send}{used}"

    def _clock_doubt(self, before: str = "") -> str:
        """That a worker's clock was too far off, empty when none was."""
        if not 0 < self.clock_offset_limit_ns < abs(self.clock_offset_ns):
            return ""
        return f"{before}the clock of a worker was {abs(self.clock_offset_ns) / 1e6:.1f} ms off"

    def _cause(self) -> str:
        """What else wanted the processor, as the end of a sentence about lateness; empty when nothing is known."""
        if self.seconds >= CPU_MIN_SECONDS:
            if self.involuntary_switches / self.seconds >= SWITCHES_PER_S:
                return f"; engines lost their core to other processes {self.involuntary_switches:,} times"
            if self.core_shares and min(self.core_shares) >= BUSY_CORE:
                return "; every core of this machine was busy"
        return ""

    def _idle_share(self, round_ms: float | None) -> float:
        """In a closed loop, how much of a user's typical round was spent being due and not sent."""
        lag_ms = self._lag_ms(self.send_lag_ns, "p50")
        return lag_ms / (lag_ms + round_ms) if round_ms and not self.open_loop else 0.0

    @staticmethod
    def _lag_ms(lag_ns: dict[str, int], name: str) -> float:
        return lag_ns.get(name, 0) / 1e6


def _milliseconds(lag_ns: dict[str, int]) -> dict[str, float] | None:
    return {name: value / 1e6 for name, value in lag_ns.items()} or None
