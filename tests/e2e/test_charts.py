"""What charts and the request panel show, against an independent computation from the exported rows."""

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.accessibility import assert_accessible
from tests.e2e.browsing import PHONE, Visitor, visit
from tests.e2e.processes import Service, Simulator

pytestmark = pytest.mark.browser

REQUESTS = 90
RUN_TIMEOUT_MS = 90_000
SHOWN_TIMEOUT_MS = 20_000


@pytest.fixture(scope="module")
def api(service: Service, simulator: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url + "/api/v1", timeout=60, trust_env=False) as client:
        _prepare(client, service, simulator)
        yield client


def _prepare(client: httpx.Client, service: Service, simulator: Simulator) -> None:
    login = client.post("/auth/login", json={"username": service.username, "password": service.password})
    client.headers["Authorization"] = f"Bearer {login.raise_for_status().json()['access_token']}"
    provider = {"name": "sim", "kind": "openai-compatible", "base_url": simulator.base_url}
    client.post("/providers", json=provider).raise_for_status()


def _submit(api: httpx.Client, **fields: Any) -> str:
    spec = {
        "name": "charted",
        "targets": [{"provider": "sim", "model": "simulated"}],
        "workload": {
            "kind": "synthetic",
            "input_tokens": {"kind": "uniform", "minimum": 20, "maximum": 200},
            "output_tokens": 20,
        },
        "load": {"kind": "poisson", "rate": 10},
        "stop": {"requests": REQUESTS},
        "save_responses": True,
        # The simulator's first token comes after about 200 ms: some are late.
        "timeouts": {"first_token_seconds": 0.24},
    }
    return str(api.post("/benchmarks", json=spec | fields).raise_for_status().json()["id"])


@pytest.fixture(scope="module")
def finished(browser: Browser, service: Service, api: httpx.Client) -> str:
    """A benchmark that was watched, paused and left running to its end."""
    benchmark = _submit(api)
    with visit(browser, service) as visitor:
        page = visitor.page
        visitor.open(f"/benchmarks/{benchmark}")
        visitor.sign_in()
        expect(page.locator(".run-status")).to_contain_text("running", timeout=RUN_TIMEOUT_MS)
        slowest = page.get_by_role("list", name="Slowest requests").get_by_role("link").first
        expect(slowest).to_be_visible(timeout=RUN_TIMEOUT_MS)
        page.get_by_role("button", name="Pause the view").click()
        shown = page.locator(".progress-strip").inner_text()
        expect(page.get_by_role("button", name="Go on")).to_be_visible()
        assert page.locator(".progress-strip").inner_text().splitlines()[0] == shown.splitlines()[0]
        page.get_by_role("button", name="Go on").click()
        expect(page.locator(".run-status")).to_contain_text("completed", timeout=RUN_TIMEOUT_MS)
    return benchmark


def _exported(api: httpx.Client, benchmark: str) -> list[dict[str, Any]]:
    answer = api.get("/results/export", params={"session_id": benchmark, "format": "json"})
    return list(answer.raise_for_status().json())


def _saved(page: Page, folder: Path, chart: str) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.get_by_role("button", name=f"{chart} as CSV").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def _opened(visitor: Visitor, benchmark: str, path: str = "") -> Page:
    visitor.open(f"/benchmarks/{benchmark}{path}")
    visitor.sign_in()
    return visitor.page


