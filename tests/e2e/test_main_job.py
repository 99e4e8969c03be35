"""The main job as a user does it: sign in, add a provider, start a benchmark, watch it live, read what it found."""

import re
import statistics
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.accessibility import assert_accessible
from tests.e2e.browsing import Visitor, visit
from tests.e2e.conftest import WRITES_SCREENSHOTS
from tests.e2e.processes import Service, Simulator

pytestmark = pytest.mark.browser

USERS, REQUESTS = (32, 1_000) if WRITES_SCREENSHOTS else (8, 48)
RUN_TIMEOUT_MS = 90_000


def start_benchmark(visitor: Visitor, provider: str, name: str, *, users: int, requests: int) -> str:
    """Fill in the form that is open and start; gives the benchmark's id."""
    page = visitor.page
    page.get_by_label("Provider", exact=True).select_option(provider)
    page.get_by_label("Model", exact=True).fill("simulated")
    page.get_by_role("radio", name="Synthetic").check()
    page.get_by_label("Input tokens").fill("64")
    page.get_by_label("Output tokens").fill("50")
    page.locator("input[name=concurrency]").fill(str(users))
    page.get_by_label("Requests", exact=True).fill(str(requests))
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Start benchmark").click()
    page.wait_for_url(re.compile(r"/benchmarks/[0-9a-f-]{36}$"))
    return page.url.rsplit("/", 1)[1]


def results_of(service: Service, benchmark: str) -> list[dict[str, Any]]:
    with httpx.Client(base_url=service.url + "/api/v1") as client:
        login = client.post("/auth/login", json={"username": service.username, "password": service.password})
        login.raise_for_status()
        headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            query: dict[str, str | int] = {"session_id": benchmark, "limit": 500}
            if cursor:
                query["cursor"] = cursor
            page = client.get("/results", params=query, headers=headers).raise_for_status().json()
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items


def watch_until_the_end(visitor: Visitor, pictures: Path, name: str) -> None:
    page = visitor.page
    # One benchmark runs at a time, and the first start of the service has its demo running.
    expect(page.locator(".run-status")).to_contain_text("running", timeout=RUN_TIMEOUT_MS)
    expect(page.get_by_role("progressbar")).to_have_attribute(
        "aria-valuenow", re.compile(r"[1-9]\d*"), timeout=RUN_TIMEOUT_MS
    )
    expect(page.locator(".progress-strip")).to_contain_text("live")
    assert visitor.number("in flight").isdigit()
    expect(page.locator(".chart canvas")).to_have_count(5)
    if WRITES_SCREENSHOTS:
        expect(page.get_by_role("progressbar")).to_have_attribute(
            "aria-valuenow", re.compile(r"[67]\d"), timeout=RUN_TIMEOUT_MS
        )
    visitor.picture(pictures, f"live-{name}")
    expect(page.locator(".run-status")).to_contain_text("completed", timeout=RUN_TIMEOUT_MS)
    expect(page.get_by_role("heading", name=re.compile("Latencies"))).to_be_visible()


def check_numbers(visitor: Visitor, results: list[dict[str, Any]]) -> None:
    """What is shown against an independent computation from the rows."""
    assert len(results) == REQUESTS
    ok = [result for result in results if result["status"] == "ok"]
    failed = len(results) - len(ok)
    assert visitor.number("requests") == f"{REQUESTS:,}"
    assert visitor.number("errors") == f"{100 * failed / REQUESTS:.2f} %"
    assert "ms" in visitor.page.get_by_role("heading", name=re.compile("Latencies")).inner_text()
    for metric, field in (("time to first token", "ttft_ms"), ("end to end", "e2e_ms")):
        values = sorted(result[field] for result in ok)
        # Three significant figures on the page, and a histogram of three digits behind it.
        assert visitor.percentile(metric, "min") == pytest.approx(values[0], rel=0.01)
        assert visitor.percentile(metric, "max") == pytest.approx(values[-1], rel=0.01)
        assert visitor.percentile(metric, "mean") == pytest.approx(statistics.fmean(values), rel=0.01)
        shown = visitor.percentile(metric, "p50")
        around = len(values) // 2
        assert values[around - 1] * 0.99 <= shown <= values[around] * 1.01


@pytest.mark.timeout(300)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_main_job(browser: Browser, service: Service, simulator: Simulator, pictures: Path, theme: str) -> None:
    name = f"first look, {theme}"
    provider = f"local-{theme}"
    with visit(browser, service, theme=theme) as visitor:
        page = visitor.page
        visitor.open("/")
        expect(page.get_by_role("heading", name="LLM Test Bench")).to_be_visible()
        assert_accessible(visitor.page)
        visitor.picture(pictures, f"signin-{theme}")
        visitor.sign_in()
        expect(page.get_by_role("heading", name="Benchmarks", exact=True)).to_be_visible()

        page.get_by_role("link", name="Providers").click()
        visitor.add_provider(provider, simulator.base_url)
        visitor.test_provider(provider)
        assert_accessible(visitor.page)
        visitor.picture(pictures, f"providers-{theme}")

        page.keyboard.press("n")
        page.get_by_label("Provider", exact=True).select_option(provider)
        expect(page.get_by_label("Model", exact=True)).to_have_value("simulated")
        visitor.picture(pictures, f"new-benchmark-{theme}")
        benchmark = start_benchmark(visitor, provider, name, users=USERS, requests=REQUESTS)

        watch_until_the_end(visitor, pictures, theme)
        check_numbers(visitor, results_of(service, benchmark))
        assert_accessible(visitor.page)
        visitor.picture(pictures, f"run-{theme}")

        page.get_by_role("navigation", name="Breadcrumb").get_by_role("link").click()
        row = page.get_by_role("row", name=re.compile(name))
        expect(row).to_contain_text("completed")
        expect(row).to_contain_text(f"{REQUESTS:,}")
        assert_accessible(visitor.page)


@pytest.mark.timeout(180)
def test_cancel_keeps_what_was_measured_and_delete_removes_it(
    browser: Browser, service: Service, simulator: Simulator
) -> None:
    provider = f"cancel-{uuid.uuid4().hex[:8]}"
    with visit(browser, service) as visitor:
        page = visitor.page
        visitor.open("/providers")
        visitor.sign_in()
        visitor.add_provider(provider, simulator.base_url)
        visitor.test_provider(provider)
        page.keyboard.press("n")
        start_benchmark(visitor, provider, "long one", users=4, requests=100_000)
        expect(page.locator(".run-status")).to_contain_text("running", timeout=RUN_TIMEOUT_MS)
        expect(page.locator(".figure", has_text="TTFT p50").locator(".number")).to_have_text(re.compile(r"\d"))

        page.get_by_role("button", name="Cancel").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("long one")
        expect(dialog).to_contain_text("What was measured is kept")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(page.locator(".run-status")).to_contain_text("running")

        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Cancel the run").click()
        expect(page.locator(".run-status")).to_contain_text("cancelled", timeout=RUN_TIMEOUT_MS)
        expect(page.get_by_role("heading", name=re.compile("Latencies"))).to_be_visible()

        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("dialog")).to_contain_text("long one")
        page.get_by_role("button", name="Delete it").click()
        expect(page.get_by_role("heading", name="Benchmarks", exact=True)).to_be_visible()
        expect(page.get_by_role("row", name=re.compile("long one"))).to_have_count(0)
