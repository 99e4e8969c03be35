"""The instrument's certificate: its own error, beside every result, with a verdict in one sentence."""

from dataclasses import dataclass, field
from typing import Any, Self

# Kernel stamps forgive a late loop as long as it is not later than the chunks are apart; a late send is a late request.
CPU_CLIENT_BOUND = 0.95
CPU_SUSPECT = 0.85
SEND_LAG_CLIENT_BOUND_MS = 10.0
SEND_LAG_SUSPECT_MS = 1.0
LOOP_LAG_SUSPECT_MS = 20.0
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

    def certificate(self, chunks: int, coalesced_chunks: int) -> dict[str, Any]:
        """The `instrument` part of a summary."""
        share = coalesced_chunks / chunks if chunks else 0.0
        verdict, reason = self._verdict(share)
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
        ]

    @classmethod
    def unpack(cls, packed: list[Any]) -> Self:
        """The facts behind `pack`'s values."""
        clocks, *others = packed
        return cls(set(clocks), *others)

    def _verdict(self, coalesced_share: float) -> tuple[str, str]:
        send_lag_ms = self.send_lag_ns.get("p99", 0) / 1e6
        loop_lag_ms = self.loop_lag_ns.get("p99", 0) / 1e6
        if self.cpu_share >= CPU_CLIENT_BOUND:
            return "client_bound", f"an engine used {self.cpu_share:.0%} of its core: add workers or lower the load"
        if send_lag_ms >= SEND_LAG_CLIENT_BOUND_MS:
            return "client_bound", f"1 % of requests left {send_lag_ms:.1f} ms or more after they were due"
        doubts = [
            (self.lost_engines > 0, f"{self.lost_engines} engine process(es) were lost, so their error is unknown"),
            (not self.clocks, "no engine reported on itself, so the error is unknown"),
            ("user" in self.clocks, "stamps were taken in user space: the platform has no kernel receive stamps"),
            (self.clock_steps > 0, f"the system clock was stepped {self.clock_steps} time(s) during the run"),
            (send_lag_ms >= SEND_LAG_SUSPECT_MS, f"1 % of requests left {send_lag_ms:.1f} ms or more late"),
            (
                loop_lag_ms >= LOOP_LAG_SUSPECT_MS,
                f"the loop was {loop_lag_ms:.1f} ms late in 1 % of its rounds",
            ),
            (self.cpu_share >= CPU_SUSPECT, f"an engine used {self.cpu_share:.0%} of its core"),
            (coalesced_share >= COALESCED_SUSPECT, f"{coalesced_share:.1%} of chunks shared a read with another"),
        ]
        reasons = [reason for applies, reason in doubts if applies]
        if reasons:
            return "suspect", "; ".join(reasons)
        return "trusted", f"kernel stamps, send lag p99 {send_lag_ms:.3f} ms, {self.cpu_share:.0%} of a core used"


def _milliseconds(lag_ns: dict[str, int]) -> dict[str, float] | None:
    return {name: value / 1e6 for name, value in lag_ns.items()} or None
