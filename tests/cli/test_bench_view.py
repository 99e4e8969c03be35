import io
from typing import Any

import pytest

from app.cli.bench_view import BenchView, certificate, clock, money, significant
from app.cli.summary_view import metrics_table, print_summary
from app.cli.terminal import Console

PERCENTILES = {"p50": 20.0, "p75": 21.0, "p90": 22.0, "p95": 23.0, "p99": 24.0, "p99.9": 25.0}
METRIC = {"n": 990, "min": 10.0, "max": 30.0, "mean": 20.5, "stdev": 1.0, **PERCENTILES}
PROGRESS: dict[str, Any] = {
    "status": "running",
    "planned": 1000,
    "started": 660,
    "completed": 620,
    "ok": 610,
    "failed": 10,
    "in_flight": 40,
    "waiting": 0,
    "elapsed_s": 62.0,
    "eta_s": 38.0,
    "percent": 62.0,
    "requests_per_s": 10.02,
    "output_tokens_per_s": 1283.4,
    "chunks_per_s": 1280.0,
    "ttft_ms": {"p50": 201.4, "p95": 219.0, "p99": 240.0},
    "gap_ms": {"p50": 20.0, "p95": 21.0, "p99": 22.5},
    "tpot_ms": {"p50": 20.1},
    "error_rate": 0.016,
    "cost_usd": 0.0123,
    "errors": {"http_429": 7, "connect": 3},
    "point": None,
    "target_index": 0,
}
SUMMARY: dict[str, Any] = {
    "duration_seconds": 99.0,
    "requests": {"total": 1000, "ok": 990, "failed": 10, "by_error_type": {"connect": 3, "http_429": 7}},
    "tokens": {"input": 1000, "output": 126720, "reasoning": 0, "source": "usage"},
    "rates": {
        "requests_per_s": 10.0,
        "output_tokens_per_s": 1280.0,
        "total_tokens_per_s": 1290.0,
        "goodput_requests_per_s": 9.5,
        "good_share": 0.95,
    },
    "cost_usd": None,
    "metrics": {"ttft_ms": METRIC, "icl_ms": METRIC, "ttfo_ms": {**METRIC, "n": 0}, "tpot_ms": None},
    "instrument": {"verdict": "trusted", "reason": "kernel stamps"},
}


def console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), width=160, force_terminal=terminal, color_system=None)


def printed(target: Console) -> str:
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


def test_the_live_panel_shows_every_number() -> None:
    target = console(terminal=True)
    with BenchView("nightly", quiet=False, console=target).running() as view:
        view.update(PROGRESS)
        view.note("Stopping")
    text = printed(target)
    for part in ("620 / 1,000", "ETA 0:38", "40", "10.0", "1,283", "201 ms", "22.5 ms", "http_429 7, connect 3"):
        assert part in text
    assert "Stopping" in text


def test_a_run_without_an_end_in_requests_shows_no_eta() -> None:
    target = console(terminal=True)
    with BenchView("nightly", quiet=False, console=target).running() as view:
        view.update({**PROGRESS, "planned": None, "eta_s": None, "percent": None, "ttft_ms": None, "errors": {}})
    assert "ETA" not in printed(target)


def test_without_a_terminal_a_line_comes_after_a_second_and_then_every_five() -> None:
    target = console(terminal=False)
    with BenchView("nightly", quiet=False, console=target).running() as view:
        for elapsed in (0.0, 1.0, 5.9, 6.0, 7.0):
            view.update({**PROGRESS, "elapsed_s": elapsed})
    assert len(printed(target).splitlines()) == 2


def test_quiet_shows_nothing_while_running() -> None:
    target = console(terminal=True)
    with BenchView("nightly", quiet=True, console=target).running() as view:
        view.update(PROGRESS)
    assert printed(target) == ""


def test_the_summary_ends_with_the_certificate() -> None:
    target = console(terminal=False)
    print_summary(target, "nightly", SUMMARY)
    text = printed(target)
    for part in ("990 ok, 10 failed", "http_429 7", "95.0%", "unknown price", "TTFT", "p99.9"):
        assert part in text
    assert "visible" not in text  # nothing was measured
    assert text.rstrip().endswith("trusted: kernel stamps")


def test_an_empty_run_can_be_summed_up() -> None:
    target = console(terminal=False)
    rates = dict.fromkeys(SUMMARY["rates"])
    print_summary(target, "nothing", {**SUMMARY, "metrics": {}, "rates": rates})
    assert "—" in printed(target)


def test_the_table_fits_into_80_columns() -> None:
    target = Console(file=io.StringIO(), width=80, color_system=None)
    long = {**METRIC, **dict.fromkeys(PERCENTILES, 9_876.5), "n": 999_999, "mean": 9_876.5, "max": 9_876.5}
    target.print(metrics_table(dict.fromkeys(SUMMARY["metrics"], long) | {"ttft_from_intended_ms": long}))
    assert "999,999" in printed(target)
    assert "…" not in printed(target)


