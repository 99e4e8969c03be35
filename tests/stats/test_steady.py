"""The steady window of runs whose truth is known."""

import numpy as np
import pytest

from app.stats.instrument import InstrumentFacts
from app.stats.run_statistics import RunStatistics
from app.stats.steady import GivenWindow, find_window, mser, trend
from app.stats.summary import summarise
from tests.stats.batches import ORIGIN, SECOND, batch
from tests.stats.simulated import KEY, closed

FACTS = InstrumentFacts(clocks={"kernel"})
SEEDS = range(3)


def usual(_now: float, _in_flight: int, rng: np.random.Generator) -> tuple[float, float]:
    return rng.lognormal(-1.6, 0.3), rng.lognormal(0, 0.2)


def burst(now: float, _in_flight: int, rng: np.random.Generator) -> tuple[float, float]:
    return 0.2 * rng.lognormal(0, 0.2) + (2 * rng.random() if now < 0.5 else 0), rng.lognormal(0, 0.2)


def warming(now: float, _in_flight: int, rng: np.random.Generator) -> tuple[float, float]:
    return 0.2 * rng.lognormal(0, 0.2) * (1 + 4 * np.exp(-now / 8)), rng.lognormal(0, 0.2)


def degrading(now: float, _in_flight: int, rng: np.random.Generator) -> tuple[float, float]:
    return 0.2 * rng.lognormal(0, 0.2) * (1 + now / 30), rng.lognormal(0, 0.2) * (1 + now / 60)


def test_mser_leaves_out_what_is_unlike_the_rest() -> None:
    noise = np.tile([1.0, -1.0], 20)
    assert mser(noise) == 0
    assert mser(np.concatenate((np.array([60.0, 30.0, 15.0]), noise))) == 3
    assert mser(np.arange(40.0)) == 20  # never more than half
    assert mser(np.zeros(0)) == mser(np.ones(1)) == 0


