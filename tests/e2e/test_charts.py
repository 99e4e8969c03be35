"""What charts and the request panel show, against an independent computation from the exported rows."""

import json
import math
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import recomputed
from tests.e2e.accessibility import assert_accessible
from tests.e2e.browsing import PHONE, visit
from tests.e2e.processes import Service, Simulator
from tests.e2e.runs import RUN_TIMEOUT_MS, SHOWN_TIMEOUT_MS, add_provider, exported, opened, saved, signed_in, submit

pytestmark = pytest.mark.browser

REQUESTS = 90
KEY = "not-a-secret-but-stored-as-one"
PROVIDER = "charted-simulator"


@pytest.fixture(scope="module")
def api(service: Service, simulator: Simulator) -> Iterator[httpx.Client]:
    with signed_in(service) as client:
        add_provider(client, simulator, PROVIDER, api_key=KEY)
        yield client


def _submit(api: httpx.Client) -> str:
    lengths = {"kind": "uniform", "minimum": 20, "maximum": 200}
    return submit(
        api,
        PROVIDER,
        name="charted",
        workload={"kind": "synthetic", "input_tokens": lengths, "output_tokens": 20},
        load={"kind": "poisson", "rate": 10},
        stop={"requests": REQUESTS},
        save_responses=True,
        # The simulator's first token comes after about 200 ms: some are late.
        timeouts={"first_token_seconds": 0.24},
    )


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


