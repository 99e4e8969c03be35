"""A new benchmark before it is started: presets, live problems, cost, other forms of it, old runs; by keyboard too."""

import json
import re
import subprocess
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.accessibility import assert_accessible
from tests.e2e.browsing import PHONE, Visitor, visit
from tests.e2e.processes import Service
from tests.e2e.test_new_benchmark import PROVIDER, choose, provider

__all__ = ["provider"]  # a fixture
pytestmark = pytest.mark.browser


def at(visitor: Visitor, path: str) -> Page:
    visitor.enter(path)
    visitor.page.on("dialog", lambda dialog: dialog.accept())  # the warning before changes are lost
    return visitor.page


def estimate(page: Page, label: str) -> Any:
    return page.locator(".estimate dl > div", has=page.locator("dt", has_text=re.compile(f"^{label}$"))).locator("dd")


def test_keys_alone_go_from_the_form_to_a_running_benchmark_and_to_its_duplicate(
    browser: Browser, service: Service, provider: str
) -> None:
    with visit(browser, service, theme="dark") as visitor:
        page = at(visitor, "/new?preset=quick-check")
        keys = page.keyboard
        page.get_by_label("Provider", exact=True).focus()
        keys.type(PROVIDER)
        expect(page.get_by_label("Model", exact=True)).to_have_value("simulated")
        assert_accessible(page)
        page.locator("input[name=requests]").focus()
        keys.press("Control+a")
        keys.type("4")
        for _ in range(200):
            if page.evaluate("document.activeElement.textContent").startswith("Start benchmark"):
                break
            keys.press("Tab")
        keys.press("Enter")
        page.wait_for_url(re.compile(r"/benchmarks/[0-9a-f-]{36}$"))
        expect(page.get_by_text("Completed").first).to_be_visible(timeout=30_000)
        first = page.url.rsplit("/", 1)[1]

        keys.press("d")
        page.wait_for_url(f"**/benchmarks/new?from={first}")
        expect(page.get_by_label("Requests", exact=True)).to_have_value("4")
        expect(page.locator(".based-on")).to_contain_text("Based on Quick check")
        expect(page.get_by_role("list").get_by_text("Also in this spec")).to_have_count(0)


def test_what_is_wrong_is_said_when_a_field_is_left_and_leads_back_to_it(
    browser: Browser, service: Service, provider: str
) -> None:
    with visit(browser, service) as visitor:
        page = at(visitor, "/benchmarks/new")
        page.get_by_label("Provider", exact=True).select_option(PROVIDER)
        expect(estimate(page, "Requests")).to_have_text("100")
        wrong = page.locator(".field-wrong")
        page.locator("summary", has_text="Sampling").click()
        field = page.get_by_label("Temperature")
        with page.expect_response("**/benchmarks/validate"):
            field.press_sequentially("9")
        expect(page.locator(".panel", has=page.locator(".estimate"))).to_contain_text("not complete yet")
        expect(wrong).to_have_count(0)  # still being typed for the first time
        field.blur()
        expect(wrong).to_contain_text("less than or equal to 2")
        expect(page.locator("summary", has_text="Sampling")).to_contain_text("1 problem")
        page.locator(".problem-list").get_by_role("button", name="Temperature").click()
        expect(field).to_be_focused()
        field.fill("1")
        expect(wrong).to_have_count(0)
        expect(page.locator(".problem-list")).to_have_count(0)
        expect(estimate(page, "Cost")).to_have_text("unknown")
        expect(page.locator(".estimate")).to_contain_text("nothing caps the length of answers".capitalize())


def test_a_preset_is_changed_reset_kept_over_a_reload_and_left_for_a_pasted_spec(
    browser: Browser, service: Service, provider: str
) -> None:
    with visit(browser, service, size=PHONE) as visitor:
        page = at(visitor, "/benchmarks/new")
        page.get_by_label("Provider", exact=True).select_option(PROVIDER)
        page.get_by_role("button", name=re.compile("^Latency under load")).click()
        assert page.url.endswith("?preset=latency-under-load")
        expect(estimate(page, "Duration")).to_have_text("10:00 min")
        rate = page.locator("input[name=rate]")
        rate.fill("7")
        expect(page.locator(".based-on")).to_contain_text("changed: load.rate")
        expect(page.locator(".estimate-bar")).to_be_in_viewport()
        assert_accessible(page)
        visitor.assert_no_sideways_scroll()
        page.reload()
        expect(rate).to_have_value("7")
        page.get_by_role("button", name="Reset", exact=True).click()
        expect(rate).to_have_value("5")
        expect(page.get_by_label("Provider", exact=True)).to_have_value(PROVIDER)

        page.get_by_role("button", name="Open a spec").click()
        target = f'[[targets]]\nprovider = "{PROVIDER}"\nmodel = "simulated"\nweight = 2\n'
        page.get_by_label("JSON, TOML or YAML").fill(
            f'{target}[workload]\nkind = "prompt"\nprompt = "hi"\n[load]\nkind = "closed"\n'
        )
        page.get_by_role("dialog").get_by_role("button", name="Open", exact=True).click()
        expect(page.locator(".carried")).to_contain_text("targets.0.weight: 2")
        expect(page.locator(".problem-list")).to_contain_text("is needed")  # users, and something that ends it
        visitor.assert_no_sideways_scroll()
        page.get_by_role("button", name="Leave out targets.0.weight").click()
        expect(page.locator(".carried")).to_have_count(0)


def test_the_printed_curl_and_graphql_make_the_benchmark_that_is_shown(
    browser: Browser, service: Service, provider: str
) -> None:
    with visit(browser, service) as visitor:
        page = at(visitor, "/benchmarks/new")
        page.get_by_label("Provider", exact=True).select_option(PROVIDER)
        choose(page, "Load", "Poisson")
        page.get_by_label("Prompt", exact=True).fill('it\'s\n$HOME `id` "x" ünï')
        page.locator("input[name=requests]").fill("2")
        texts = {}
        for form in ("curl", "GraphQL", "JSON"):
            page.get_by_role("group", name="Form").get_by_role("radio", name=form, exact=True).check()
            texts[form] = page.locator(".preview").inner_text()
        made = page.evaluate(
            """async () => (await (await fetch('/api/v1/auth/apikey', {method: 'POST',
               headers: {'Content-Type': 'application/json'}, body: JSON.stringify({name: 'printed'})})).json())"""
        )
    key = made["key"]
    shown = json.loads(texts["JSON"])
    for form in ("curl", "GraphQL"):
        done = subprocess.run(
            ["sh", "-c", texts[form]],
            env={"PATH": "/usr/bin:/bin", "LLM_TEST_BENCH_API_KEY": key},
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        answer = json.loads(done.stdout)
        id_ = answer["id"] if form == "curl" else answer["data"]["createBenchmark"]["id"]
        headers = {"Authorization": f"Bearer {key}"}
        stored = httpx.get(f"{service.url}/api/v1/benchmarks/{id_}", headers=headers).raise_for_status().json()["spec"]
        for part, value in shown.items():
            assert stored[part] == value or value.items() <= stored[part].items()
