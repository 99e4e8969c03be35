"""A run that is watched while it lasts: opened late, over bad connections, through a restart, for hours."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, CDPSession, Locator, Page, expect

from tests.e2e.browsing import Visitor, visit
from tests.e2e.long_history import with_history
from tests.e2e.processes import Service, Simulator
from tests.e2e.runs import RUN_TIMEOUT_MS, add_provider, exported, opened, saved, signed_in, submit
from tests.e2e.tab_meter import TabMeter

pytestmark = pytest.mark.browser

THROUGHPUT = "Throughput, offered and achieved"
SLOW: dict[str, object] = {"offline": False, "latency": 300, "downloadThroughput": 25_000, "uploadThroughput": 25_000}
CUT: dict[str, object] = SLOW | {"offline": True}
FREE: dict[str, object] = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}

# For a busy machine; the goals are in `benches/bench_dashboard.py`.
MAX_PROCESS_SHARE = 0.30
MAX_HEAP_GROWTH_BYTES = 3_000_000
LONGEST_TASK_MS = 120


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("service") / "data", has_demo=False) as program:
        yield program


@pytest.fixture(scope="module")
def api(service: Service, simulator: Simulator) -> Iterator[httpx.Client]:
    with signed_in(service) as client:
        add_provider(client, simulator)
        yield client


def _is_running(page: Page) -> None:
    expect(page.locator(".run-status")).to_contain_text("running", timeout=RUN_TIMEOUT_MS)
    expect(page.locator(".progress-end")).to_contain_text("live")


def _is_over(page: Page, status: str = "completed") -> None:
    expect(page.locator(".run-status")).to_contain_text(status, timeout=RUN_TIMEOUT_MS)


def _seconds(page: Page, folder: Path) -> dict[float, dict[str, str]]:
    """What the chart of throughput shows, by second; every second must be there once."""
    rows = saved(page, folder, THROUGHPUT)
    seconds = [float(row["t_s"]) for row in rows]
    assert seconds == sorted(set(seconds))
    assert all(after - before == 1 for before, after in itertools.pairwise(seconds)), f"a hole in {seconds}"
    return dict(zip(seconds, rows, strict=True))


def _ended_ok(rows: dict[float, dict[str, str]]) -> float:
    return sum(float(row["requests_per_s"]) for row in rows.values())


def _shown_seconds(page: Page) -> int:
    """How far the run is by the page's own clock."""
    text = page.locator(".progress-times").inner_text()
    found = re.search(r"elapsed\s+(\d+):(\d\d)", text)
    assert found, text
    return int(found[1]) * 60 + int(found[2])


def _wait_for_second(page: Page, second: int) -> None:
    page.wait_for_function(
        "(wanted) => { const [m, s] = document.querySelector('.progress-times .number').textContent.split(':');"
        " return 60 * m + Number(s) >= wanted; }",
        arg=second,
        timeout=RUN_TIMEOUT_MS,
    )


def _network(session: CDPSession, conditions: dict[str, Any]) -> None:
    session.send("Network.emulateNetworkConditions", conditions)


@pytest.mark.timeout(180)
def test_a_page_opened_late_over_a_slow_and_a_cut_connection(
    browser: Browser, service: Service, api: httpx.Client, tmp_path: Path
) -> None:
    benchmark = submit(api, load={"kind": "constant", "rate": 20}, stop={"duration_seconds": 24})
    with visit(browser, service) as first:
        _is_running(opened(first, benchmark))
        _wait_for_second(first.page, 5)
    with visit(browser, service) as visitor:
        with visitor.page.expect_response("**/timeline"):
            page = opened(visitor, benchmark)
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        _is_running(page)
        # Opened late: the seconds before are there at once.
        expect(page.get_by_role("figure", name=THROUGHPUT)).to_be_visible()
        _wait_for_second(page, 7)
        seen = _seconds(page, tmp_path)
        assert min(seen) == 0
        assert _ended_ok(seen) > 0

        _network(network, SLOW)
        before = _shown_seconds(page)
        _wait_for_second(page, before + 3)
        expect(page.locator(".progress-end")).to_contain_text("live")

        visitor.watch.forgive_network()
        _network(network, CUT)
        expect(page.locator(".progress-end")).to_contain_text(re.compile(r"data is \d+ s old"), timeout=20_000)
        expect(_connection(page)).to_contain_text(re.compile("no data|connection lost"), timeout=20_000)
        expect(page.locator(".run-status")).to_contain_text("running")
        _network(network, FREE)
        expect(_connection(page)).to_have_text("live", timeout=30_000)
        _is_over(page)
        final = _agrees(page, api, benchmark, tmp_path)
        for second, row in seen.items():
            assert float(row["requests_per_s"]) == float(final[second]["requests_per_s"]), f"second {second} has moved"


def _agrees(
    page: Page, api: httpx.Client, benchmark: str, folder: Path, *, share: str | None = "100 %"
) -> dict[float, dict[str, str]]:
    """The page at the end of a run shows all of it, whatever it missed."""
    ok = [row for row in exported(api, benchmark) if row["status"] == "ok"]
    page.wait_for_function(
        "(total) => document.querySelector('.figure .number').textContent.replaceAll(',', '') === total",
        arg=str(len(exported(api, benchmark))),
    )
    if share is not None:
        expect(page.locator(".progress-strip")).to_contain_text(share)
    rows = _seconds(page, folder)
    assert min(rows) == 0
    assert _ended_ok(rows) == pytest.approx(len(ok))
    return rows


