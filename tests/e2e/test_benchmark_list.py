"""The list of benchmarks: keys, filters, views, live rows, bulk actions, the palette, themes and phone width."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from app.benchmarks.states import Status
from app.core.database import Database
from app.core.settings import StorageSettings
from tests.e2e.accessibility import assert_accessible
from tests.e2e.browsing import PHONE, Visitor, visit
from tests.e2e.processes import Service, Simulator
from tests.factories import make_session, make_spec

pytestmark = pytest.mark.browser

ROWS = 300


async def _stock(data: Path) -> None:
    database = Database(StorageSettings(database_url=f"sqlite+aiosqlite:///{data / 'llm-test-bench.db'}"))
    now = datetime.now(UTC)
    async with database.write() as session:
        for number in range(ROWS):
            failed = number % 10 == 9
            row = make_session(
                spec=make_spec(name=f"stored {number:03}"),
                status=(Status.FAILED if failed else Status.COMPLETED).value,
                tags=["nightly"] if number % 2 else [],
                created_at=now - timedelta(days=2, minutes=number),
            )
            row.requests, row.error_rate = (None, None) if failed else (100, 0.0)
            row.ttft_p50_ms = None if failed else 100.0 + number
            session.add(row)
    await database.close()


@pytest.fixture(scope="module")
def stocked(service: Service) -> Service:
    with ThreadPoolExecutor(1) as pool:  # Playwright's loop runs in this thread
        pool.submit(asyncio.run, _stock(service.data)).result()
    return service


@contextmanager
def _api(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url + "/api/v1") as client:
        login = client.post("/auth/login", json={"username": service.username, "password": service.password})
        client.headers["Authorization"] = f"Bearer {login.raise_for_status().json()['access_token']}"
        yield client


def _open(visitor: Visitor, path: str = "/?q=stored") -> None:
    visitor.enter(path)
    expect(visitor.page.locator(".list-row .cell-name a").first).to_be_visible()


def test_the_keyboard_alone_is_enough(browser: Browser, stocked: Service) -> None:
    with visit(browser, stocked) as visitor:
        page = visitor.page
        _open(visitor)
        expect(page.locator(".page-title")).to_contain_text(str(ROWS))
        assert page.locator(".list-row").count() < 60, "only rows in sight are in the page"
        assert_accessible(page)
        for key in "jjxjjX":
            page.keyboard.press(key)
        expect(page.get_by_role("link", name="stored 003")).to_be_focused()
        page.evaluate("addEventListener('copy', (event) => { copied = event.clipboardData.getData('text/plain') })")
        for key in ("ArrowUp", "ArrowRight", "ArrowRight", "ArrowRight", "Control+c"):
            page.keyboard.press(key)
        expect(page.locator(".cell-chosen")).to_have_attribute("data-column", "target")
        assert page.evaluate("copied") == page.locator(".cell-chosen").inner_text()
        page.keyboard.press("ArrowDown")
        expect(page.locator(".bulk")).to_contain_text("3 selected")
        page.keyboard.press("k")
        page.keyboard.press("Space")
        expect(page.locator(".bulk")).to_contain_text("2 selected")
        page.keyboard.press("Escape")
        expect(page.locator(".bulk")).to_have_count(0)

        page.keyboard.press("Control+k")
        field = page.get_by_role("combobox")
        expect(field).to_be_focused()
        page.keyboard.type("stored 017")
        expect(page.get_by_role("option", name="stored 017")).to_have_attribute("aria-selected", "true")
        assert_accessible(page)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="stored 017")).to_be_visible()
        page.keyboard.press("Control+k")
        page.keyboard.type("go ben")
        page.keyboard.press("Escape")
        expect(field).to_have_count(0)


def test_order_filters_and_views_live_in_the_address(browser: Browser, stocked: Service) -> None:
    with visit(browser, stocked, theme="dark") as visitor:
        page = visitor.page
        _open(visitor)
        wide, room = page.locator(".list-frame").evaluate("frame => [frame.scrollWidth, frame.clientWidth]")
        assert wide <= room, "at 1,280 px the columns that matter most fit"
        expect(page.get_by_role("columnheader", name="Owner")).to_have_count(0)
        page.get_by_role("button", name="Columns").click()
        page.get_by_label("Owner", exact=True).check()
        expect(page.get_by_role("columnheader", name="Owner")).to_have_count(1)
        page.get_by_role("button", name="As at first").click()
        expect(page.get_by_role("columnheader", name="Owner")).to_have_count(0)
        page.keyboard.press("Escape")
        first = page.locator(".list-row .cell-name a").first
        rows = page.locator(".list-row")
        page.locator(".list-frame").evaluate("frame => { frame.scrollTop = 34 * 150 }")
        expect(page.get_by_role("link", name="stored 150")).to_be_visible()
        # Once it is still, the elements are in the order of their rows, and as few as fill the frame with its margins.
        expect(rows.first).to_have_attribute("aria-rowindex", re.compile(r"^14\d$"))
        assert 20 <= rows.count() <= 50
        page.locator(".cell-target").last.hover()
        expect(page.get_by_role("button", name="Copy", exact=False)).to_be_visible()
        page.get_by_role("button", name="TTFT p50").click()
        expect(page).to_have_url(re.compile("sort=ttft_p50"))
        expect(first).to_have_text("stored 298")
        page.get_by_role("button", name=re.compile("^Filter")).click()
        page.get_by_label("failed", exact=True).check()
        page.get_by_label("Tags").fill("nightly")
        page.get_by_role("button", name="Apply").click()
        expect(page).to_have_url(re.compile("status=failed"))
        expect(page.locator(".page-title")).to_contain_text("30")
        expect(page.locator(".chip")).to_have_text(["failed", "tag nightly"])

        page.get_by_role("button", name="Views").click()
        page.get_by_label("Save what is shown as").fill("Broken nights")
        with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok):
            page.get_by_role("button", name="Save view").click()
        page.locator(".chip").first.click()
        expect(page).not_to_have_url(re.compile("status="))
        page.get_by_role("button", name="Views").click()
        assert_accessible(page)
        with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok):
            page.get_by_role("button", name="Open the list with Broken nights").click()
    with visit(browser, stocked) as visitor:
        _open(visitor, "/")
        expect(visitor.page).to_have_url(re.compile("status=failed"))
        expect(visitor.page.get_by_role("button", name="Broken nights")).to_be_visible()
    with _api(stocked) as api:  # others open the list too
        version = api.get("/me/preferences").json()["version"]
        tag = {"If-Match": f'"{version}"'}
        api.put("/me/preferences", json={"document": {}}, headers=tag).raise_for_status()


def test_what_is_new_is_announced_and_moves_nothing(browser: Browser, stocked: Service, simulator: Simulator) -> None:
    with visit(browser, stocked) as visitor, _api(stocked) as api:
        page = visitor.page
        _open(visitor)
        expect(page.locator(".connection")).to_contain_text("live")
        top = page.locator(".list-row .cell-name a").first
        expect(top).to_have_text("stored 000")
        provider = {"name": "listed", "kind": "openai-compatible", "base_url": simulator.base_url}
        api.post("/providers", json=provider).raise_for_status()
        spec = make_spec(name="stored anew", targets=[{"provider": "listed", "model": "m"}], stop={"requests": 2})
        api.post("/benchmarks", json=spec).raise_for_status()
        pill = page.get_by_role("button", name="1 new")
        expect(pill).to_be_visible()
        expect(top).to_have_text("stored 000")
        pill.click()
        expect(top).to_have_text("stored anew")
        expect(page.locator(".list-row .cell-status").first).to_contain_text("completed", timeout=60_000)


def test_many_are_tagged_exported_and_deleted(browser: Browser, stocked: Service) -> None:
    with visit(browser, stocked) as visitor:
        page = visitor.page
        _open(visitor, "/?q=stored&status=failed")
        page.get_by_label("Select stored 009").click()
        page.get_by_label("Select stored 029").click(modifiers=["Shift"])
        expect(page.locator(".bulk")).to_contain_text("3 selected")
        page.get_by_role("button", name="Tags…").click()
        page.get_by_label("Add", exact=True).fill("to go")
        page.get_by_role("button", name="Change tags").click()
        expect(page.locator(".list-row").first.locator(".tag", has_text="to go")).to_be_visible()

        page.get_by_role("button", name="Export").click()
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV", exact=True).click()
        lines = download.value.path().read_text().splitlines()
        assert [line.split(",")[1] for line in lines[1:]] == ["stored 009", "stored 019", "stored 029"]

        page.get_by_role("button", name="Delete…").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("stored 019")
        expect(dialog).to_contain_text("This cannot be undone")
        dialog.get_by_role("button", name="Delete 3 benchmarks").click()
        expect(dialog).to_have_count(0)
        expect(page.locator(".list-row .cell-name a").first).to_have_text("stored 039")
        expect(page.locator(".bulk")).to_have_count(0)


def test_cards_fit_a_phone(browser: Browser, stocked: Service) -> None:
    for theme in ("light", "dark"):
        with visit(browser, stocked, theme=theme, size=PHONE) as visitor:
            _open(visitor)
            visitor.assert_no_sideways_scroll()
            assert_accessible(visitor.page)
            visitor.page.mouse.wheel(0, 6_000)
            expect(visitor.page.get_by_role("link", name="stored 030")).to_be_visible()
            visitor.assert_no_sideways_scroll()
