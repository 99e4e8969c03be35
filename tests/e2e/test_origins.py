"""The browser's borders: signing in at an identity provider, and pages of other origins that try to use the service.

The attacker's page is on another port of the same host (same site: even Strict cookies go along), on another name
(another site), and on a name that resolves to the service itself (DNS rebinding).
"""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.accounts.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider, identity_provider
from tests.e2e.conftest import launched
from tests.e2e.processes import Service

pytestmark = pytest.mark.browser

_PAGE = b"<!doctype html><title>attacker</title><iframe name=hidden></iframe>"


class _Attacker(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(_PAGE)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def attacker() -> Iterator[int]:
    """The port of a web server that only serves an empty page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Attacker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with launched(playwright, "--host-resolver-rules=MAP evil.test 127.0.0.1") as found:
        yield found


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, idp: IdentityProvider) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("service")
    (folder / "client-secret").write_text(CLIENT_SECRET)
    (folder / "config.toml").write_text(
        f"""
        [demo]
        enable = false
        [[security.oidc]]
        name = "corp"
        label = "Example Corp"
        issuer = "{idp.url}"
        client_id = "{CLIENT_ID}"
        client_secret = "file:{folder / "client-secret"}"
        role_map = {{ ops = "admin" }}
        """
    )
    with Service(folder / "data") as program:
        yield program


@pytest.fixture
def page(browser: Browser, idp: IdentityProvider) -> Iterator[Page]:
    idp.reset()
    idp.user["groups"] = ["ops"]
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


def _sign_in(page: Page, service: Service, path: str = "/") -> None:
    page.goto(service.url + path)
    page.get_by_role("link", name="Sign in with Example Corp").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()


def _state(page: Page) -> dict[str, Any]:
    """What the victim has, as their own page reads it."""
    return page.evaluate(  # type: ignore[no-any-return]
        """async () => ({
            me: await (await fetch('/api/v1/auth/me')).json(),
            keys: await (await fetch('/api/v1/auth/apikey')).json(),
            providers: await (await fetch('/api/v1/providers')).json(),
        })"""
    )


def test_signing_in_and_out_at_an_identity_provider(page: Page, service: Service, idp: IdentityProvider) -> None:
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    _sign_in(page, service, "/providers")
    expect(page.get_by_role("heading", name="Providers", exact=True)).to_be_visible()
    expect(page.locator(".bar-user")).to_contain_text("alice")
    page.reload()
    expect(page.get_by_role("heading", name="Providers", exact=True)).to_be_visible()
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert set(cookies) == {"ltb_access", "ltb_refresh"}
    assert {(cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies.values()} == {(True, "Strict")}
    page.get_by_title("Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    expect(page).to_have_url(f"{service.url}/signin")
    assert page.context.cookies() == []

    idp.faults.error = "access_denied"
    page.get_by_role("link", name="Sign in with Example Corp").click()
    expect(page.get_by_role("alert")).to_contain_text("did not let you in")
    assert "marker-description" not in page.content()
    assert troubles == []


_ATTACKS = """async (target) => {
    const told = {};
    const json = JSON.stringify({name: 'stolen', scopes: null});
    const attempt = async (name, path, options) => {
        try {
            const response = await fetch(target + path, {credentials: 'include', ...options});
            told[name] = response.type === 'opaque' ? 'opaque' : await response.text();
        } catch (error) { told[name] = 'blocked'; }
    };
    const blind = (body, method = 'POST') =>
        ({method, mode: 'no-cors', body, headers: {'Content-Type': 'text/plain'}});
    await attempt('key', '/api/v1/auth/apikey', blind(json));
    await attempt('logout', '/api/v1/auth/logout', blind('{}'));
    await attempt('refresh', '/api/v1/auth/refresh', blind(''));
    await attempt('login', '/api/v1/auth/login', blind(JSON.stringify({username: 'a', password: 'b'})));
    await attempt('provider', '/api/v1/providers', blind(JSON.stringify({name: 'x', kind: 'vllm'})));
    await attempt('graphql', '/graphql', blind(JSON.stringify({query: '{ me { id } }'})));
    await attempt('read', '/api/v1/auth/apikey', {});
    await attempt('blind read', '/api/v1/benchmarks', {mode: 'no-cors'});
    await attempt('graphql by address', '/graphql?query=%7Bme%7Bid%7D%7D', {mode: 'no-cors'});
    await attempt('delete', '/api/v1/providers/x', {method: 'DELETE'});
    await attempt('json', '/api/v1/auth/apikey',
        {method: 'POST', body: json, headers: {'Content-Type': 'application/json'}});
    told.socket = await new Promise((done) => {
        const socket = new WebSocket(target.replace('http', 'ws') + '/ws');
        socket.onopen = () => done('open');
        socket.onerror = () => done('refused');
    });
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
        const form = document.createElement('form');
        Object.assign(form, {method: 'POST', action: target + '/api/v1/auth/apikey', enctype: type, target: 'hidden'});
        const field = document.createElement('input');
        Object.assign(field, {name: '{"name":"stolen","x":"', value: '"}'});
        form.append(field);
        document.body.append(form);
        const loaded = new Promise((done) => { document.querySelector('iframe').onload = done; });
        form.submit();
        await loaded;
    }
    for (const kind of ['img', 'script']) {
        told[kind] = await new Promise((done) => {
            const element = document.createElement(kind);
            element.onload = () => done('loaded');
            element.onerror = () => done('refused');
            element.src = target + '/api/v1/benchmarks';
            document.body.append(element);
        });
    }
    return told;
}"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_page_of_another_origin_gets_nothing(page: Page, service: Service, attacker: int, host: str) -> None:
    _sign_in(page, service)
    before = _state(page)
    assert before["me"]["role"] == "admin"

    evil = page.context.new_page()
    logged = len(service.lines)
    evil.goto(f"http://{host}:{attacker}/")
    told = evil.evaluate(_ATTACKS, service.url)

    assert {text for text in told.values() if text != "opaque"} <= {"blocked", "refused"}, told
    assert told["socket"] == "refused"
    # The browser keeps the answers from the page; the log shows that the service refused each request, too.
    for _ in range(3):
        service.wait_for(r"method=GET\s+path=/api/v1/benchmarks\s")
    answers = re.findall(r"method=(\S+)\s+path=(\S+)\s.*status=(\d+)", "".join(service.lines[logged:]))
    foreign = [(method, path, status) for method, path, status in answers if path.startswith(("/api", "/graphql"))]
    assert {status for _, _, status in foreign} <= {"403", "405"}, foreign
    assert len(foreign) >= 14
    evil.evaluate("target => { document.querySelector('iframe').src = target + '/' }", service.url)
    evil.wait_for_function("document.querySelector('iframe').contentDocument === null")
    assert _state(page) == before, "the victim has what they had"
    page.reload()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()


