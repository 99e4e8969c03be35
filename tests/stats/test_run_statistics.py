import statistics
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stats.instrument import InstrumentFacts
from app.stats.rolling import RollingWindow
from app.stats.run_statistics import RunStatistics, Slo, TargetKey
from app.stats.summary import summarise
from tests.stats.batches import ORIGIN, batch

KEY = TargetKey("local", "m")
OTHER = TargetKey("local", "other")
FACTS = InstrumentFacts(clocks={"kernel"}, loop_lag_ns={"p99": 1000}, send_lag_ns={"p50": 10, "p99": 20_000, "max": 9})


def test_the_summary_of_known_requests() -> None:
    run = RunStatistics(ORIGIN, Slo(ttft_ms=250, tpot_ms=20))
    run.add(
        KEY,
        batch(
            [2, 3, 4, 4],
            started_s=[1, 2, 2, 3],
            ok=[True, True, True, False],
            ttft_ms=[100, 200, 300, 1],
            tpot_ms=[10, np.nan, 10, np.nan],
            connect_ms=[0, 5, 0, 0],
            new_connection=[False, True, False, False],
            gaps=[[10_000_000, 20_000_000], [-1, 30_000_000, 40_000_000], [], [99]],
            chunks=[3, 4, 1, 2],
            coalesced_chunks=[0, 1, 0, 0],
            input_tokens=[5, 5, 5, 5],
            output_tokens=[3, 4, 1, 2],
            cost_usd=[0.5, 0.25, 0.25, np.nan],
            error_classes=["http_5xx"],
            token_sources={"usage": 3},
        ),
    )
    summary = summarise(run, FACTS)
    assert summary["duration_seconds"] == 3
    assert summary["requests"] == {"total": 4, "ok": 3, "failed": 1, "by_error_type": {"http_5xx": 1}, "by_finish": {}}
    assert summary["tokens"] == {"input": 15, "output": 8, "reasoning": 0, "source": "usage"}
    assert summary["rates"]["requests_per_s"] == 1
    assert summary["rates"]["good_share"] == 0.5  # the second has no TPOT, which breaks no limit
    assert summary["cost_usd"] == 1
    ttft = summary["metrics"]["ttft_ms"]
    assert (ttft["n"], ttft["min"], ttft["max"], ttft["mean"]) == (3, 100, 300, pytest.approx(200))
    assert ttft["stdev"] == pytest.approx(100)
    assert summary["metrics"]["connect_ms"]["n"] == 1
    icl = summary["metrics"]["icl_ms"]  # neither the censored gap nor the one behind it is one chunk's
    assert (icl["n"], icl["min"], icl["max"]) == (3, 10, 40)
    assert summary["metrics"]["e2e_ms"] is None
    assert summary["instrument"]["coalesced_share"] == 0.1
    assert [target["model"] for target in summary["by_target"]] == ["m"]


def test_one_unknown_price_makes_the_cost_unknown() -> None:
    run = RunStatistics(ORIGIN)
    run.add(KEY, batch([1, 1], cost_usd=[1.0, np.nan]))
    assert summarise(run, FACTS)["cost_usd"] is None


def test_durations_of_targets_add_up_because_they_ran_one_after_another() -> None:
    run = RunStatistics(ORIGIN)
    run.add(KEY, batch([2], started_s=[1]))
    run.add(OTHER, batch([9], started_s=[7]))
    summary = summarise(run, None)
    assert summary["duration_seconds"] == 3
    assert [target["duration_seconds"] for target in summary["by_target"]] == [1, 2]


REQUESTS = st.lists(st.tuples(st.floats(0, 100), st.floats(0.01, 10_000), st.booleans()), max_size=30)