def test_intervals_stand_below_in_narrow_terminals_and_beside_in_wide_ones() -> None:
    bounds = {"p50": [9_765.4, 9_876.5], "p95": [9_876.5, 9_987.6], "p99": None, "p99.9": None}
    large = {**METRIC, **dict.fromkeys(PERCENTILES, 9_876.5), "n": 9_999, "mean": 9_876.5, "max": 9_987.6, "ci": bounds}
    large |= {"p99": None, "p99.9": None, "needs_n": {"p99": 100, "p99.9": 1000}}
    metrics = dict.fromkeys(SUMMARY["metrics"], large) | {"ttft_from_intended_ms": large}
    narrow, wide = Console(file=io.StringIO(), width=80), Console(file=io.StringIO(), width=160)
    for target in (narrow, wide):
        target.print(metrics_table(metrics, metrics, width=target.width))
    assert "9,876…9,988" in printed(narrow)
    assert "n≥1,000" in printed(narrow)
    assert all(len(line) <= 80 for line in printed(narrow).splitlines())
    assert "9,988 " in printed(narrow).splitlines()[1] + " "  # the last column is whole
    assert "9,876 [9,765, 9,876]" in printed(wide)
    assert printed(wide).count("steady") == 4


def test_visible_output_has_a_row_of_its_own_only_where_it_differs() -> None:
    for visible, shown in ((METRIC, False), ({**METRIC, "mean": METRIC["mean"] + 1}, True)):
        target = console(terminal=False)
        target.print(metrics_table({"ttft_ms": METRIC, "ttfo_ms": visible}))
        assert ("TTFO" in printed(target)) is shown


def test_the_whole_run_and_its_steady_window_stand_side_by_side() -> None:
    target = console(terminal=False)
    steady = {name: SUMMARY[name] for name in ("requests", "tokens", "rates", "cost_usd", "metrics")}
    steady |= {"duration_seconds": 72.0, "rates": {**SUMMARY["rates"], "requests_per_s": 12.5}}
    summary = SUMMARY | {
        "steady": steady,
        "window": {"from_s": 2.0, "to_s": 74.0, "method": "mser-5", "reason": "without 2 s from the first start"},
        "queueing": {
            "in_flight_mean": 15.0,
            "throughput_per_s": 12.5,
            "time_in_system_mean_ms": 1_200.0,
            "little_ratio": 1.0,
        },
        "retried": {"requests": 3, "attempts": 7},
        "warnings": ["successive samples are alike"],
    }
    print_summary(target, "nightly", summary)
    text = printed(target)
    assert "whole run" in text
    assert "steady window" in text
    for part in ("10.0", "12.5", "2 to 74 s (mser-5)", "3 requests, 7 tries", "15.0 by Little's law"):
        assert part in text
    assert "warning     successive samples are alike" in text


def test_a_run_without_a_window_says_why() -> None:
    target = console(terminal=False)
    window = {"from_s": None, "to_s": None, "method": "none", "reason": "the run was too short"}
    print_summary(target, "nightly", SUMMARY | {"steady": None, "window": window, "queueing": None})
    assert "window      none: the run was too short" in printed(target)
    assert "steady" not in printed(target)


def test_one_unit_per_table() -> None:
    def header(**change: float) -> str:
        return str(metrics_table({"ttft_ms": {**METRIC, **change}}).columns[0].header)

    assert header() == "all in ms"
    assert header(p99=12_000.0) == "all in s"
    assert header(p99=0.4) == "all in µs"


def test_the_certificate_names_verdict_and_reason() -> None:
    text = certificate({"verdict": "client_bound", "reason": "an engine used 97% of its core"})
    assert text.plain == "instrument  client bound: an engine used 97% of its core"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5, "1,234"),
        (123.4, "123"),
        (12.34, "12.3"),
        (1.234, "1.23"),
        (0.1234, "0.123"),
        (0.01234, "0.0123"),
        (0, "0"),
    ],
)
def test_numbers_have_three_significant_figures(value: float, text: str) -> None:
    assert significant(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(None, "—"), (4.25, "4.2 s"), (61, "1:01"), (3725, "1:02:05")])
def test_durations(seconds: float | None, text: str) -> None:
    assert clock(seconds) == text


def test_money() -> None:
    assert (money(None), money(0.00123), money(12.5)) == ("—", "$0.0012", "$12.50")


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"words_per_token": 0.7692, "source": "usage", "probe_requests": 4},
         "workload    0.769 words per token (from the server's usage, 4 probe requests). All differ."),
        ({"words_per_token": 0.5, "source": "given", "probe_requests": 0},
         "workload    0.500 words per token (as given). All differ."),
        ({"words_per_token": None, "source": "assumed", "probe_requests": 0}, "workload    All differ."),
        ({"words_per_token": None, "source": "mixed", "probe_requests": 8,
          "by_target": [{"words_per_token": 0.5}, {"words_per_token": 1.0}]},
         "workload    0.500 words per token, 1.00 words per token (mixed, 8 probe requests). All differ."),
    ],
)  # fmt: skip
def test_the_end_says_how_prompts_were_made_and_who_read(facts: dict[str, Any], line: str) -> None:
    target = console(terminal=False)
    instrument = SUMMARY["instrument"] | {"reader": "native"}
    summary = SUMMARY | {"workload": {"uniqueness": "All differ.", **facts}, "instrument": instrument}
    print_summary(target, "nightly", summary)
    lines = printed(target).splitlines()
    assert line in [one.rstrip() for one in lines]
    assert lines[-1] == "instrument  trusted: kernel stamps; native reader"
