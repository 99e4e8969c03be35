"""The page of the cluster against a real scheduler and real workers, as a browser shows it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.cluster.conftest import Cluster
from tests.cluster.processes import until
from tests.e2e.accessibility import assert_accessible
from tests.e2e.browsing import PHONE, visit
from tests.e2e.conftest import WRITES_SCREENSHOTS, launched, pictures

__all__ = ["pictures"]  # a fixture
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

RUN_TIMEOUT_MS = 90_000


@dataclass
class Server:
    """The first server, and its generated administrator."""

    url: str
    password: str
    username: str = "admin"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, launched(playwright) as found:
        yield found


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Server:
    folder = cluster.deployment.folder
    return Server(cluster.deployment.addresses["a"], (folder / "data" / "admin-password").read_text().strip())


def _running(cluster: Cluster) -> bool:
    found = cluster.client().get("/cluster").json()["workers"]
    return {"one", "two"} <= {worker["name"] for worker in found if worker["status"] == "running"}


def test_workers_and_what_they_run(cluster: Cluster, server: Server, browser: Browser, pictures: Path) -> None:
    until(lambda: _running(cluster), "both workers", 90)
    benchmark = cluster.submit(stop={"duration_seconds": 200})
    try:
        with visit(browser, server) as visitor:
            page = visitor.enter("/cluster")
            one = page.locator(".worker-table tbody tr", has=page.get_by_role("rowheader", name="one", exact=True))
            two = page.locator(".worker-table tbody tr", has=page.get_by_role("rowheader", name="two", exact=True))
            expect(one).to_contain_text("region=eu")
            expect(two).to_contain_text("gpu")
            shards = page.locator(f'.shard-taken a[href="/benchmarks/{benchmark}"]')
            expect(shards).to_have_count(2, timeout=RUN_TIMEOUT_MS)
            expect(one).to_contain_text(re.compile(r"\d [µm]s ± "), timeout=RUN_TIMEOUT_MS)  # its clock
            expect(page.get_by_role("main")).to_contain_text("cluster")
            assert_accessible(page)
            visitor.assert_no_sideways_scroll()
            if WRITES_SCREENSHOTS:
                visitor.picture(pictures, "cluster-light")
            shards.first.click()
            expect(page).to_have_url(re.compile(rf"/benchmarks/{benchmark}$"))
            page.go_back()
            cluster.client().post(f"/benchmarks/{benchmark}/cancel").raise_for_status()
            expect(shards).to_have_count(0, timeout=RUN_TIMEOUT_MS)
        with visit(browser, server, theme="dark", size=PHONE) as visitor:
            page = visitor.enter("/cluster")
            expect(page.get_by_role("rowheader", name="two", exact=True)).to_be_visible()
            assert_accessible(page)
            visitor.assert_no_sideways_scroll()
    finally:
        cluster.client().post(f"/benchmarks/{benchmark}/cancel")