@given(st.lists(REQUESTS, max_size=5))
def test_shards_merge_to_what_one_accumulator_sees(shards: list[list[tuple[float, float, bool]]]) -> None:
    def filled(requests: list[tuple[float, float, bool]]) -> RunStatistics:
        run = RunStatistics(ORIGIN, Slo(ttft_ms=500))
        run.add(
            KEY,
            batch(
                [end for end, _, _ in requests],
                ttft_ms=[ttft for _, ttft, _ in requests],
                ok=[ok for _, _, ok in requests],
                output_tokens=[3] * len(requests),
            ),
        )
        return run

    merged = RunStatistics(ORIGIN, Slo(ttft_ms=500))
    for shard in shards:
        merged.merge(RunStatistics.decode(filled(shard).encode()))
    everything = [request for shard in shards for request in shard]
    expected, found = summarise(filled(everything), FACTS), summarise(merged, FACTS)
    for name in ("requests", "tokens", "chunks", "rates", "duration_seconds"):
        assert found[name] == expected[name]
    assert found["window"] == expected["window"]
    assert merged.timeline.columns() == filled(everything).timeline.columns()
    ok = [ttft for _, ttft, good in everything if good]
    metric = found["metrics"]["ttft_ms"]
    if not ok:
        assert metric is None
        return
    wanted = expected["metrics"]["ttft_ms"]
    assert (metric["ci"], metric["needs_n"]) == (wanted["ci"], wanted["needs_n"])
    assert {name: metric[name] for name in ("p50", "min", "max")} == {
        name: wanted[name] for name in ("p50", "min", "max")
    }
    assert (metric["mean"], metric["stdev"]) == pytest.approx((wanted["mean"], wanted["stdev"]), abs=1e-9)
    assert metric["mean"] == pytest.approx(statistics.fmean(ok), rel=1e-6)
    rank = -(-95 * len(ok) // 100)
    if len(ok) < 20:
        assert metric["p95"] is None
        assert metric["needs_n"]["p95"] == 20
    else:
        assert metric["p95"] == pytest.approx(sorted(ok)[rank - 1], rel=1.1e-3, abs=1e-3)


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        (FACTS, "trusted"),
        (InstrumentFacts(clocks={"kernel"}, steal_share=0.06), "suspect"),
        (InstrumentFacts(clocks={"kernel"}, steal_share=0.04, core_shares=[1.0, 1.0], seconds=9), "trusted"),
        # A pause delays what is due, and stamps where the kernel takes none.
        (InstrumentFacts(clocks={"kernel"}, gc_pauses=1, gc_pause_max_ns=2_000_000), "trusted"),
        (InstrumentFacts(clocks={"kernel"}, gc_pauses=1, gc_pause_max_ns=2_000_000, open_loop=True), "suspect"),
        (InstrumentFacts(clocks={"kernel"}, gc_pauses=9, gc_pause_max_ns=900_000, open_loop=True), "trusted"),
        (InstrumentFacts(clocks={"kernel"}, involuntary_switches=9_000, seconds=10), "trusted"),
        (InstrumentFacts(), "suspect"),
        (InstrumentFacts(clocks={"user"}), "suspect"),
        (InstrumentFacts(clocks={"kernel"}, clock_steps=1), "suspect"),
        (InstrumentFacts(clocks={"kernel"}, lost_engines=1), "suspect"),
        (InstrumentFacts(clocks={"kernel"}, send_lag_ns={"p99": 2_000_000}, open_loop=True), "suspect"),
        (InstrumentFacts(clocks={"kernel"}, send_lag_ns={"p99": 20_000_000}, open_loop=True), "client_bound"),
        # The start burst of a closed loop: some left late, the typical one did not.
        (InstrumentFacts(clocks={"kernel"}, send_lag_ns={"p50": 100_000, "p99": 20_000_000}), "trusted"),
        (InstrumentFacts(clocks={"kernel"}, send_lag_ns={"p50": 10_000_000, "p99": 20_000_000}), "suspect"),
        (InstrumentFacts(clocks={"kernel"}, send_lag_ns={"p50": 50_000_000, "p99": 60_000_000}), "client_bound"),
        # The kernel stamped: a late read costs nothing.
        (InstrumentFacts(clocks={"kernel"}, loop_lag_ns={"p99": 50_000_000}), "trusted"),
        (InstrumentFacts(clocks={"kernel"}, cpu_share=0.99, seconds=10), "client_bound"),
        (InstrumentFacts(clocks={"kernel"}, cpu_share=0.9, seconds=10), "suspect"),
        (InstrumentFacts(clocks={"kernel"}, cpu_share=1.01, seconds=0.003), "trusted"),
    ],
)
def test_the_certificate_says_when_not_to_trust(facts: InstrumentFacts, verdict: str) -> None:
    merged = InstrumentFacts()
    merged.merge(InstrumentFacts.unpack(facts.pack()))
    certificate = merged.certificate(100, 0, round_ms=100)
    assert certificate["verdict"] == verdict
    assert certificate["reason"]