@pytest.mark.timeout(240)
def test_charts_show_what_the_rows_say(
    browser: Browser, service: Service, api: httpx.Client, finished: str, tmp_path: Path
) -> None:
    rows = exported(api, finished)
    ok = sorted(row["ttft_ms"] for row in rows if row["status"] == "ok")
    with visit(browser, service) as visitor:
        page = opened(visitor, finished)
        expect(page.get_by_role("figure", name="Requests", exact=True)).to_be_visible(timeout=SHOWN_TIMEOUT_MS)

        cdf = [row for row in saved(page, tmp_path, "Distribution of time to first token") if "run" in row["series"]]
        for row in cdf:
            expected = sum(value <= float(row["ms"]) * (1 + 1e-9) for value in ok) / len(ok)
            assert float(row["share of requests"]) == pytest.approx(expected)
        half = math.sqrt(math.log(2 / 0.05) / (2 * len(ok)))
        middle = cdf[len(cdf) // 2]
        assert float(middle["share of requests"]) - float(middle["low"]) == pytest.approx(half, rel=1e-6)

        spectrum = saved(page, tmp_path, "Percentiles of time to first token")
        median = next(row for row in spectrum if "run" in row["series"] and float(row["percentile"]) == 50)
        assert float(median["ms"]) == pytest.approx(ok[math.ceil(len(ok) / 2) - 1], rel=2e-3)

        heat = saved(page, tmp_path, "Time to first token, heatmap")
        assert sum(int(row["count"]) for row in heat) == len(ok)

        seconds = saved(page, tmp_path, "Throughput, offered and achieved")
        assert sum(float(row["requests_per_s"]) for row in seconds) == pytest.approx(len(ok))
        assert sum(float(row["offered_per_s"]) for row in seconds) == pytest.approx(REQUESTS, abs=1)
        if len(ok) < len(rows):
            failures = saved(page, tmp_path, "Failures by class")
            told = sum(float(value) for row in failures for name, value in row.items() if name != "t_s")
            assert told == pytest.approx(len(rows) - len(ok))

        dots = {int(each["index"]): each for each in saved(page, tmp_path, "Requests") if each["series"] == "ok"}
        assert len(dots) == len(ok)
        for request in rows:
            if request["status"] == "ok":
                dot = dots[request["index"]]
                assert float(dot["input tokens"]) == request["input_tokens"]
                assert float(dot["time to first token, ms"]) == pytest.approx(request["ttft_ms"])

        with page.expect_download() as picture:
            page.get_by_role("button", name="Time to first token, heatmap as PNG").click()
        picture.value.save_as(tmp_path / "heat.png")
        assert (tmp_path / "heat.png").read_bytes().startswith(b"\x89PNG")


def _latency_table(page: Page) -> dict[str, dict[str, str]]:
    """The cells of the whole run by metric and column, without intervals; empty where a percentile was refused."""
    table = page.get_by_role("table").filter(has=page.get_by_role("columnheader", name="p99.9"))
    heads = [head.strip() for head in table.first.locator("thead th").all_inner_texts()]
    found = {}
    for row in table.first.locator("tbody tr:not(.is-steady)").all():
        metric = row.locator("th code").inner_text()
        cells = row.locator("td.number")
        names = heads[-cells.count() :]
        values = [cell.locator(".cell-value").all_inner_texts() or [cell.inner_text()] for cell in cells.all()]
        found[metric] = {
            name: "" if "needs" in value[0] else value[0] for name, value in zip(names, values, strict=True)
        }
    return found


@pytest.mark.timeout(240)
def test_tables_say_what_the_rows_say(
    browser: Browser, service: Service, api: httpx.Client, finished: str, tmp_path: Path
) -> None:
    rows = exported(api, finished)
    with visit(browser, service) as visitor:
        page = opened(visitor, finished)
        expect(page.get_by_role("heading", name="Latencies, ms")).to_be_visible(timeout=SHOWN_TIMEOUT_MS)
        shown = _latency_table(page)
        assert {"ttft", "ttfb", "tpot", "e2e", "stream_end", "schedule_delay"} <= shown.keys()
        for metric, cells in shown.items():
            if metric == "icl":  # chunk by chunk: not in the rows
                continue
            # In an open loop latencies count from the intended start unless one asks otherwise.
            name = next(each for each in (f"{metric}_from_intended_ms", f"{metric}_ms") if each in rows[0])
            for column, expected in recomputed.latencies(rows, name).items():
                told = cells[column]
                if expected is None:
                    assert told == "", (metric, column)
                else:
                    value = float(told.replace(",", "").replace("\u2212", "-"))
                    assert value == pytest.approx(expected, rel=0.008, abs=0.006), (metric, column)
        figures = {row["Figure"]: row["Whole run"] for row in saved(page, tmp_path, "Totals")}
        for name, total in recomputed.totals(rows).items():
            assert float(figures[name].split()[0].replace(",", "")) == pytest.approx(total, rel=0.01), name
        failed = recomputed.failures(rows)
        if failed:
            classes = {row["Class"]: row for row in saved(page, tmp_path, "Errors by class")}
            assert {name: int(row["Requests"]) for name, row in classes.items()} == failed
        assert visitor.number("requests") == str(len(rows))
        share = float(visitor.number("errors").removesuffix("%"))
        assert share == pytest.approx(100 * sum(failed.values()) / len(rows), rel=0.005)  # three figures are shown

        slowest = sorted((row for row in rows if row["status"] == "ok"), key=lambda row: -row["e2e_ms"])[:8]
        links = page.get_by_role("list", name="Slowest requests").locator(".extreme-index")
        assert [int(text.strip("# ").replace(",", "")) for text in links.all_inner_texts()] == [
            row["index"] for row in slowest
        ]

        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        cell = page.locator("table.metrics td.number .cell-value").first
        cell.hover()
        page.locator(".copy-cell").click()
        expect(page.locator(".copy-cell [role=status]")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == cell.inner_text().strip()


@pytest.mark.timeout(180)
def test_a_request_can_be_copied_and_sent_again(
    browser: Browser, service: Service, api: httpx.Client, finished: str
) -> None:
    ok = next(row for row in exported(api, finished) if row["status"] == "ok")
    assert ok["response_headers"]["content-type"].startswith("text/event-stream")
    with visit(browser, service) as visitor:
        visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = opened(visitor, finished, f"/requests/{ok['index']}")

        def copied(button: str) -> str:
            page.get_by_role("tabpanel").get_by_role("button", name=button).first.click()
            expect(page.get_by_role("tabpanel").get_by_role("status").filter(has_text="copied").first).to_be_visible()
            return str(page.evaluate("navigator.clipboard.readText()"))

        command = copied("Copy as curl")
        assert KEY not in command
        assert '-H "Authorization: Bearer $API_KEY"' in command
        if shutil.which("curl"):
            environment = {**os.environ, "API_KEY": KEY, "no_proxy": "127.0.0.1"}
            answer = subprocess.run(
                ["sh", "-c", command], env=environment, capture_output=True, text=True, check=True, timeout=30
            ).stdout
            assert answer.count("chat.completion.chunk") >= ok["chunks"]
            assert "[DONE]" in answer
        page.get_by_role("tab", name="response").click()
        assert len(copied("Copy").split()) == ok["output_tokens"]
        page.get_by_role("tab", name="headers").click()
        expect(page.get_by_label("Response headers")).to_contain_text("text/event-stream")
        assert "content-type: text/event-stream" in copied("Copy headers")


@pytest.mark.timeout(180)
def test_a_request_opens_beside_its_run(browser: Browser, service: Service, api: httpx.Client, finished: str) -> None:
    rows = {row["index"]: row for row in exported(api, finished)}
    index = next(number for number, row in rows.items() if row["status"] == "ok" and number > 0)
    with visit(browser, service) as visitor:
        page = opened(visitor, finished, f"/requests/{index}")
        panel = page.get_by_role("dialog", name=f"Request {index}", exact=True)
        expect(panel.locator(".waterfall-row")).not_to_have_count(0, timeout=SHOWN_TIMEOUT_MS)
        expect(panel.locator(".waterfall-tick")).to_have_count(rows[index]["chunks"])
        body = json.loads(panel.locator("pre").first.inner_text())
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
        page = opened(visitor, finished)
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
        # By keys: from value to value, in all charts at once.
        times = [page.get_by_role("figure", name=name).locator(".chart-time") for name in ("Chunk gap", "Throughput")]
        page.get_by_role("img", name=re.compile("^Time to first token over time")).focus()
        for pressed, told in (("Home", "0:00"), ("ArrowRight", "0:01"), ("ArrowRight", "0:02"), ("Escape", "latest")):
            page.keyboard.press(pressed)
            for time in times:
                expect(time.first).to_have_text(told)
        key = page.get_by_role("figure", name="Chunk gap").get_by_role("button", name=re.compile("^p95"))
        key.click(modifiers=["Alt"])
        expect(page.get_by_role("figure", name="Chunk gap").locator('.chart-key[aria-pressed="false"]')).to_have_count(
            2
        )


@pytest.mark.timeout(120)
def test_the_finished_run_fits_a_phone(browser: Browser, service: Service, finished: str) -> None:
    with visit(browser, service, size=PHONE, theme="dark") as visitor:
        page = opened(visitor, finished)
        expect(page.get_by_role("figure", name="Requests", exact=True)).to_be_visible(timeout=SHOWN_TIMEOUT_MS)
        visitor.assert_no_sideways_scroll()
        visitor.open(f"/benchmarks/{finished}/requests/0")
        expect(page.get_by_role("dialog", name="Request 0", exact=True)).to_be_visible(timeout=SHOWN_TIMEOUT_MS)
        assert_accessible(page)
        visitor.assert_no_sideways_scroll()


@pytest.mark.timeout(120)
def test_a_sweep_is_shown_as_curves_with_its_frontier(
    browser: Browser, service: Service, api: httpx.Client, tmp_path: Path
) -> None:
    benchmark = submit(
        api,
        PROVIDER,
        name="swept",
        load={"kind": "closed", "concurrency": 1},
        stop={"requests": 8},
        explore={"kind": "sweep", "parameter": "concurrency", "values": [1, 2, 4]},
    )
    with visit(browser, service) as visitor:
        page = opened(visitor, benchmark)
        expect(page.locator(".run-status")).to_contain_text("completed", timeout=RUN_TIMEOUT_MS)
        figure = "Throughput against speed per user"
        expect(page.get_by_role("figure", name=figure)).to_be_visible()
        points = api.get(f"/benchmarks/{benchmark}").json()["summary"]["points"]
        expected = {
            (one["rates"]["user_output_tokens_per_s"]["p50"], one["rates"]["output_tokens_per_s"]) for one in points
        }
        rows = saved(page, tmp_path, figure)
        found = {
            name: {
                (float(row["tok/s for one user, median"]), float(row["tok/s in all"]))
                for row in rows
                if row["series"] == name
            }
            for name in {row["series"] for row in rows}
        }
        best = {
            one
            for one in expected
            if not any(other != one and other[0] >= one[0] and other[1] >= one[1] for other in expected)
        }
        assert found == {f"{PROVIDER} / simulated": expected, "frontier": best}
        by_level = saved(page, tmp_path, "Throughput by level")
        assert [float(row["users"]) for row in by_level] == [1, 2, 4]
        assert_accessible(page)


@pytest.mark.timeout(180)
def test_what_is_printed_is_the_run_and_nothing_else(browser: Browser, service: Service, finished: str) -> None:
    with visit(browser, service, theme="dark") as visitor:
        page = opened(visitor, finished)
        expect(page.get_by_role("figure", name="Requests", exact=True)).to_be_visible(timeout=SHOWN_TIMEOUT_MS)
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        for hidden in (page.get_by_role("navigation", name="Main"), page.get_by_role("button", name="Delete")):
            expect(hidden).to_be_hidden()
        assert (
            page.evaluate("getComputedStyle(document.querySelector('.panel')).backgroundColor") == "rgb(255, 255, 255)"
        )
        # A chart's ink on paper is dark: muted labels of the light theme are darker than its middle grey.
        darkest = page.evaluate(
            """() => { const canvas = document.querySelector('canvas.heatmap-canvas');
            const { data } = canvas.getContext('2d').getImageData(0, 0, 60, canvas.height);
            let least = 255; for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 250) least =
            Math.min(least, data[at]); return least; }"""
        )
        assert darkest < 128
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
