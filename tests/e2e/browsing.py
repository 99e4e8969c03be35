"""A page that is watched: whatever goes wrong in the browser, or leaves the machine, fails the test that did it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect


class Site(Protocol):
    """A service that is visited, and who signs in to it."""

    url: str
    username: str
    password: str


WIDE = (1280, 860)
PHONE = (390, 844)


_NETWORK = re.compile(r"net::ERR_|WebSocket connection to .* failed|status of (502|503|504) ")


class Watch:
    """Collects console errors, exceptions (unhandled rejections too) and requests to other hosts."""

    def __init__(self, service: Site) -> None:
        self.troubles: list[str] = []
        self._allowed: list[str] = []
        self._forgiven: list[re.Pattern[str]] = []
        self._host = urlsplit(service.url).netloc

    def allow(self, status: int) -> None:
        """Expect one answer with this status: the browser reports it as an error on its console."""
        self._allowed.append(f"status of {status} ")

    def forgive(self, text: str) -> None:
        """From now on expect any number of messages with this text."""
        self._forgiven.append(re.compile(re.escape(text)))

    def forgive_network(self) -> None:
        """From now on the service may be away: the browser tells of every attempt to reach it."""
        self._forgiven.append(_NETWORK)

    def on(self, page: Page) -> None:
        """Watch a page."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.troubles.append(f"exception: {error}"))
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        if any(known.search(message.text) for known in self._forgiven):
            return
        for allowed in self._allowed:
            if allowed in message.text:
                self._allowed.remove(allowed)
                return
        self.troubles.append(f"console {message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != self._host:
            self.troubles.append(f"request to another host: {request.url}")


class Visitor:
    """Someone in front of the dashboard."""

    def __init__(self, context: BrowserContext, service: Site) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(20_000)
        self.service = service
        self.watch = Watch(service)
        self.watch.on(self.page)

    def open(self, path: str) -> None:
        """Go to a page by its address."""
        self.page.goto(self.service.url + path)

    def enter(self, path: str = "/", username: str | None = None, password: str | None = None) -> Page:
        """Open a page as somebody who has signed in before; by default as the administrator."""
        answer = self.page.context.request.post(
            f"{self.service.url}/api/v1/auth/login",
            data={"username": username or self.service.username, "password": password or self.service.password},
        )
        assert answer.ok, answer.text()
        # What the dashboard remembers, because it cannot see the cookies itself; only at first, for who signs out.
        self.page.add_init_script(
            "if (!localStorage.getItem('entered')) "
            "for (const name of ['entered', 'ltb.session']) localStorage.setItem(name, '1')"
        )
        self.open(path)
        expect(self.page.get_by_role("navigation", name="Main")).to_be_visible()
        return self.page

    def sign_in(self, username: str | None = None, password: str | None = None) -> None:
        """Fill in the sign-in page that is open; by default as the administrator."""
        self.page.get_by_label("Username").fill(username or self.service.username)
        self.page.get_by_label("Password").fill(password or self.service.password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("navigation", name="Main")).to_be_visible()

    def add_provider(self, name: str, base_url: str) -> None:
        """On the page of providers, add one."""
        self.page.get_by_role("button", name="Add provider").first.click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_label("Name", exact=True).fill(name)
        dialog.get_by_label("Address").fill(base_url)
        dialog.get_by_label("Default model").fill("simulated")
        dialog.get_by_role("button", name="Add provider").click()
        expect(dialog).to_be_hidden()

    def test_provider(self, name: str) -> None:
        """On the page of providers, ask one whether it answers."""
        row = self.page.get_by_role("row", name=re.compile(rf"^{re.escape(name)} "))
        row.get_by_role("button", name="Test").click()
        expect(row.locator(".health")).to_contain_text("ok")

    def number(self, label: str) -> str:
        """What a tile of the live page shows."""
        tile = self.page.locator(".figure", has=self.page.locator("dt", has_text=re.compile(f"^{label}$")))
        return tile.locator("dd .number").inner_text()

    def percentile(self, metric: str, name: str) -> float:
        """A cell of the table of latencies, in the unit that the table's title says."""
        table = self.page.locator("table.metrics")
        heads = table.locator("thead th").all_inner_texts()
        row = table.locator("tbody tr", has=self.page.get_by_role("rowheader", name=metric))
        cell = row.locator("td").nth(heads.index(name) - 1).locator(".cell-value")
        return float(cell.inner_text().strip().replace(",", ""))

    def picture(self, folder: Path, name: str) -> None:
        """A screenshot of what is visible, without the mouse over anything."""
        self.page.mouse.move(0, 0)
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png", animations="disabled")

    def assert_no_sideways_scroll(self) -> None:
        """The page must be no wider than the window."""
        wide, window = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= window, f"{self.page.url} is {wide} px wide in a window of {window} px"


@contextmanager
def visit(browser: Browser, service: Site, *, theme: str = "light", size: tuple[int, int] = WIDE) -> Iterator[Visitor]:
    """A fresh visitor without cookies; troubles in the browser fail at the end."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    try:
        visitor = Visitor(context, service)
        yield visitor
        assert visitor.watch.troubles == [], "\n".join(visitor.watch.troubles)
    finally:
        context.close()
