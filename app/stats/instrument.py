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
"""

from dataclasses import dataclass, field
from typing import Any, Self

CPU_CLIENT_BOUND = 0.95
CPU_SUSPECT = 0.85
CPU_MIN_SECONDS = 1.0
SEND_LAG_CLIENT_BOUND_MS = 10.0  # open loop, p99
SEND_LAG_SUSPECT_MS = 1.0
IDLE_CLIENT_BOUND = 0.20  # closed loop, median
IDLE_SUSPECT = 0.05
COALESCED_SUSPECT = 0.05


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

    def certificate(self, chunks: int, coalesced_chunks: int, round_ms: float | None = None) -> dict[str, Any]:
        """The `instrument` part of a summary; `round_ms` is the median request, from its start to its end."""
        share = coalesced_chunks / chunks if chunks else 0.0
        verdict, reason = self._verdict(share, round_ms)
        return {
            "clock": "+".join(sorted(self.clocks)) or None,
            "loop_lag_ms": _milliseconds(self.loop_lag_ns),
            "send_lag_ms": _milliseconds(self.send_lag_ns),
            "coalesced_share": share,
            "cpu_share": self.cpu_share,
            "clock_steps": self.clock_steps,
            "bytes_in": self.bytes_in,
            "reads": self.reads,
            "peak_rss_bytes": self.peak_rss_bytes,
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
        ]

    @classmethod
    def unpack(cls, packed: list[Any]) -> Self:
        """The facts behind `pack`'s values."""
        clocks, *others = packed
        return cls(set(clocks), *others)

    def _verdict(self, coalesced_share: float, round_ms: float | None) -> tuple[str, str]:
        cpu_share = self.cpu_share if self.seconds >= CPU_MIN_SECONDS else 0.0
        late_ms = self._lag_ms(self.send_lag_ns, "p99") if self.open_loop else 0.0
        idle = self._idle_share(round_ms)
        late = f"1 % of requests left {late_ms:.1f} ms or more after they were due"
        idled = f"users spent {idle:.0%} of their time waiting for this client to send"
        if cpu_share >= CPU_CLIENT_BOUND:
            return "client_bound", f"an engine used {cpu_share:.0%} of its core: add workers or lower the load"
        if late_ms >= SEND_LAG_CLIENT_BOUND_MS:
            return "client_bound", f"{late}: the load was lighter than asked for"
        if idle >= IDLE_CLIENT_BOUND:
            return "client_bound", f"{idled}: the load was lighter than asked for"
        reader_ms = self._lag_ms(self.loop_lag_ns, "p99")
        doubts = [
            (self.lost_engines > 0, f"{self.lost_engines} engine process(es) were lost, so their error is unknown"),
            (not self.clocks and not self.lost_engines, "no engine reported on itself, so the error is unknown"),
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
        reasons = [reason for applies, reason in doubts if applies]
        if reasons:
            return "suspect", "; ".join(reasons)
        send = f"send lag p99 {self._lag_ms(self.send_lag_ns, 'p99'):.3f} ms"
        used = f", {self.cpu_share:.0%} of a core used" if self.seconds >= CPU_MIN_SECONDS else ""
        return "trusted", f"kernel stamps, {send}{used}"

    def _idle_share(self, round_ms: float | None) -> float:
        """In a closed loop, how much of a user's typical round was spent being due and not sent."""
        lag_ms = self._lag_ms(self.send_lag_ns, "p50")
        return lag_ms / (lag_ms + round_ms) if round_ms and not self.open_loop else 0.0

    @staticmethod
    def _lag_ms(lag_ns: dict[str, int], name: str) -> float:
        return lag_ns.get(name, 0) / 1e6


def _milliseconds(lag_ns: dict[str, int]) -> dict[str, float] | None:
    return {name: value / 1e6 for name, value in lag_ns.items()} or None
