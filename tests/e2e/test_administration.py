"""The pages about people, the trail, settings and the cluster: their main paths, and who may see them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.accessibility import assert_accessible
from tests.e2e.browsing import visit
from tests.e2e.processes import Service, Simulator

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"


@contextmanager
def signed_in(service: Service, username: str, password: str = PASSWORD) -> Iterator[httpx.Client]:
    """Another device of somebody."""
    headers = {"User-Agent": "curl/8.5.0"}
    with httpx.Client(base_url=f"{service.url}/api/v1", timeout=30, headers=headers) as client:
        answer = client.post("/auth/login", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


@pytest.fixture(scope="module")
def admin(service: Service) -> Iterator[httpx.Client]:
    with signed_in(service, service.username, service.password) as client:
        yield client


def make_user(admin: httpx.Client, username: str, role: str = "user") -> None:
    answer = admin.post("/users", json={"username": username, "role": role, "password": PASSWORD})
    assert answer.status_code == 201, answer.text


def wrong(page: Page, name: str) -> Locator:
    """The field of that name, once it is marked as wrong."""
    return page.locator(f".field-wrong:has([name={name}])")


def test_my_password_sign_ins_and_preferences(browser: Browser, service: Service, admin: httpx.Client) -> None:
    make_user(admin, "ada")
    with signed_in(service, "ada") as elsewhere, visit(browser, service) as visitor:
        page = visitor.enter("/account", "ada", PASSWORD)
        expect(page.locator(".permission-list")).to_contain_text("start benchmarks")

        rows = page.locator(".sign-ins tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.filter(has_text="this one")).to_contain_text("Chrome")
        rows.filter(has_text="curl 8.5.0").get_by_role("button", name="End").click()
        expect(rows).to_have_count(1)
        assert elsewhere.get("/auth/me").status_code == 401

        with signed_in(service, "ada") as other:
            page.get_by_label("Password now").fill("not it, I guess")
            page.get_by_label("New password", exact=True).fill("short")
            expect(page.get_by_text("10 to 1,024 characters: 5 more")).to_be_visible()
            page.get_by_label("New password again").fill("shorter")
            page.get_by_role("button", name="Change password").click()
            expect(wrong(page, "new-password-again")).to_contain_text("is not the same")
            page.get_by_label("New password again").fill("short")
            visitor.watch.allow(422)
            page.get_by_role("button", name="Change password").click()
            expect(wrong(page, "new-password")).to_contain_text("10 characters")

            page.get_by_label("New password", exact=True).fill(PASSWORD + " 2")
            page.get_by_label("New password again").fill(PASSWORD + " 2")
            visitor.watch.allow(422)
            page.get_by_role("button", name="Change password").click()
            expect(wrong(page, "old-password")).to_contain_text("is wrong")
            page.get_by_label("Password now").fill(PASSWORD)
            page.get_by_role("button", name="Change password").click()
            expect(page.get_by_text("1 other sign-in has ended")).to_be_visible()
            assert other.get("/auth/me").status_code == 401
        expect(rows).to_have_count(1)

        page.get_by_role("radio", name="Dark").check()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.get_by_role("radio", name="UTC").check()
        expect(page.get_by_text("Kept by the service")).to_be_visible()
    with visit(browser, service) as visitor:
        visitor.enter("/account", "ada", PASSWORD + " 2")
        expect(visitor.page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(visitor.page.get_by_role("radio", name="UTC")).to_be_checked()


def test_an_api_key_is_shown_once_works_and_is_revoked(browser: Browser, service: Service, admin: httpx.Client) -> None:
    make_user(admin, "kay")
    with visit(browser, service) as visitor:
        page = visitor.enter("/account", "kay", PASSWORD)
        page.get_by_role("button", name="New API key").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name", exact=True).fill("nightly job")
        dialog.get_by_role("button", name="Make key").click()
        expect(dialog.get_by_role("alert")).to_contain_text("Choose at least one")
        expect(dialog.get_by_label("manage users")).to_have_count(0)
        dialog.get_by_label("see providers").check()
        dialog.get_by_role("button", name="Make key").click()
        expect(dialog).to_contain_text("Shown this once")
        key = dialog.locator("code.secret-text").inner_text()
        expect(dialog.locator("pre")).to_contain_text("/api/v1/providers")
        assert_accessible(page)
        dialog.get_by_role("button", name="I have stored it").click()
        row = page.get_by_role("row", name=re.compile("^nightly job"))
        expect(row).to_contain_text("provider.read")
        expect(row).to_contain_text("never")
        assert key not in page.content()

        headers = {"Authorization": f"Bearer {key}"}
        assert httpx.get(f"{service.url}/api/v1/providers", headers=headers).status_code == 200
        assert httpx.get(f"{service.url}/api/v1/benchmarks", headers=headers).status_code == 403
        page.reload()
        expect(row).to_contain_text("127.0.0.1")
        row.get_by_role("button", name="Revoke").click()
        page.get_by_role("button", name="Revoke it").click()
        expect(page.get_by_text("No API keys yet")).to_be_visible()
        assert httpx.get(f"{service.url}/api/v1/providers", headers=headers).status_code == 401


def test_a_session_ended_elsewhere_keeps_what_was_typed(
    browser: Browser, service: Service, admin: httpx.Client
) -> None:
    make_user(admin, "sam")
    with visit(browser, service) as visitor:
        page = visitor.enter("/account", "sam", PASSWORD)
        page.get_by_role("button", name="New API key").click()
        page.get_by_label("Name", exact=True).fill("typed before")
        page.get_by_label("see providers").check()
        with signed_in(service, "sam") as elsewhere:
            assert elsewhere.delete("/auth/sessions").json() == {"sign_ins_ended": 1}
            visitor.watch.forgive("status of 401 ")  # of what the page tried since; the service tells it unasked, too
            again = page.get_by_role("dialog", name="You have been signed out")
            expect(again).to_be_visible()
            assert_accessible(page)
            again.get_by_label("Password of sam").fill(PASSWORD)
            again.get_by_role("button", name="Sign in", exact=True).click()
            expect(again).to_be_hidden()
            expect(page.get_by_label("Name", exact=True)).to_have_value("typed before")
            page.get_by_role("button", name="Make key").click()
            expect(page.get_by_role("dialog")).to_contain_text("Shown this once")
            page.get_by_role("button", name="I have stored it").click()

            elsewhere.delete("/auth/sessions")
            page.get_by_role("button", name="Other ways to sign in").click()
            expect(page).to_have_url(f"{service.url}/signin?next=%2Faccount")


def test_a_user_from_making_to_deleting(browser: Browser, service: Service, admin: httpx.Client) -> None:
    with visit(browser, service) as visitor:
        page = visitor.enter("/users")
        page.get_by_role("button", name="New user").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name to sign in with").fill("no spaces")
        dialog.get_by_label("Role").select_option("user")
        visitor.watch.allow(422)
        dialog.get_by_role("button", name="Make user").click()
        expect(wrong(page, "username")).to_contain_text("letters, digits")
        dialog.get_by_label("Name to sign in with").fill("uma@example.org")
        dialog.get_by_label("Team").fill("search")
        dialog.get_by_role("button", name="Make user").click()
        expect(dialog).to_contain_text("Shown this once")
        password = dialog.locator("code").inner_text()
        dialog.get_by_role("button", name="Done").click()

        page.get_by_label("Search users").fill("uma")
        expect(page).to_have_url(re.compile(r"\?q=uma$"))
        expect(page.locator(".user-table tbody tr")).to_have_count(1)
        page.get_by_role("link", name="uma@example.org").click()
        expect(page.get_by_role("heading", name="uma@example.org")).to_be_visible()

        # Somebody else changes the same user meanwhile.
        admin.patch("/users/uma@example.org", json={"team": "infra"})
        page.get_by_label("E-mail address").fill("uma@example.org")
        visitor.watch.allow(412)
        page.get_by_role("button", name="Save").click()
        conflict = page.get_by_role("alert")
        expect(conflict).to_contain_text("team: was search, is now infra")
        conflict.get_by_role("button", name="Reload").click()
        expect(page.get_by_label("Team")).to_have_value("infra")
        expect(page.get_by_label("E-mail address")).to_have_value("")
        page.get_by_label("Role").select_option("viewer")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()

        with signed_in(service, "uma@example.org", password) as theirs:
            assert theirs.get("/auth/me").json()["role"] == "viewer"
            page.reload()
            expect(page.locator(".sign-ins")).to_contain_text("curl 8.5.0")
            page.get_by_role("button", name="Reset password").click()
            page.get_by_role("button", name="Make a password").click()
            expect(page.get_by_role("dialog").locator("code")).not_to_have_text(password)
            page.get_by_role("button", name="Done").click()
            expect(page.get_by_text("is signed in nowhere")).to_be_visible()
            assert theirs.get("/auth/me").status_code == 401

        page.get_by_role("button", name="Disable").click()
        page.get_by_role("dialog").get_by_role("button", name="Disable").click()
        expect(page.locator(".page-title")).to_contain_text("disabled")
        page.get_by_role("button", name="Enable").click()
        expect(page.locator(".page-title")).to_contain_text("active")
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("dialog")).to_contain_text("belong to nobody")
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page).to_have_url(f"{service.url}/users")

        visitor.open("/users/admin")
        page.get_by_role("button", name="Delete").click()
        visitor.watch.allow(409)
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("last active administrator")


def test_who_may_not_see_a_page_learns_why_and_whom_to_ask(
    browser: Browser, service: Service, admin: httpx.Client
) -> None:
    make_user(admin, "vera", "viewer")
    make_user(admin, "otto", "auditor")
    with visit(browser, service) as visitor:
        page = visitor.enter("/audit", "vera", PASSWORD)
        navigation = page.get_by_role("navigation", name="Main")
        expect(navigation.get_by_role("button", name="Administration")).to_have_count(0)
        expect(page.get_by_text("Roles with it: admin, auditor")).to_be_visible()
        for path, permission in (
            ("/users", "user.manage"),
            ("/users/x", "user.manage"),
            ("/settings", "admin.settings"),
        ):
            visitor.open(path)
            expect(page.get_by_role("heading", name="You may not see")).to_be_visible()
            expect(page.locator("code", has_text=permission)).to_be_visible()
        page.get_by_role("link", name="What I may do").click()
        page.get_by_role("link", name="What each role may do").click()
        expect(page.get_by_role("columnheader", name="auditor")).to_contain_text("configured")
        expect(page.get_by_role("columnheader", name="viewer")).to_contain_text("yours")
        visitor.open("/cluster")
        expect(page.get_by_text("This server measures by itself")).to_be_visible()
    with visit(browser, service) as visitor:
        visitor.enter("/audit", "otto", PASSWORD)
        page = visitor.page
        expect(page.locator(".audit-table")).to_be_visible()
        page.get_by_role("button", name="Administration").click()
        expect(page.locator(".menu-list:visible a")).to_have_text(["Audit"])
        expect(page.get_by_role("link", name="Benchmarks")).to_have_count(0)


def test_the_trail_is_filtered_read_exported_and_checked(
    browser: Browser, service: Service, admin: httpx.Client, tmp_path: Path
) -> None:
    make_user(admin, "trudy")
    admin.patch("/users/trudy", json={"role": "viewer", "team": "search"})
    with visit(browser, service) as visitor:
        page = visitor.enter("/audit")
        page.get_by_label("Action").fill("user.*")
        expect(page).to_have_url(re.compile(r"action=user\.\*"))
        rows = page.locator(".audit-table tbody tr")
        expect(rows.first).to_contain_text("user.update")
        expect(page.locator(".audit-table")).not_to_contain_text("auth.login")
        rows.first.get_by_role("link").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("row", name=re.compile("^role"))).to_contain_text("viewer")
        expect(dialog).to_contain_text("127.0.0.1")
        assert_accessible(page)
        title = dialog.get_by_role("heading").inner_text()
        page.keyboard.press("j")
        expect(dialog.get_by_role("heading")).not_to_have_text(title)
        expect(dialog).to_contain_text("user.create")
        page.reload()
        expect(dialog).to_contain_text("user.create")
        page.keyboard.press("Escape")
        expect(page).to_have_url(re.compile(r"/audit\?action=user\.\*$"))

        with page.expect_download() as download:
            page.get_by_role("button", name="Export CSV").click()
        download.value.save_as(tmp_path / "audit.csv")
        lines = (tmp_path / "audit.csv").read_text().splitlines()
        assert lines[0].startswith("sequence,at,")
        assert all(",user." in line for line in lines[1:])
        assert len(lines) > 2

        page.get_by_role("button", name="Verify").click()
        page.get_by_role("button", name="Check", exact=True).click()
        expect(dialog).to_contain_text("The trail is whole.")
        head = dialog.locator(".verify-head code").inner_text()
        dialog.get_by_label("Anchor").fill(head)
        page.get_by_role("button", name="Check again").click()
        expect(dialog).to_contain_text("goes on from your anchor")
        dialog.get_by_label("Anchor").fill("1:" + "0" * 64)
        page.get_by_role("button", name="Check again").click()
        expect(dialog.get_by_role("alert")).to_contain_text("tampered with")
        visitor.watch.allow(422)
        dialog.get_by_label("Anchor").fill("nonsense")
        page.get_by_role("button", name="Check").click()
        expect(dialog.get_by_role("alert")).to_contain_text("NUMBER:HASH")


def test_settings_are_changed_taken_back_and_never_overwritten_unseen(
    browser: Browser, service: Service, admin: httpx.Client
) -> None:
    with visit(browser, service) as visitor:
        page = visitor.enter("/settings")
        table = page.locator(".configuration-table")
        expect(table.get_by_role("row", name=re.compile("^max_body_bytes"))).to_contain_text("config.toml")
        page.get_by_label("Search settings").fill("statement_timeout")
        expect(table).to_contain_text("[storage]")
        expect(page).to_have_url(re.compile("q=statement_timeout"))

        days = page.get_by_label("Ended benchmarks are kept")
        days.fill("soon")
        visitor.watch.allow(422)
        page.get_by_role("button", name="Save").click()
        expect(wrong(page, "retention_days")).to_contain_text("integer")
        days.fill("30")
        admin.patch("/settings", json={"default_visibility": "team"})
        visitor.watch.allow(412)
        page.get_by_role("button", name="Save").click()
        conflict = page.get_by_role("alert").filter(has_text="meanwhile")
        expect(conflict).to_contain_text("A new benchmark is shared with: was private, is now team")
        assert admin.get("/settings").json()["retention_days"] == 0
        conflict.get_by_role("button", name="Keep what I typed").click()
        expect(days).to_have_value("30")
        expect(page.get_by_label("A new benchmark is shared with")).to_have_value("private")
        page.get_by_label("A new benchmark is shared with").select_option("team")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved, and in force")).to_be_visible()
        assert admin.get("/settings").json()["retention_days"] == 30

        page.get_by_role("button", name="Back to 0").click()
        page.get_by_role("button", name="Back to private").click()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved, and in force")).to_be_visible()
        assert admin.get("/settings").json()["changed"] == []

        # Somebody else's change shows by itself while nothing is typed.
        admin.patch("/settings", json={"retention_days": 7})
        expect(days).to_have_value("7")
        admin.patch("/settings", json={"retention_days": None})
        expect(days).to_have_value("0")


def test_the_queue_says_why_and_is_cancelled(
    browser: Browser, service: Service, admin: httpx.Client, simulator: Simulator
) -> None:
    admin.post(
        "/providers", json={"name": "queue", "kind": "openai-compatible", "base_url": simulator.base_url}
    ).raise_for_status()
    spec = {
        "targets": [{"provider": "queue", "model": "m"}],
        "workload": {"kind": "prompt", "prompt": "hi"},
        "load": {"kind": "closed", "concurrency": 1},
        "stop": {"duration_seconds": 600},
    }
    for benchmark in admin.get("/benchmarks").json()["items"]:  # the demo
        admin.post(f"/benchmarks/{benchmark['id']}/cancel")
    first, second = (admin.post("/benchmarks", json={"name": name, **spec}).json()["id"] for name in ("one", "two"))
    with visit(browser, service) as visitor:
        page = visitor.enter("/cluster")
        expect(page.locator(".shard-taken")).to_contain_text("one")
        row = page.get_by_role("row", name=re.compile("two"))
        expect(row).to_contain_text("one runs, and no more than one may at once")
        expect(page.locator(".process-table tbody")).to_contain_text("GiB")
        row.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Cancel it").click()
        expect(page.get_by_text("nobody waits")).to_be_visible()
        assert admin.get(f"/benchmarks/{second}").json()["status"] == "cancelled"
        admin.post(f"/benchmarks/{first}/cancel")
        expect(page.locator(".shard-taken")).to_have_count(0)


def test_the_keyboard_alone_gets_everywhere(browser: Browser, service: Service) -> None:
    with visit(browser, service) as visitor:
        page = visitor.enter("/cluster")
        menu = page.get_by_role("button", name="Administration")
        menu.focus()
        page.keyboard.press("Enter")
        expect(menu).to_have_attribute("aria-expanded", "true")
        page.keyboard.press("Escape")
        expect(menu).to_have_attribute("aria-expanded", "false")
        expect(menu).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Users")).to_be_visible()
        expect(menu).to_have_attribute("aria-expanded", "false")
        page.locator("h1").click()
        page.keyboard.press("/")
        expect(page.get_by_label("Search users")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator(".account")).to_be_visible()