def test_many_chunks_in_one_read_make_gaps_doubtful() -> None:
    certificate = FACTS.certificate(100, 50)
    assert certificate["verdict"] == "suspect"
    assert certificate["reason"] == "50.0% of chunks shared a read with another, so their chunk gaps are unknown"


def test_what_else_wanted_the_processor_is_named_as_a_cause() -> None:
    late: Any = {"clocks": {"kernel"}, "open_loop": True, "send_lag_ns": {"p99": 20_000_000}, "seconds": 10.0}
    alone = InstrumentFacts(**late).certificate(100, 0)["reason"]
    assert alone.endswith("the load was lighter than asked for")
    lost = InstrumentFacts(**late, involuntary_switches=5_000).certificate(100, 0)["reason"]
    assert lost == f"{alone}; engines lost their core to other processes 5,000 times"
    busy = InstrumentFacts(**late, core_shares=[0.97, 0.99]).certificate(100, 0)["reason"]
    assert busy == f"{alone}; every core of this machine was busy"
    both = InstrumentFacts(core_shares=[0.5, 0.1])
    both.merge(InstrumentFacts(core_shares=[0.2, 0.9, 0.3], held_by_rate_limit=3))
    assert both.certificate(1, 0)["core_shares"] == [0.5, 0.9, 0.3]
    assert both.certificate(1, 0)["held_by_rate_limit"] == 3


def test_every_reader_that_took_part_is_told() -> None:
    both = InstrumentFacts()
    assert both.certificate(1, 0)["reader"] is None
    for reader in ("python", "native", "native"):
        both.merge(InstrumentFacts.unpack(InstrumentFacts(readers={reader}).pack()))
    assert both.certificate(1, 0)["reader"] == "native+python"


def test_dropped_samples_are_counted_and_doubted() -> None:
    run = RunStatistics(ORIGIN)
    run.add(
        KEY,
        batch([1, 1, 1], schedule_delay_ms=[-1.0, 4 * 3_600_000.0, np.nan], clock_stepped=[False, False, True]),
    )
    certificate = summarise(run, FACTS)["instrument"]
    assert certificate["dropped_samples"] == 3
    assert certificate["verdict"] == "suspect"
    assert "3 samples were dropped" in certificate["reason"]
    assert FACTS.certificate(1, 0, dropped_samples=1, requests=10_000)["verdict"] == "trusted"


def test_retried_requests_stay_out_of_latencies() -> None:
    run = RunStatistics(ORIGIN, Slo(ttft_ms=150))
    run.add(
        KEY,
        batch(
            [1, 2, 3, 4],
            started_s=[0, 1, 2, 3],
            ok=[True, True, True, False],
            attempts=[1, 2, 3, 2],
            ttft_ms=[100, 100, 100, np.nan],
            ttft_from_intended_ms=[100, 140, 9_000, np.nan],
            e2e_from_intended_ms=[200, 240, 9_100, np.nan],
            gaps=[[10_000_000], [20_000_000], [20_000_000], []],
            chunks=[2, 2, 2, 0],
            output_tokens=[2, 2, 2, 0],
            error_classes=["http_5xx"],
        ),
    )
    summary = summarise(RunStatistics.decode(run.encode()), FACTS)
    assert summary["requests"]["ok"] == 3
    assert summary["tokens"]["output"] == 6
    assert summary["metrics"]["ttft_ms"]["n"] == summary["metrics"]["icl_ms"]["n"] == 1
    assert (summary["retried"]["requests"], summary["retried"]["attempts"]) == (3, 7)
    assert summary["retried"]["e2e_from_intended_ms"]["max"] == 9_100
    # A retried request is good by what its user waited: the third took nine seconds.
    assert summary["rates"]["good_share"] == 0.5
    assert summary["rates"]["goodput_output_tokens_per_s"] == 1