@pytest.mark.timeout(240)
def test_a_restart_of_the_service_during_a_live_view(
    browser: Browser, service: Service, api: httpx.Client, tmp_path: Path
) -> None:
    benchmark = submit(api, load={"kind": "constant", "rate": 10}, stop={"duration_seconds": 60})
    with visit(browser, service) as visitor:
        page = opened(visitor, benchmark)
        _is_running(page)
        _wait_for_second(page, 3)

        visitor.watch.forgive_network()
        service.stop()
        # What was seen stays, and says how old it is.
        expect(page.locator(".progress-end")).to_contain_text(re.compile(r"data is \d+ s old"), timeout=20_000)
        expect(_connection(page)).to_contain_text("connection lost")
        expect(page.locator(".chart canvas").first).to_be_visible()

        service.start_again()
        expect(_connection(page)).to_have_text("live", timeout=60_000)
        # A service that runs its benchmarks itself ends them when it is stopped, and keeps what was measured.
        _is_over(page, "failed")
        expect(page.get_by_role("alert")).to_contain_text("the server was stopped during the run", ignore_case=True)
        _agrees(page, api, benchmark, tmp_path, share=None)


def _connection(page: Page) -> Locator:
    return page.get_by_role("contentinfo").get_by_role("status")


@pytest.mark.timeout(180)
def test_a_tab_that_shows_two_hours_stays_cheap(browser: Browser, service: Service, api: httpx.Client) -> None:
    benchmark = submit(api, load={"kind": "constant", "rate": 10}, stop={"duration_seconds": 100})
    with visit(browser, service, size=(1280, 1600)) as visitor:
        with_history(visitor.page, 7_200)
        page = opened(visitor, benchmark)
        _is_running(page)
        meter = TabMeter(browser, page)
        page.wait_for_timeout(3_000)
        cost = meter.watch(10, trace=True)
        assert cost.process_share < MAX_PROCESS_SHARE
        assert cost.heap_growth_bytes < MAX_HEAP_GROWTH_BYTES
        assert cost.longest_task_ms is not None
        assert cost.longest_task_ms < LONGEST_TASK_MS
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Cancel the run").click()
        _is_over(page, "cancelled")


@pytest.mark.timeout(180)
def test_seconds_of_long_requests_settle_in_the_chart(
    browser: Browser, service: Service, simulator: Simulator, api: httpx.Client, tmp_path: Path
) -> None:
    """Answers of seven seconds: their tokens are put where they came, as soon as that is known."""
    add_provider(api, simulator, "engine", kind="vllm")  # which can be asked for an exact length
    benchmark = submit(
        api,
        targets=[{"provider": "engine", "model": "simulated"}],
        workload={"kind": "synthetic", "input_tokens": 20, "output_tokens": 350},
        load={"kind": "closed", "concurrency": 8},
        stop={"requests": 24},
    )
    with visit(browser, service) as visitor:
        page = opened(visitor, benchmark)
        _is_running(page)
        _wait_for_second(page, 5)
        early = saved(page, tmp_path, "Throughput")
        # On a busy machine the first requests may start late.
        assert {row["output_tokens_per_s"] for row in early[2:]} == {""}, "not known before the first has ended"
        assert {float(row["requests_per_s"]) for row in early} == {0}
        assert float(saved(page, tmp_path, "In flight and failures")[-1]["in_flight"]) == pytest.approx(8)
        _wait_for_second(page, 16)
        told = {float(row["t_s"]): row["output_tokens_per_s"] for row in saved(page, tmp_path, "Throughput")}
        known = {second: float(value) for second, value in told.items() if value}
        assert len(known) >= 6
        _is_over(page)
        final = {float(row["t_s"]): row["output_tokens_per_s"] for row in saved(page, tmp_path, "Throughput")}
        for second, tokens in known.items():
            assert tokens == pytest.approx(float(final[second])), f"second {second} has moved"
        assert max(known.values()) > 100, "eight streams of fifty tokens a second"


def test_a_visitor_who_looks_away(browser: Browser, service: Service, api: httpx.Client) -> None:
    """A tab in the background writes no numbers, and shows the newest when it is looked at again."""
    benchmark = submit(api, load={"kind": "constant", "rate": 10}, stop={"duration_seconds": 8})
    with visit(browser, service) as visitor:
        page = opened(visitor, benchmark)
        _is_running(page)
        _hide(visitor, hidden=True)
        shown = page.locator(".progress-times").inner_text()
        page.wait_for_timeout(1_000)
        assert page.locator(".progress-times").inner_text() == shown
        _hide(visitor, hidden=False)
        expect(page.locator(".progress-times")).not_to_have_text(shown)
        _is_over(page)


def _hide(visitor: Visitor, *, hidden: bool) -> None:
    visitor.page.evaluate(
        "(hidden) => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )
