"""The form of a new benchmark: what it makes of its fields, and where it shows what the service refuses."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from tests.e2e.browsing import PHONE, Visitor, visit
from tests.e2e.processes import Service, Simulator
from tests.e2e.runs import add_provider, signed_in

pytestmark = pytest.mark.browser

PROVIDER = "form"


@pytest.fixture(scope="module")
def provider(service: Service, simulator: Simulator) -> str:
    """Made once, although several modules ask for it."""
    with signed_in(service) as api:
        if api.get(f"/providers/{PROVIDER}").status_code == 404:
            add_provider(api, simulator, PROVIDER, default_model="simulated")
    return PROVIDER


def open_form(visitor: Visitor, provider: str) -> Page:
    visitor.enter("/benchmarks/new")
    page = visitor.page
    page.get_by_label("Provider", exact=True).select_option(provider)
    expect(page.get_by_label("Model", exact=True)).to_have_value("simulated")
    return page


def choose(page: Page, legend: str, kind: str) -> None:
    """A kind of load or workload, behind "More…" when it is none of the usual ones."""
    option = page.get_by_role("group", name=legend, exact=True).get_by_role("radio", name=kind, exact=True)
    if option.count() == 0:
        page.get_by_role("button", name=f"More… kinds of {legend.lower()}").click()
    option.check()


def sent(page: Page) -> dict[str, Any]:
    """Start the benchmark; what the service would have been sent. It is not bothered: runs have tests of their own."""
    bodies: list[dict[str, Any]] = []

    def answer(route: Route) -> None:
        if route.request.method != "POST":
            return route.fallback()
        bodies.append(json.loads(route.request.post_data or ""))
        return route.fulfill(status=201, json={"id": "00000000-0000-0000-0000-000000000000"})

    page.route("**/api/v1/benchmarks", answer)
    page.get_by_role("button", name="Start benchmark").click()
    page.wait_for_url(re.compile(r"/benchmarks/0{8}-"))
    return bodies[0]


def test_a_ramp_is_sent_as_it_was_typed_and_drawn(browser: Browser, service: Service, provider: str) -> None:
    with visit(browser, service) as visitor:
        page = open_form(visitor, provider)
        choose(page, "Load", "Ramp")
        page.locator("input[name=from-rate]").fill("2")
        page.locator("input[name=to-rate]").fill("40")
        page.locator("input[name=ramp-seconds]").fill("30")
        page.get_by_label("Curve").select_option("exponential")
        page.get_by_label("Arrivals").select_option("gamma")
        page.get_by_label("Burstiness").fill("0.3")
        page.get_by_label("Requests", exact=True).fill("")
        page.get_by_label("Duration").fill("60")
        expect(page.get_by_role("img", name="Up to 40.0 req/s over 60.0 s")).to_be_visible()
        page.locator("summary", has_text="Budget and limits").press("Enter")
        page.get_by_label("Budget").fill("2.5")
        page.locator("summary", has_text="Steady window").press("Enter")
        page.get_by_role("radio", name="Given", exact=True).check()
        page.get_by_label("Warm-up").fill("5")

        visitor.watch.allow(404)  # the page of a benchmark that there is not
        body = sent(page)
        assert body["load"] == {
            "kind": "ramp",
            "from_rate": 2,
            "to_rate": 40,
            "seconds": 30,
            "curve": "exponential",
            "arrival": "gamma",
            "burstiness": 0.3,
        }
        assert body["stop"] == {"duration_seconds": 60}
        assert body["budget_usd"] == 2.5
        assert body["window"] == {"warmup_seconds": 5}


def test_a_search_over_conversations_is_sent(browser: Browser, service: Service, provider: str) -> None:
    with visit(browser, service) as visitor:
        page = open_form(visitor, provider)
        choose(page, "Workload", "Conversations")
        page.get_by_label("Turns").fill("3")
        page.get_by_label("Think time").fill("0.5")
        page.get_by_label("Input length").select_option("lognormal")
        page.get_by_label("Input mean").fill("64")
        page.get_by_label("Input standard deviation").fill("16")
        page.get_by_label("Output tokens").fill("50")
        choose(page, "Levels of load", "Search")
        expect(page.locator("input[name=concurrency]")).to_have_count(0)
        page.locator("input[name=search-maximum]").fill("32")
        page.get_by_role("button", name="Add a limit").click()
        page.get_by_label("At most 2").fill("40")

        visitor.watch.allow(404)
        body = sent(page)
        assert body["workload"] == {
            "kind": "conversation",
            "turns": 3,
            "input_tokens": {"kind": "lognormal", "mean": 64, "stdev": 16},
            "output_tokens": 50,
            "think_time": {"mean_seconds": 0.5},
        }
        assert body["explore"] == {
            "kind": "search",
            "parameter": "concurrency",
            "minimum": 1,
            "maximum": 32,
            "criteria": [
                {"metric": "ttft_ms", "percentile": 95, "limit_ms": 500},
                {"metric": "tpot_ms", "percentile": 95, "limit_ms": 40},
            ],
            "max_error_rate": 0.01,
        }


def test_prompts_come_out_of_a_file(browser: Browser, service: Service, provider: str) -> None:
    with visit(browser, service) as visitor:
        page = open_form(visitor, provider)
        choose(page, "Workload", "Prompt list")
        chooser = page.get_by_label("Prompts from a file")
        chooser.set_input_files(
            FilePayload(name="wrong.jsonl", mimeType="application/jsonl", buffer=b'"fine"\n{oops\n')
        )
        expect(page.locator(".file-drop")).to_contain_text("wrong.jsonl: line 2 is not JSON")
        prompts: list[Any] = [f"question {number}" for number in range(40)]
        prompts.append({"prompt": "a long one", "output_tokens": 7})
        text = "\n".join(map(json.dumps, prompts))
        chooser.set_input_files(FilePayload(name="right.jsonl", mimeType="application/jsonl", buffer=text.encode()))
        expect(page.locator(".file-chosen")).to_contain_text("41 prompts")
        expect(page.locator(".preview")).to_contain_text("… 17 more")
        expect(page.get_by_label("Prompts", exact=True)).to_have_count(0)

        visitor.watch.allow(404)
        assert sent(page)["workload"] == {"kind": "list", "prompts": prompts}


def test_what_the_service_refuses_stands_at_its_field_until_that_changes(
    browser: Browser, service: Service, provider: str
) -> None:
    with visit(browser, service) as visitor:
        page = open_form(visitor, provider)
        choose(page, "Workload", "Synthetic")
        page.get_by_label("Input length").select_option("normal")
        page.get_by_label("Input mean").fill("-1")
        choose(page, "Load", "Steps")
        page.locator("input[name=step-level-1]").fill("0")
        page.get_by_label("Requests", exact=True).fill("")
        visitor.watch.allow(422)
        page.get_by_role("button", name="Start benchmark").click()

        mean = page.locator(".field", has=page.locator("input[name=input-tokens-mean]"))
        rate = page.locator(".field", has=page.locator("input[name=step-level-1]"))
        expect(mean).to_have_class(re.compile("field-wrong"))
        expect(rate).to_have_class(re.compile("field-wrong"))
        expect(page.locator("input[name=input-tokens-mean]")).to_be_focused()
        expect(page.locator(".field-wrong")).to_have_count(2)

        page.locator("input[name=step-level-1]").fill("3")
        expect(rate).not_to_have_class(re.compile("field-wrong"))
        expect(mean).to_have_class(re.compile("field-wrong"))
        # A text that is no value is said while one types.
        page.locator("input[name=step-seconds-0]").fill("soon")
        expect(page.locator(".field-wrong", has=page.locator("input[name=step-seconds-0]"))).to_contain_text(
            "must be a number"
        )


def test_every_kind_fits_a_phone(browser: Browser, service: Service, provider: str) -> None:
    with visit(browser, service, size=PHONE) as visitor:
        page = open_form(visitor, provider)
        for legend, kinds in {
            "Load": ["Bursty", "Ramp", "Steps", "Spike", "Steps of users", "Recorded trace", "Users"],
            "Workload": [
                "Prompt list",
                "Synthetic",
                "Shared prefix",
                "Conversations",
                "Given conversations",
                "Embeddings",
                "Trace lengths",
            ],
            "Levels of load": ["Sweep", "Search"],
        }.items():
            for kind in kinds:
                choose(page, legend, kind)
                visitor.assert_no_sideways_scroll()
