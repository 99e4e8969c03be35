"""Pages by themselves: sessions, keyboard, wrong input, missing permissions, phone width, themes."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browsing import visit
from tests.e2e.processes import Service, Simulator

pytestmark = pytest.mark.browser


def test_a_wrong_password_says_so_and_a_deep_link_survives_signing_in(browser: Browser, service: Service) -> None:
    with visit(browser, service) as visitor:
        page = visitor.page
        visitor.open("/providers")
        expect(page.get_by_label("Username")).to_be_focused()
        visitor.watch.allow(401)
        page.get_by_label("Username").fill(service.username)
        page.get_by_label("Password").fill("not it")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Not signed in")

        visitor.sign_in()
        expect(page.get_by_role("heading", name="Providers", exact=True)).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Providers", exact=True)).to_be_visible()

        page.get_by_title("Sign out").click()
        expect(page.get_by_label("Password")).to_be_visible()
        visitor.open("/providers")
        expect(page.get_by_label("Password")).to_be_visible()


def test_the_access_token_is_not_kept_where_scripts_of_a_later_page_could_read_it(
    browser: Browser, service: Service
) -> None:
    with visit(browser, service) as visitor:
        visitor.enter("/")
        stored = visitor.page.evaluate("JSON.stringify({...localStorage, ...sessionStorage}) + document.cookie")
        assert "eyJ" not in stored
        assert "ltb_access" not in stored


def test_the_keyboard_reaches_what_matters(browser: Browser, service: Service) -> None:
    with visit(browser, service) as visitor:
        page = visitor.enter("/")
        expect(page.get_by_label("Search benchmarks")).to_be_visible()

        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="New benchmark")).to_be_focused()

        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("New benchmark")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(page.get_by_role("link", name="New benchmark")).to_be_focused()

        page.keyboard.press("/")
        expect(page.get_by_label("Search benchmarks")).to_be_focused()
        page.keyboard.type("no such name n?")
        expect(page).to_have_url(re.compile(r"q=no\+such\+name\+n"))
        expect(page.get_by_role("heading", name="No benchmark matches")).to_be_visible()
        page.get_by_role("button", name="Clear the filters").click()
        expect(page).to_have_url(re.compile(r"/$"))

        page.get_by_role("heading", name="Benchmarks", exact=True).click()
        page.keyboard.press("n")
        expect(page.get_by_role("heading", name="New benchmark")).to_be_visible()


def test_wrong_input_is_shown_at_its_field(browser: Browser, service: Service, simulator: Simulator) -> None:
    with visit(browser, service) as visitor:
        page = visitor.enter("/providers")
        visitor.add_provider("local", simulator.base_url)
        page.keyboard.press("n")
        users = page.locator("input[name=concurrency]")
        users.fill("many")
        page.get_by_label("Model", exact=True).fill("m")
        page.get_by_role("button", name="Start benchmark").click()
        expect(page.locator(".field-wrong", has=users)).to_contain_text("must be a number")

        users.fill("30000")
        page.get_by_label("Provider", exact=True).select_option("local")
        page.get_by_label("Model", exact=True).fill("m")
        page.locator("summary", has_text="Sampling").click()
        page.get_by_label("Temperature").fill("9")
        visitor.watch.allow(422)
        page.get_by_role("button", name="Start benchmark").click()
        expect(page.locator(".field-wrong", has=users)).to_contain_text(re.compile("20,?000"))
        expect(page.locator(".field-wrong", has=page.locator("input[name=temperature]"))).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("Request")
        expect(users).to_be_focused()


def test_viewers_see_and_cannot_change(browser: Browser, service: Service) -> None:
    service.create_user("eve", "viewer", "correct horse battery")
    with visit(browser, service) as visitor:
        page = visitor.enter("/benchmarks/new", "eve", "correct horse battery")
        expect(page.get_by_role("heading", name="You may not start benchmarks")).to_be_visible()
        page.get_by_role("link", name="Providers").click()
        expect(page.get_by_role("heading", name="Providers", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Add provider")).to_have_count(0)
        page.get_by_role("link", name="Benchmarks").click()
        expect(page.get_by_label("Search benchmarks")).to_be_visible()
        expect(page.get_by_role("link", name="New benchmark")).to_have_count(0)


def test_what_does_not_exist_says_so(browser: Browser, service: Service) -> None:
    with visit(browser, service) as visitor:
        visitor.enter("/nowhere")
        expect(visitor.page.get_by_role("heading", name="There is no such page")).to_be_visible()
        visitor.watch.allow(404)
        visitor.open("/benchmarks/00000000-0000-0000-0000-000000000000")
        expect(visitor.page.get_by_role("heading", name="There is no such benchmark")).to_be_visible()


def test_the_theme_is_the_systems_until_it_is_switched_and_then_remembered(browser: Browser, service: Service) -> None:
    background = "getComputedStyle(document.documentElement).backgroundColor"
    with visit(browser, service, theme="dark") as visitor:
        page = visitor.page
        visitor.open("/")
        assert page.evaluate(background) == "rgb(17, 19, 21)"
        visitor.sign_in()
        page.get_by_role("button", name="Theme: as the system").click()
        assert page.evaluate(background) == "rgb(251, 251, 250)"
        page.reload()
        expect(page.get_by_role("button", name="Theme: light")).to_be_visible()
        assert page.evaluate(background) == "rgb(251, 251, 250)"
