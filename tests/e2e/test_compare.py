"""Two real runs, chosen and compared in the browser, and their reports opened from disk."""

import time
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.accessibility import assert_accessible
from tests.e2e.browsing import PHONE, visit
from tests.e2e.processes import Service, Simulator

pytestmark = pytest.mark.browser
NAMES = ("before <b>", "after")


@pytest.fixture(scope="module")
def runs(service: Service, simulator: Simulator) -> list[str]:
    """Ids of two finished runs; a name with markup in it must stay a name."""
    with httpx.Client(base_url=f"{service.url}/api/v1", timeout=30) as client:
        login = {"username": service.username, "password": service.password}
        client.headers["Authorization"] = f"Bearer {client.post('/auth/login', json=login).json()['access_token']}"
        provider = {"name": "compared", "kind": "openai-compatible", "base_url": simulator.base_url}
        assert client.post("/providers", json=provider).status_code == 201
        ids = []
        for name, concurrency in zip(NAMES, (2, 4), strict=True):
            spec = {
                "name": name,
                "targets": [{"provider": "compared", "model": "simulated"}],
                "workload": {"kind": "synthetic", "input_tokens": 16, "output_tokens": 4, "words_per_token": 1},
                "load": {"kind": "closed", "concurrency": concurrency},
                "stop": {"requests": 30},
            }
            answer = client.post("/benchmarks", json=spec)
            assert answer.status_code == 202, answer.text
            ids.append(answer.json()["id"])
        deadline = time.monotonic() + 90
        while any(client.get(f"/benchmarks/{id_}").json()["status"] != "completed" for id_ in ids):
            assert time.monotonic() < deadline, "the runs did not end"
            time.sleep(0.3)
    return ids


def test_runs_are_chosen_compared_and_reported(
    browser: Browser, service: Service, runs: list[str], pictures: Path, tmp_path: Path
) -> None:
    with visit(browser, service) as visitor:
        page = visitor.enter(f"/compare?ids={runs[0]}")
        page.get_by_role("checkbox", name="after").click()
        expect(page.get_by_role("heading", name="B after against A before <b>")).to_be_visible()
        assert f"ids={runs[0]}%2C{runs[1]}" in page.url
        expect(page.locator(".compare-warnings")).to_contain_text("another load")
        expect(page.get_by_text("spec.load.concurrency")).to_be_visible()
        expect(page.get_by_role("row", name="p50 TTFT").locator(".forest")).to_be_visible()
        assert_accessible(page)
        visitor.picture(pictures, "compare-light")

        page.get_by_role("radio", name="B after is the baseline").check()
        expect(page.get_by_role("heading", name="A before <b> against B after")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("button", name="Report").click()
        saved = tmp_path / "comparison.html"
        download.value.save_as(saved)
        text = saved.read_text()
        assert "before &lt;b&gt;" in text
        assert "before <b>" not in text
        assert "<script" not in text

        visitor.open(f"/benchmarks/{runs[1]}")
        page.get_by_role("link", name="Compare").last.click()
        expect(page.get_by_role("heading", name="Choose 2 to 8 benchmarks")).to_be_visible()


def test_a_phone_shows_the_comparison_without_scrolling_sideways(
    browser: Browser, service: Service, runs: list[str], pictures: Path
) -> None:
    with visit(browser, service, theme="dark", size=PHONE) as visitor:
        visitor.enter(f"/compare?ids={','.join(runs)}&window=whole")
        expect(visitor.page.get_by_text("What can be said")).to_be_visible()
        visitor.assert_no_sideways_scroll()
        visitor.picture(pictures, "compare-phone")