def test_an_attackers_answer_does_not_sign_the_victim_in_as_the_attacker(
    page: Page, service: Service, idp: IdentityProvider
) -> None:
    idp.user |= {"sub": "attacker", "preferred_username": "attacker"}
    begun = httpx.get(f"{service.url}/api/v1/auth/oidc/corp/login")
    stolen = httpx.get(begun.headers["location"]).headers["location"]
    idp.user |= {"sub": "u-1", "preferred_username": "alice"}
    page.goto(stolen)
    expect(page.get_by_role("alert")).to_contain_text("no sign-in that was begun in this browser")
    assert page.context.cookies() == []
    _sign_in(page, service)
    page.goto(stolen)
    expect(page.locator(".bar-user")).to_contain_text("alice")


def test_a_name_that_is_rebound_to_the_service_is_not_answered(page: Page, service: Service) -> None:
    port = urlsplit(service.url).port
    for path in ("/", "/api/v1/health", "/assets/x.js"):
        answer = page.goto(f"http://evil.test:{port}{path}")
        assert answer is not None
        assert answer.status == 400
        assert json.loads(answer.body())["error"]["code"] == "INVALID_REQUEST"


def test_no_page_breaks_its_own_content_security_policy(page: Page, service: Service) -> None:
    page.add_init_script(
        "window.broken = []; document.addEventListener('securitypolicyviolation', "
        "event => window.broken.push(event.violatedDirective + ' ' + event.blockedURI))"
    )
    _sign_in(page, service)
    for path in ("/", "/benchmarks/new", "/providers", "/nothing-here", "/benchmarks/none", "/signin?error=flow"):
        page.goto(service.url + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.broken") == [], path
    page.evaluate("document.head.append(Object.assign(document.createElement('script'), {text: 'window.hacked = 1'}))")
    assert page.evaluate("window.hacked") is None


def test_the_graphql_page_asks_follows_and_shows_the_schema(page: Page, service: Service) -> None:
    page.add_init_script(
        "window.broken = []; document.addEventListener('securitypolicyviolation', "
        "event => window.broken.push(event.violatedDirective + ' ' + event.blockedURI))"
    )
    _sign_in(page, service)
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(f"{service.url}/graphql")
    page.get_by_label("Operation", exact=True).last.fill("{ me { username permissions } }")
    page.get_by_role("button", name="Run").click()
    answer = page.locator("#answer")
    expect(answer).to_contain_text('"username": "alice"')
    page.get_by_label("Operation", exact=True).last.fill(
        "subscription { metricsStream(intervalSeconds: 1) { timestamp } }"
    )
    page.keyboard.press("Control+Enter")
    expect(answer).to_contain_text("timestamp")
    page.get_by_role("button", name="Stop").click()
    page.locator("#search").fill("alertsStream")
    expect(page.locator("#docs")).to_contain_text("alertsStream")
    assert page.evaluate("window.broken") == []
    assert troubles == []
