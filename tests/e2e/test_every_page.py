"""Every page: in both themes, at both widths, and while the service is slow, broken, or refuses."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.accessibility import assert_accessible
from tests.e2e.browsing import PHONE, WIDE, Visitor, visit
from tests.e2e.processes import Service, Simulator

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=document.title='broken'> \u202eنص " + "ß" * 60 + "w" * 90
PAGES = (
    ("/", "Benchmarks"),
    ("/benchmarks/new", "New benchmark"),
    ("/compare", "Compare"),
    ("/providers", "Providers"),
    ("/providers/every-page", "every-page"),
    ("/cluster", "Cluster"),
    ("/alerts", "Alerts"),
    ("/account", "My account"),
    ("/users", "Users"),
    ("/users/admin", "admin"),
    ("/roles", "Roles"),
    ("/audit", "Audit"),
    ("/settings?all=1", "Settings"),
)
"""Paths and their headings; a run has tests of its own."""


@pytest.fixture(scope="module")
def filled(service: Service, simulator: Simulator) -> Iterator[str]:
    """A provider and a run with names that break what can be broken; the id of the run."""
    with httpx.Client(base_url=f"{service.url}/api/v1", timeout=30) as client:
        login = client.post("/auth/login", json={"username": service.username, "password": service.password})
        client.headers["Authorization"] = f"Bearer {login.raise_for_status().json()['access_token']}"
        provider = {"name": "every-page", "kind": "openai-compatible", "base_url": simulator.base_url}
        client.post("/providers", json=provider | {"default_model": HOSTILE[:200]}).raise_for_status()
        client.post("/providers/every-page/health").raise_for_status()
        spec = {
            "name": HOSTILE[:200],
            "tags": [HOSTILE[:20], "x" * 64],
            "targets": [{"provider": "every-page", "model": HOSTILE[:200]}],
            "workload": {"kind": "prompt", "prompt": HOSTILE},
            "load": {"kind": "closed", "concurrency": 1},
            "stop": {"requests": 2},
        }
        yield str(client.post("/benchmarks", json=spec).raise_for_status().json()["id"])


def is_there(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", name=heading, exact=True, level=1)).to_be_visible()
    expect(page.locator(".state .spinner, .list-skeleton")).to_have_count(0)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("theme", "size"), [("light", WIDE), ("dark", PHONE)])
def test_is_accessible_fits_and_reloads(
    browser: Browser, service: Service, filled: str, theme: str, size: tuple[int, int]
) -> None:
    with visit(browser, service, theme=theme, size=size) as visitor:
        page = visitor.enter(PAGES[0][0])
        for path, heading in PAGES:
            visitor.open(path)  # each as one who was sent its address
            is_there(page, heading)
            assert_accessible(page)
            visitor.assert_no_sideways_scroll()
            assert page.title() == f"{TITLES.get(path, heading)} · LLM Test Bench"
        visitor.open("/nowhere")
        expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
        assert_accessible(page)


TITLES = {"/providers/every-page": "Provider", "/users/admin": "User"}


def test_back_and_forward_find_the_page_as_it_was(browser: Browser, service: Service, filled: str) -> None:
    with visit(browser, service) as visitor:
        page = visitor.enter("/")
        page.get_by_role("button", name="TTFT p50").click()
        expect(page).to_have_url(re.compile(r"\?sort=ttft_p50$"))
        page.get_by_role("link", name="Providers").click()
        page.get_by_role("link", name="every-page").click()
        page.get_by_label("Search models").fill("no such")
        expect(page.get_by_text("No model matches.")).to_be_visible()
        page.get_by_role("link", name="Alerts").click()
        is_there(page, "Alerts")
        page.go_back()
        expect(page.get_by_label("Search models")).to_have_value("no such")
        page.go_back()
        page.go_back()
        expect(page).to_have_url(re.compile(r"\?sort=ttft_p50$"))
        expect(page.get_by_role("columnheader", name="TTFT p50")).to_have_attribute("aria-sort", "descending")
        page.go_forward()
        is_there(page, "Providers")


# What each page asks for first, and what it calls it.
FIRST_ASKED = {
    "/": ("benchmarks?", "the benchmarks"),
    "/benchmarks/new": ("benchmarks/presets", "the form"),
    "/compare": ("benchmarks?", "the benchmarks"),
    "/providers": ("providers?", "the providers"),
    "/providers/every-page": ("providers/every-page", "provider"),
    "/cluster": ("cluster", "the cluster"),
    "/alerts": ("alerts", "the alerts"),
    "/users": ("users?", "the users"),
    "/roles": ("roles", "the roles"),
    "/audit": ("audit?", "the trail"),
    "/settings": ("settings", "the settings"),
}


def hold_and_break(visitor: Visitor, path: str, asked: str, what: str) -> None:
    page = visitor.page
    held: list[Route] = []
    pattern = re.compile(rf"/api/v1/{re.escape(asked)}")
    page.route(pattern, held.append)
    visitor.open(path)
    expect(page.get_by_role("status").filter(has_text="Loading").first).to_be_visible()
    page.unroute(pattern)

    def refuse(route: Route) -> None:
        body = {"error": {"code": "INTERNAL_ERROR", "message": "it broke", "details": {}, "retryable": False}}
        route.fulfill(status=500, json=body | {"request_id": "req-7", "timestamp": "2026-11-21T12:00:00Z"})

    page.route(pattern, refuse)
    visitor.watch.forgive("status of 500 ")
    for route in held:
        refuse(route)
    alert = page.get_by_role("alert").first
    expect(alert).to_contain_text("It broke.")
    expect(alert).to_contain_text("req-7")
    expect(page.locator(".state .spinner")).to_have_count(0)
    page.unroute(pattern)
    page.get_by_role("button", name="Try again").first.click()
    expect(page.get_by_text("It broke.")).to_have_count(0)


@pytest.mark.timeout(180)
def test_says_that_it_waits_what_went_wrong_and_tries_again(browser: Browser, service: Service, filled: str) -> None:
    with visit(browser, service) as visitor:
        visitor.enter("/account")
        for path, (asked, what) in FIRST_ASKED.items():
            hold_and_break(visitor, path, asked, what)


def test_names_are_names(browser: Browser, service: Service, filled: str) -> None:
    with visit(browser, service, size=PHONE) as visitor:
        page = visitor.enter("/")
        expect(page.get_by_role("link", name=re.compile("onerror")).first).to_be_visible()
        for path in ("/", f"/compare?ids={filled}", "/providers/every-page", f"/benchmarks/new?from={filled}"):
            visitor.open(path)
            expect(page.get_by_text("onerror").first).to_be_attached()
            visitor.assert_no_sideways_scroll()
            assert page.locator("img[src=x]").count() == 0
            assert page.title() != "broken"


def test_nobody_sees_a_page_without_its_permission(browser: Browser, service: Service, filled: str) -> None:
    service.create_user("page-auditor", "auditor", "correct horse battery")
    service.create_user("page-viewer", "viewer", "correct horse battery")
    with visit(browser, service) as visitor:
        page = visitor.enter("/", "page-viewer", "correct horse battery")
        expect(page.get_by_role("heading", name="No benchmarks yet")).to_be_visible()
        for path in ("/compare", "/providers/every-page", "/cluster", "/alerts"):
            visitor.open(path)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    with visit(browser, service, theme="dark") as visitor:
        page = visitor.enter("/", "page-auditor", "correct horse battery")
        for path in ("/", "/compare", "/providers", "/providers/every-page", "/cluster", "/alerts"):
            visitor.open(path)
            expect(page.get_by_role("heading", name="You may not see")).to_be_visible()
            assert_accessible(page)