def test_a_trend_is_seen_through_noise_and_noise_is_not_a_trend() -> None:
    rng = np.random.default_rng(5)
    rising = trend(10 + np.arange(40) / 10 + rng.normal(0, 0.5, 40))
    assert rising is not None
    assert rising.p_value < 1e-6
    assert rising.change == pytest.approx(3.9 / 12, abs=0.05)
    steady = [trend(10 + rng.normal(0, 1, 40)) for _ in range(300)]
    assert sum(line is not None and line.p_value < 0.001 for line in steady) <= 3
    assert trend(np.ones(4)) is None
    assert trend(np.ones(9)) is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_the_start_burst_and_the_drain_of_a_closed_loop_are_left_out(seed: int) -> None:
    requests = closed(1_000, 12_000, seed, service_s=burst)
    summary = summarise(requests.statistics(), FACTS)
    window, steady = summary["window"], summary["steady"]
    assert window["method"] == "mser-5"
    assert 1.0 <= window["from_s"] <= 6
    last_start = max(requests.started)
    assert window["to_s"] <= last_start - 1  # what starts at the end of it still meets a full house
    assert window["to_s"] >= last_start - 4
    assert summary["metrics"]["ttft_ms"]["p99"] > 1_000
    assert steady["metrics"]["ttft_ms"]["p99"] < 500
    assert steady["rates"]["requests_per_s"] == pytest.approx(1_000 / 1.23, rel=0.06)
    started = np.array(requests.started)
    assert steady["requests"]["total"] == ((window["from_s"] <= started) & (started < window["to_s"])).sum()
    assert window["origin_ns"] == ORIGIN
    assert summary["queueing"]["is_stable"]
    assert summary["queueing"]["little_ratio"] == pytest.approx(1, abs=0.05)
    assert summary["warnings"] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_server_that_warms_up_slowly_has_its_window_behind_that(seed: int) -> None:
    summary = summarise(closed(64, 5_000, seed, service_s=warming).statistics(), FACTS)
    assert 16 <= summary["window"]["from_s"] <= 70  # exp(-2) of the warm-up is left after 16 s
    assert summary["steady"]["metrics"]["ttft_ms"]["mean"] == pytest.approx(204, rel=0.15)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_server_that_degrades_all_the_time_has_no_steady_state(seed: int) -> None:
    summary = summarise(closed(64, 4_000, seed, service_s=degrading).statistics(), FACTS)
    assert summary["steady"] is None
    assert summary["window"]["from_s"] is None
    assert summary["window"]["reason"].startswith("there was no steady state: ")
    assert "rose from" in summary["window"]["reason"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_steady_run_loses_little(seed: int) -> None:
    requests = closed(16, 2_000, seed, service_s=usual)
    window = find_window(requests.statistics().targets[KEY])
    assert window.exists
    length = max(requests.ended)
    slices = requests.statistics().targets[KEY].slices
    assert (window.high - window.low) * slices.width_s > 0.4 * length


@pytest.mark.parametrize(("users", "requests"), [(1, 1), (4, 40), (64, 128), (500, 500)])
def test_short_runs_have_no_window_and_say_so(users: int, requests: int) -> None:
    summary = summarise(closed(users, requests, 1, service_s=usual).statistics(), FACTS)
    assert summary["steady"] is None
    assert "too short" in summary["window"]["reason"]


def test_without_a_success_there_is_no_window() -> None:
    assert summarise(RunStatistics(ORIGIN), FACTS)["window"]["reason"] == "nothing was measured"
    run = RunStatistics(ORIGIN)
    run.add(KEY, batch([1.0], ok=[False], error_classes=["connect"]))
    assert summarise(run, FACTS)["window"]["reason"] == "no request succeeded at its first try"


def test_given_times_win_and_are_rounded_inwards() -> None:
    requests = closed(64, 4_000, 1, service_s=degrading)
    statistics = requests.statistics().targets[KEY]
    window = find_window(statistics, GivenWindow(10.1, 7.7))
    width_s = statistics.slices.width_s
    assert window.method == "given"
    assert 10.1 <= window.low * width_s < 10.1 + width_s
    end = max(requests.ended) - 7.7
    assert end - width_s < window.high * width_s <= end
    everything = find_window(statistics, GivenWindow(0, 0))
    total = statistics.slices.total("ok", everything.low, everything.high)
    assert total == 4_000
    assert "leave nothing" in find_window(statistics, GivenWindow(1e4, 0)).reason
    assert find_window(statistics, GivenWindow(cooldown_seconds=5)).method == "none"  # its start is not steady
    late = find_window(statistics, GivenWindow(warmup_seconds=5))
    assert late.exists
    assert late.high * width_s < max(requests.started)  # the drain is still left out


def test_targets_have_windows_of_their_own() -> None:
    run = closed(16, 1_000, 1, service_s=usual).statistics()
    run.add(KEY._replace(model="other"), batch([500.0], started_s=[499.0]))
    summary = summarise(run, FACTS)
    assert summary["window"]["method"] == "none"
    assert "each has a window of its own" in summary["window"]["reason"]
    assert summary["steady"] is None
    first, second = summary["by_target"]
    assert first["steady"] is not None
    assert second["steady"] is None


def test_no_window_reaches_into_an_interruption() -> None:
    run = closed(16, 2_000, 1, service_s=usual).statistics()
    end = run.targets[KEY].slices.first + run.targets[KEY].slices.length
    width_s = run.targets[KEY].slices.width_s
    whole = find_window(run.targets[KEY])
    cut_s = 0.4 * end * width_s
    run.add_interruption(KEY, ORIGIN + round(cut_s * SECOND), ORIGIN + round((cut_s + 2) * SECOND))
    run = RunStatistics.decode(run.encode())
    found = find_window(run.targets[KEY])
    assert whole.low * width_s < cut_s < found.low * width_s - 2
    assert found.high == whole.high
    assert f"interrupted, from {cut_s:.1f} s to {cut_s + 2:.1f} s" in found.reason
    run.add_interruption(KEY, ORIGIN, ORIGIN + round(end * width_s * SECOND))
    nothing = find_window(run.targets[KEY])
    assert not nothing.exists
    assert nothing.reason.startswith("a part of the run was interrupted, from 0.0 s to ")
    assert "in it, a part of the run was interrupted" in find_window(run.targets[KEY], GivenWindow(1, 1)).reason


def test_the_certificate_says_that_a_part_was_interrupted_before_it_blames_the_machine() -> None:
    facts = InstrumentFacts(clocks={"kernel"}, open_loop=True, restarts=1, send_lag_ns={"p99": 9 * 10**9})
    said = facts.certificate(100, 0)
    assert said["verdict"] == "client_bound"
    assert said["reason"].startswith(
        "1 shard(s) were interrupted and taken up again, and 1 % of requests left 9000.0 ms"
    )
    facts.clock_offset_limit_ns, facts.clock_offset_ns = 10**7, -(10**9)
    assert facts.certificate(100, 0)["reason"].endswith("; the clock of a worker was 1000.0 ms off")
