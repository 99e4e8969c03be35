"""One service, one simulator and one Chromium for all browser tests of a process; modules with other needs say so."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.e2e.processes import Service, Simulator

ROOT = Path(__file__).parents[2]
WRITES_SCREENSHOTS = os.environ.get("LTB_WRITE_SCREENSHOTS") == "1"
"""Whether docs/screenshots is written anew; then runs are long enough to look like something."""

PRICED, PRICE_INPUT, PRICE_OUTPUT = "priced", 3.0, 15.0
"""A model of the simulator that costs something, and US dollars per million of its tokens; the others cost nothing."""

CONFIGURATION = f"""\
[server]
max_body_bytes = 4000000

[server.rate_limit]
requests_per_minute = 0

[demo]
enable = false

[security]
login_attempts_per_minute = 1000

[[security.roles]]
name = "auditor"
permissions = ["admin.audit", "account.self"]

[[providers.prices]]
kind = "openai-compatible"
model = "{PRICED}"
input = {PRICE_INPUT}
output = {PRICE_OUTPUT}
as_of = 2026-11-01
"""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def launched(playwright: Playwright, *options: str) -> Iterator[Browser]:
    """The installed Chromium; skips the test where there is none."""
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium found; on Debian: apt install chromium")
    browser = playwright.chromium.launch(executable_path=path, args=[*_OPTIONS, *options])
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    # Of the package and not of the session: while it runs, no other event loop can run in this thread.
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with launched(playwright) as browser:
        yield browser


@pytest.fixture(scope="package")
def simulator() -> Iterator[Simulator]:
    with Simulator() as program:
        yield program


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Shared by the modules: each names its things by a name of its own, and signs in as often as it likes."""
    if not (ROOT / "app" / "static" / "index.html").is_file():
        pytest.fail("the dashboard is not built; run `make setup`")
    folder = tmp_path_factory.mktemp("service")
    (folder / "config.toml").write_text(CONFIGURATION)
    with Service(folder / "data") as program:
        yield program


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ROOT / "docs" / "screenshots" if WRITES_SCREENSHOTS else tmp_path_factory.mktemp("screenshots")