def test_the_speed_of_a_user_is_the_inverse_of_tpot() -> None:
    tpot = np.concatenate((np.linspace(10, 50, 39), [0.0, np.nan]))
    run = RunStatistics(ORIGIN)
    run.add(KEY, batch([1.0] * 41, tpot_ms=tpot))
    speed = summarise(run, FACTS)["rates"]["user_output_tokens_per_s"]
    assert speed["mean"] == pytest.approx((1e3 / tpot[:39]).mean())
    exact = np.percentile(tpot[:40], [95, 50], method="inverted_cdf")
    assert (speed["p5"], speed["p50"]) == pytest.approx(tuple(1e3 / exact), rel=1.1e-3)
    few = RunStatistics(ORIGIN)
    few.add(KEY, batch([1.0] * 3, tpot_ms=[10, 20, 30]))
    assert summarise(few, FACTS)["rates"]["user_output_tokens_per_s"] == {
        "p5": None,
        "p50": pytest.approx(50, rel=1.1e-3),
        "mean": pytest.approx(550 / 9),
    }


def test_statistics_of_the_first_version_can_still_be_read() -> None:
    run = RunStatistics(ORIGIN)
    run.add(KEY, batch([1, 2], ttft_ms=[100, 200]))
    packed = msgspec.msgpack.decode(run.encode())
    known = ("ok", "failed", "good", "chunks", "first_start_ns", "last_end_ns", "by_error_type")
    packed["version"] = 1
    packed["targets"] = [
        [provider, model, {name: counters[name] for name in known}, metrics]
        for provider, model, counters, metrics, *_ in packed["targets"]
    ]
    summary = summarise(RunStatistics.decode(msgspec.msgpack.encode(packed)), None)
    assert summary["requests"]["ok"] == 2
    assert summary["metrics"]["ttft_ms"]["p50"] == pytest.approx(100, rel=1.1e-3)
    assert summary["window"]["reason"] == "the run was measured without slices of time"
    packed["version"] = 3
    with pytest.raises(ValueError, match="version 3"):
        RunStatistics.decode(msgspec.msgpack.encode(packed))


def test_a_phase_that_did_not_take_place_lasts_zero() -> None:
    run = RunStatistics(ORIGIN)
    run.add(KEY, batch([1.0] * 30, dns_ms=[3.0, *[0.0] * 29], new_connection=[True] * 30))
    dns = summarise(run, FACTS)["metrics"]["dns_ms"]
    assert (dns["p50"], dns["ci"]["p50"], dns["max"]) == (0, [0, 0], 3)


def test_user_space_stamps_say_how_late_they_are() -> None:
    facts = InstrumentFacts(clocks={"user"}, loop_lag_ns={"p99": 3_000_000})
    assert "1 % of reads: 3.0 ms or more" in facts.certificate(100, 0)["reason"]


def test_the_rolling_window_forgets() -> None:
    window = RollingWindow(seconds=2)
    for second in range(4):
        delta = RunStatistics(ORIGIN)
        delta.add(KEY, batch([second], ttft_ms=[100.0 * (second + 1)]))
        window.slot(second).add(delta)
    total = window.total()
    assert total.counters.ok == 2
    assert total.percentiles_ms("ttft", 50) == pytest.approx([300], rel=1e-3)
    assert total.percentiles_ms("gap", 50) is None