@pytest.mark.timeout(240)
def test_charts_show_what_the_rows_say(
    browser: Browser, service: Service, api: httpx.Client, finished: str, tmp_path: Path
) -> None:
    rows = _exported(api, finished)
    ok = sorted(row["ttft_ms"] for row in rows if row["status"] == "ok")
    with visit(browser, service) as visitor:
        page = _opened(visitor, finished)
        expect(page.get_by_role("figure", name="Requests", exact=True)).to_be_visible(timeout=SHOWN_TIMEOUT_MS)

        cdf = [row for row in _saved(page, tmp_path, "Distribution of time to first token") if "run" in row["series"]]
        for row in cdf:
            expected = sum(value <= float(row["ms"]) * (1 + 1e-9) for value in ok) / len(ok)
            assert float(row["share of requests"]) == pytest.approx(expected)
        half = math.sqrt(math.log(2 / 0.05) / (2 * len(ok)))
        middle = cdf[len(cdf) // 2]
        assert float(middle["share of requests"]) - float(middle["low"]) == pytest.approx(half, rel=1e-6)

        spectrum = _saved(page, tmp_path, "Percentiles of time to first token")
        median = next(row for row in spectrum if "run" in row["series"] and float(row["percentile"]) == 50)
        assert float(median["ms"]) == pytest.approx(ok[math.ceil(len(ok) / 2) - 1], rel=2e-3)

        heat = _saved(page, tmp_path, "Time to first token, heatmap")
        assert sum(int(row["count"]) for row in heat) == len(ok)

        seconds = _saved(page, tmp_path, "Throughput, offered and achieved")
        assert sum(float(row["requests_per_s"]) for row in seconds) == pytest.approx(len(ok))
        assert sum(float(row["offered_per_s"]) for row in seconds) == pytest.approx(REQUESTS, abs=1)
        if len(ok) < len(rows):
            failures = _saved(page, tmp_path, "Failures by class")
            told = sum(float(value) for row in failures for name, value in row.items() if name != "t_s")
            assert told == pytest.approx(len(rows) - len(ok))

        scatter = {int(row["index"]): row for row in _saved(page, tmp_path, "Requests") if row["series"] == "ok"}
        assert len(scatter) == len(ok)
        for exported in rows:
            if exported["status"] == "ok":
                dot = scatter[exported["index"]]
                assert float(dot["input tokens"]) == exported["input_tokens"]
                assert float(dot["time to first token, ms"]) == pytest.approx(exported["ttft_ms"])

        with page.expect_download() as picture:
            page.get_by_role("button", name="Time to first token, heatmap as PNG").click()
        picture.value.save_as(tmp_path / "heat.png")
        assert (tmp_path / "heat.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.timeout(180)
def test_a_request_opens_beside_its_run(browser: Browser, service: Service, api: httpx.Client, finished: str) -> None:
    rows = {row["index"]: row for row in _exported(api, finished)}
    index = next(number for number, row in rows.items() if row["status"] == "ok" and number > 0)
    with visit(browser, service) as visitor:
        page = _opened(visitor, finished, f"/requests/{index}")
        panel = page.get_by_role("dialog", name=f"Request {index}", exact=True)
        expect(panel.locator(".waterfall-row")).not_to_have_count(0, timeout=SHOWN_TIMEOUT_MS)
        expect(panel.locator(".waterfall-tick")).to_have_count(rows[index]["chunks"])
        body = json.loads(panel.locator("pre").inner_text())
        # The simulator counts words, and its usage is what the row has.
        assert len(body["messages"][0]["content"].split()) == rows[index]["input_tokens"]
        for tab in ("response", "usage", "headers", "error", "raw"):
            page.get_by_role("tab", name=tab).click()
            expect(page.get_by_role("tabpanel")).not_to_be_empty()
        page.keyboard.press("j")
        expect(page).to_have_url(re.compile(rf"/requests/{index + 1}$"))
        expect(page.get_by_role("dialog", name=f"Request {index + 1}", exact=True)).to_be_visible()
        page.keyboard.press("k")
        expect(page).to_have_url(re.compile(rf"/requests/{index}$"))
        page.keyboard.press("Escape")
        expect(page).to_have_url(re.compile(rf"/benchmarks/{finished}$"))
        expect(panel).to_be_hidden()


@pytest.mark.timeout(120)
def test_zooming_one_chart_zooms_all_and_cuts_the_distribution(
    browser: Browser, service: Service, finished: str
) -> None:
    with visit(browser, service) as visitor:
        page = _opened(visitor, finished)
        canvas = page.locator("canvas.heatmap-canvas")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 60, steps=4)
        page.mouse.up()
        expect(page.get_by_text("The charts show part of the run.")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("^zoomed"))).to_have_count(2)
        page.get_by_role("button", name="Show all of it").click()
        expect(page.get_by_text("The charts show part of the run.")).to_be_hidden()
        key = page.get_by_role("figure", name="Chunk gap").get_by_role("button", name=re.compile("^p95"))
        key.click(modifiers=["Alt"])
        expect(page.get_by_role("figure", name="Chunk gap").locator('.chart-key[aria-pressed="false"]')).to_have_count(
            2
        )


@pytest.mark.timeout(120)
def test_the_finished_run_fits_a_phone(browser: Browser, service: Service, finished: str) -> None:
    with visit(browser, service, size=PHONE, theme="dark") as visitor:
        page = _opened(visitor, finished)
        expect(page.get_by_role("figure", name="Requests", exact=True)).to_be_visible(timeout=SHOWN_TIMEOUT_MS)
        visitor.assert_no_sideways_scroll()
        visitor.open(f"/benchmarks/{finished}/requests/0")
        expect(page.get_by_role("dialog", name="Request 0", exact=True)).to_be_visible(timeout=SHOWN_TIMEOUT_MS)
        assert_accessible(page)
        visitor.assert_no_sideways_scroll()
