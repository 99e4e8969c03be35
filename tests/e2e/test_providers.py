"""Providers in the browser: what is refused stands at its field, keys go nowhere unasked, models and tests tell all."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browsing import visit
from tests.e2e.processes import Service, Simulator

pytestmark = pytest.mark.browser


def test_a_provider_from_form_to_models(browser: Browser, service: Service, simulator: Simulator) -> None:
    with visit(browser, service) as visitor:
        page = visitor.enter("/providers")
        page.get_by_role("button", name="Add provider").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Kind").select_option("anthropic")
        expect(dialog.get_by_label("Address")).to_have_attribute("placeholder", "https://api.anthropic.com")
        expect(dialog.locator(".kind-facts")).to_contain_text("list prices are known")
        dialog.get_by_label("Kind").select_option("openai-compatible")
        expect(dialog.locator(".kind-facts")).to_contain_text("none are known")

        dialog.get_by_label("Name", exact=True).fill("keyed")
        address = dialog.get_by_label("Address")
        address.fill("http://10.0.0.1/v1")
        visitor.watch.allow(422)
        dialog.get_by_role("button", name="Add provider").click()
        expect(dialog.locator(".field-wrong", has=page.locator("input[name=base-url]"))).to_contain_text(
            "not a public address"
        )
        expect(dialog.get_by_role("alert")).to_contain_text("One field is wrong")

        address.fill(simulator.base_url)
        dialog.get_by_role("radio", name="A reference", exact=True).check()
        reference = dialog.get_by_label("Reference", exact=True)
        reference.fill("env:NOT_LISTED")
        visitor.watch.allow(422)
        dialog.get_by_role("button", name="Add provider").click()
        expect(dialog.locator(".field-wrong", has=page.locator("input[name=api-key-ref]"))).to_contain_text(
            "NOT_LISTED"
        )

        dialog.get_by_role("radio", name="A key", exact=True).check()
        dialog.get_by_label("Key", exact=True).fill("sk-test-0123456789")
        dialog.get_by_role("button", name="Add provider").click()
        expect(dialog).to_be_hidden()

        visitor.test_provider("keyed")
        row = page.get_by_role("row", name=re.compile("^keyed "))
        expect(row.locator(".health")).to_contain_text("key not checked")
        expect(row.locator(".health")).to_contain_text(" ms")

        row.get_by_role("button", name="Edit").click()
        address.fill("http://127.0.0.1:1/v1")
        expect(dialog.locator(".key-fields")).to_contain_text("give the key or its reference again")
        dialog.get_by_role("button", name="Save").click()
        expect(dialog.locator(".key-fields")).to_contain_text("give the key or its reference again")
        dialog.get_by_role("radio", name="Forget it", exact=True).check()
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_be_hidden()
        expect(row).to_contain_text("http://127.0.0.1:1/v1")
        expect(row).to_contain_text("none")

        row.get_by_role("button", name="Edit").click()
        address.fill(simulator.base_url)
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_be_hidden()
        row.get_by_role("button", name="Models").click()
        expect(dialog.locator("tbody tr").first).to_contain_text("listed")
        dialog.get_by_role("button", name="Ask the provider again").click()
        dialog.get_by_label("Find").fill("no such model")
        expect(dialog).to_contain_text("No model matches")


def test_viewers_look_at_providers_only(browser: Browser, service: Service) -> None:
    service.create_user("paul", "viewer", "correct horse battery")
    with visit(browser, service) as visitor:
        page = visitor.enter("/providers", "paul", "correct horse battery")
        expect(page.get_by_text("An administrator adds")).to_be_visible()
        for name in ("Add provider", "Edit", "Delete", "Test"):
            expect(page.get_by_role("button", name=name)).to_have_count(0)
