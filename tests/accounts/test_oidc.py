"""Signing in at a real identity provider, and every wrong answer that it, or somebody in between, may give."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select
from starlette.responses import JSONResponse, Response

from app.accounts.models import AuditEntry, User
from app.accounts.permissions import Role
from app.accounts.users import system_caller
from app.core.errors import ConfigError
from app.core.settings import StorageSettings, load_settings
from tests.accounts.identity_provider import CLIENT_ID, IdentityProvider
from tests.accounts.oidc_browser import (
    LOGIN,
    _provider,
    answer_of_provider,
    idp,
    oidc_service,
    oidc_settings,
    reason_of,
    service,
    sign_in,
    with_changes,
)
from tests.service import PASSWORD, Running, running_service, service_settings

__all__ = ["_provider", "idp", "service"]

OWN = "http://127.0.0.1:8080"


async def test_a_first_sign_in_makes_a_user_and_the_next_finds_them_by_issuer_and_subject(
    service: Running, idp: IdentityProvider
) -> None:
    browser = service.anonymous
    methods = (await browser.get("/api/v1/auth/methods")).json()
    assert methods["oidc"][0]["label"] == "Example Corp"
    begun = await browser.get(methods["oidc"][0]["login_url"])
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    cookie = begun.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert asked["state"][0] not in cookie
    assert asked["nonce"][0] not in cookie

    done = await sign_in(browser, f"{LOGIN}?next=/providers%3Fa%3Db")
    assert done.headers["location"] == "/signin?via=corp&next=%2Fproviders%3Fa%3Db"
    cookies = [text for text in done.headers.get_list("set-cookie") if "Max-Age=0" not in text]
    assert len(cookies) == 2
    assert all("HttpOnly" in text and "SameSite=strict" in text for text in cookies)
    me = (await browser.get("/api/v1/auth/me")).json()
    assert (me["username"], me["role"]) == ("alice", "viewer")

    idp.user |= {"preferred_username": "renamed", "email": "new@example.com"}
    other = service.anonymous
    assert reason_of(await sign_in(other)) == "in"
    assert (await other.get("/api/v1/auth/me")).json()["id"] == me["id"]
    refreshed = await other.post("/api/v1/auth/refresh", headers={"Origin": OWN})
    assert refreshed.status_code == 200
    async with service.app.state.database.read() as session:
        actions = [entry.action for entry in await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))]
    assert actions[-4:] == ["user.create", "auth.login", "user.update", "auth.login"]


def _unsigned(_header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [json.dumps({"alg": "none"}), json.dumps(claims)]
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts) + "."


def _stranger(header: dict[str, Any], claims: dict[str, Any]) -> str:
    key = RSAKey.generate_key(2048)
    # The header brings its own key along, as an attacker would like it to be used (CVE-2026-27962).
    return jwt.encode({**header, "jwk": key.as_dict(private=False)}, claims, key)


@dataclass(frozen=True)
class _Wrong:
    """Something that a provider, or somebody in between, does wrong."""

    what: str
    reason: str
    faults: Callable[[IdentityProvider], dict[str, Any]] = lambda _: {}
    returned: dict[str, str | None] | None = None
    """Changes to the address that the browser comes back to."""


_NOW = time.time()
_WRONG = [
    _Wrong("wrong nonce", "answer", lambda _: {"claims": {"nonce": "another"}}),
    _Wrong("no nonce", "answer", lambda _: {"claims": {"nonce": None}}),
    _Wrong("nonce of another type", "answer", lambda _: {"claims": {"nonce": ["x"]}}),
    _Wrong("expired", "answer", lambda _: {"claims": {"exp": int(_NOW) - 3600, "iat": int(_NOW) - 7200}}),
    _Wrong("no expiry", "answer", lambda _: {"claims": {"exp": None}}),
    _Wrong("expiry of another type", "answer", lambda _: {"claims": {"exp": "tomorrow"}}),
    _Wrong("infinite expiry", "answer", lambda _: {"claims": {"exp": float("inf")}}),
    _Wrong("issued in the future", "answer", lambda _: {"claims": {"iat": int(_NOW) + 3600}}),
    _Wrong("not yet valid", "answer", lambda _: {"claims": {"nbf": int(_NOW) + 3600}}),
    _Wrong("wrong audience", "answer", lambda _: {"claims": {"aud": "another-client"}}),
    _Wrong("audience that contains ours", "answer", lambda _: {"claims": {"aud": f"{CLIENT_ID}-2"}}),
    _Wrong("more audiences without azp", "answer", lambda _: {"claims": {"aud": [CLIENT_ID, "other"]}}),
    _Wrong("azp of another", "answer", lambda _: {"claims": {"aud": [CLIENT_ID, "other"], "azp": "other"}}),
    _Wrong("wrong issuer", "answer", lambda _: {"claims": {"iss": "https://evil.example"}}),
    _Wrong("issuer with a slash more", "answer", lambda idp: {"claims": {"iss": f"{idp.url}/"}}),
    _Wrong("no subject", "answer", lambda _: {"claims": {"sub": None}}),
    _Wrong("empty subject", "answer", lambda _: {"claims": {"sub": ""}}),
    _Wrong("subject of another type", "answer", lambda _: {"claims": {"sub": 7}}),
    _Wrong("endless subject", "answer", lambda _: {"claims": {"sub": "x" * 300}}),
    _Wrong("wrong at_hash", "answer", lambda _: {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}}),
    _Wrong("at_hash of another type", "answer", lambda _: {"claims": {"at_hash": 5}}),
    _Wrong("alg none", "answer", lambda _: {"sign": _unsigned}),
    _Wrong("HS256 with the public key", "answer", lambda idp: {"sign": idp.sign_with_public_key}),
    _Wrong("a stranger's key", "answer", lambda _: {"sign": _stranger}),
    _Wrong("unknown key id", "answer", lambda _: {"header": {"kid": "never-published"}}),
    _Wrong("an extension that we do not know", "answer", lambda _: {"header": {"crit": ["exp"], "exp": 1}}),
    _Wrong("no ID token", "answer", lambda _: {"token_answer": lambda _: JSONResponse({"access_token": "x"})}),
    _Wrong("ID token of another type", "answer", lambda _: {"token_answer": lambda _: JSONResponse({"id_token": [1]})}),
    _Wrong("not JSON", "answer", lambda _: {"token_answer": lambda _: Response("<html>")}),
    _Wrong("a list", "answer", lambda _: {"token_answer": lambda t: JSONResponse([t])}),
    _Wrong("deeply nested", "answer", lambda _: {"token_answer": lambda _: Response("[" * 200_000)}),
    _Wrong("oversize", "answer", lambda _: {"token_answer": lambda t: JSONResponse(t | {"x": "y" * 300_000})}),
    _Wrong("token endpoint fails", "unreachable", lambda _: {"token_answer": lambda _: Response("", 502)}),
    _Wrong("redirect instead of tokens", "unreachable", lambda _: {"token_answer": lambda _: Response("", 307)}),
    _Wrong("error at 200", "answer", lambda _: {"token_answer": lambda _: JSONResponse({"error": "odd"})}),
    _Wrong("access denied", "denied", lambda _: {"error": "access_denied"}),
    _Wrong("unknown client", "config", lambda _: {"error": "unauthorized_client"}),
    _Wrong("provider's own failure", "unreachable", lambda _: {"error": "temporarily_unavailable"}),
    _Wrong("mix-up: another issuer answers", "flow", lambda _: {"answer_issuer": "https://evil.example"}),
    _Wrong("no issuer where one is announced", "flow", lambda _: {"answer_issuer": None}),
    _Wrong("wrong state", "flow", returned={"state": "another"}),
    _Wrong("same first letters of state", "flow", returned={"state": "keep16"}),
    _Wrong("no state", "flow", returned={"state": None}),
    _Wrong("no code", "answer", returned={"code": None}),
    _Wrong("a made-up code", "answer", returned={"code": "made-up"}),
]


async def test_every_wrong_answer_is_refused_and_signs_nobody_in(service: Running, idp: IdentityProvider) -> None:
    found = {}
    for wrong in _WRONG:
        idp.reset()
        # Never more than one key set fetch for unknown keys; each case starts without that memory.
        service.app.state.oidc._providers["corp"].keys._last_forced = None
        for name, value in wrong.faults(idp).items():
            setattr(idp.faults, name, value)
        browser = service.anonymous
        url = await answer_of_provider(browser)
        if wrong.returned:
            state = dict(parse_qsl(urlsplit(url).query))["state"]
            changes = {name: state[:16] + "x" if text == "keep16" else text for name, text in wrong.returned.items()}
            url = with_changes(url, **changes)
        response = await browser.get(url)
        found[wrong.what] = reason_of(response)
        assert "marker-description" not in response.headers["location"]
        assert (await browser.get("/api/v1/auth/me")).status_code == 401, wrong.what
        assert not [text for text in response.headers.get_list("set-cookie") if "ltb_access" in text], wrong.what
    assert found == {wrong.what: wrong.reason for wrong in _WRONG}
    assert len(await service.app.state.accounts.users.list()) == 1, "the administrator only"


async def test_an_answer_works_once_and_only_in_the_browser_that_asked(service: Running, idp: IdentityProvider) -> None:
    victim, attacker = service.anonymous, service.anonymous
    stolen = await answer_of_provider(attacker)
    assert reason_of(await victim.get(stolen)) == "flow", "login CSRF: the victim has no flow"
    await victim.get(LOGIN)
    assert reason_of(await victim.get(stolen)) == "flow", "the victim has a flow of their own"

    cookies = dict(attacker.cookies)
    assert reason_of(await attacker.get(stolen)) == "in"
    again = service.anonymous
    again.cookies.update(cookies)  # the cookie was copied before it was cleared
    assert reason_of(await again.get(stolen)) == "flow", "replayed"
    twice = await answer_of_provider(again)
    assert reason_of(await again.get(f"{twice}&state=two")) == "flow", "a parameter that comes twice"


async def test_another_replica_finishes_what_one_began(idp: IdentityProvider, sqlite_settings: StorageSettings) -> None:
    async with oidc_service(idp, sqlite_settings) as one, oidc_service(idp, sqlite_settings) as two:
        begun, finished = one.anonymous, two.anonymous
        url = await answer_of_provider(begun)
        cookies = dict(begun.cookies)
        finished.cookies.update(cookies)
        assert reason_of(await finished.get(url)) == "in"
        assert reason_of(await begun.get(url)) == "flow", "spent, although this replica did not see it"


async def test_keys_rotate_and_made_up_key_ids_cost_one_fetch_a_minute(service: Running, idp: IdentityProvider) -> None:
    assert reason_of(await sign_in(service.anonymous)) == "in"
    assert idp.faults.key_sets_asked == 1
    idp.keys = [idp.key, idp.new_key("fresh")]
    assert reason_of(await sign_in(service.anonymous)) == "in"
    assert idp.faults.key_sets_asked == 2
    for _ in range(3):
        idp.faults.header = {"kid": "made-up"}
        assert reason_of(await sign_in(service.anonymous)) == "answer"
    assert idp.faults.key_sets_asked == 2


async def test_a_provider_that_is_down_slow_or_someone_else_is_told_on_the_sign_in_page(
    idp: IdentityProvider, sqlite_settings: StorageSettings
) -> None:
    by_name = idp.url.replace("127.0.0.1", "localhost")
    providers = [
        oidc_settings(idp),
        oidc_settings(idp, name="slow", issuer=by_name, timeout_seconds=0.3),
        oidc_settings(idp, name="down", issuer="http://127.0.0.1:1"),
        oidc_settings(idp, name="private", issuer="https://10.1.2.3"),
    ]
    async with running_service(service_settings(sqlite_settings, security={"oidc": providers})) as several:
        idp.faults.delay_seconds = 60
        started = time.monotonic()
        assert reason_of(await several.anonymous.get(LOGIN.replace("corp", "slow"))) == "unreachable"
        assert time.monotonic() - started < 30
        idp.reset()
        for name in ("down", "private"):
            assert reason_of(await several.anonymous.get(LOGIN.replace("corp", name))) == "unreachable"
        for fault in ({"issuer": "https://evil.example"}, {"token_endpoint": "file:///etc/passwd"}, {"jwks_uri": None}):
            idp.faults.discovery = fault
            assert reason_of(await several.anonymous.get(LOGIN)) == "answer", fault
    idp.reset()
    async with oidc_service(idp, sqlite_settings, client_secret="env:NOT_SET") as unset:
        assert reason_of(await sign_in(unset.anonymous)) == "config"


async def test_groups_and_domains_decide_who_comes_in_and_as_what(
    idp: IdentityProvider, sqlite_settings: StorageSettings
) -> None:
    rules = {
        "role_map": {"ops": "admin", "staff": "user"},
        "allowed_groups": ["staff", "ops"],
        "allowed_domains": ["example.com"],
        "group_claim": "realm.groups",
    }
    async with oidc_service(idp, sqlite_settings, **rules) as service:

        async def role_of(**claims: Any) -> str:
            idp.user |= claims
            browser = service.anonymous
            reason = reason_of(await sign_in(browser))
            return str((await browser.get("/api/v1/auth/me")).json()["role"]) if reason == "in" else reason

        assert await role_of() == "not_allowed"
        assert await role_of(realm={"groups": ["staff"]}) == "user"
        assert await role_of(realm={"groups": ["staff", "ops"]}) == "admin", "the first entry that fits"
        assert await role_of(realm={"groups": "staff"}) == "user", "taken away at the next sign-in"
        assert await role_of(email_verified=False) == "not_allowed"
        assert await role_of(email_verified=True, email="alice@example.com.evil.example") == "not_allowed"
        idp.user.pop("email")
        idp.faults.user_info = {"email": "alice@EXAMPLE.com", "email_verified": True}
        assert await role_of() == "user", "asked at the user-info endpoint"
        idp.faults.user_info = {"sub": "somebody-else"}
        assert await role_of() == "answer"


async def test_the_provider_cannot_take_the_last_administrator_away(
    idp: IdentityProvider, sqlite_settings: StorageSettings
) -> None:
    rules = {"role_map": {"ops": "admin", "staff": "user"}, "group_claim": "groups"}
    async with oidc_service(idp, sqlite_settings, **rules) as service:
        browser = service.anonymous
        idp.user["groups"] = ["ops"]
        assert reason_of(await sign_in(browser)) == "in"
        users = service.app.state.accounts.users
        await users.set_active(system_caller(), "admin", is_active=False)
        idp.user["groups"] = ["staff"]
        assert reason_of(await sign_in(browser)) == "in"
        assert (await browser.get("/api/v1/auth/me")).json()["role"] == "admin", "nobody else could make another one"
        await users.set_active(system_caller(), "admin", is_active=True)
        assert reason_of(await sign_in(browser)) == "in"
        assert (await browser.get("/api/v1/auth/me")).json()["role"] == "user", "now somebody else can"
        async with service.app.state.database.read() as session:
            kept = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "user.keep_role"))).all()
        assert len(kept) == 1


async def test_nobody_takes_over_an_account_by_its_name(service: Running, idp: IdentityProvider) -> None:
    names = []
    for subject, name in (
        ("s1", "admin"),
        ("s2", "ADMIN"),
        ("s3", "admin"),
        ("s4", "system"),
        ("s5", "Zoë  Müller\0<script>"),
        ("s6", None),
    ):
        idp.user = {"sub": subject, "preferred_username": name, "email": "not an address", "groups": 5}
        browser = service.anonymous
        assert reason_of(await sign_in(browser)) == "in"
        me = (await browser.get("/api/v1/auth/me")).json()
        assert me["role"] == "viewer"
        names.append(me["username"])
    assert names == ["admin-corp", "user-corp", "user-corp-2", "user-corp-3", "Zoe-Muller-script", "user-corp-4"]


async def test_an_email_address_links_only_where_configured_and_verified(
    idp: IdentityProvider, sqlite_settings: StorageSettings
) -> None:
    async with oidc_service(idp, sqlite_settings, link_by_email=True, team_claim="department") as service:
        local = await service.user("local", Role.USER)
        key = await service.api_key(local)
        async with service.app.state.database.write() as session:
            (await session.scalars(select(User).where(User.username == "local"))).one().email = "Alice@Example.com"

        async def name_of(**claims: Any) -> str:
            idp.user |= claims
            browser = service.anonymous
            assert reason_of(await sign_in(browser)) == "in"
            return str((await browser.get("/api/v1/auth/me")).json()["username"])

        assert await name_of(sub="thief", preferred_username="thief", email_verified=False) == "thief"
        assert await name_of(sub="u-1", email_verified=True, department=["bench"]) == "local"
        assert await name_of(sub="u-2", preferred_username="alice2") == "alice2", "the account has a subject now"
        async with service.app.state.database.read() as session:
            user = (await session.scalars(select(User).where(User.username == "local"))).one()
        assert (user.role, user.team) == ("user", "bench")
        # Whoever made the account may not have been the address's owner (pre-hijacking): all they hold has ended.
        assert (await local.get("/api/v1/auth/me")).status_code == 401
        assert (await key.get("/api/v1/auth/me")).status_code == 401
        body = {"username": "local", "password": PASSWORD}
        assert (await service.anonymous.post("/api/v1/auth/login", json=body)).status_code == 401


async def test_disabled_users_and_strangers_stay_outside(
    idp: IdentityProvider, sqlite_settings: StorageSettings
) -> None:
    async with oidc_service(idp, sqlite_settings) as service:
        browser = service.anonymous
        assert reason_of(await sign_in(browser)) == "in"
        async with service.app.state.database.write() as session:
            user = (await session.scalars(select(User).where(User.username == "alice"))).one()
            user.is_active = False
        assert (await browser.get("/api/v1/auth/me")).status_code == 401
        assert reason_of(await sign_in(browser)) == "disabled"
    async with oidc_service(idp, sqlite_settings, auto_create=False) as closed:
        await closed.app.state.accounts.users.create(system_caller(), "bob", PASSWORD, Role.USER)
        idp.user = {"sub": "bob", "preferred_username": "bob"}
        assert reason_of(await sign_in(closed.anonymous)) == "no_account"


async def test_nobody_is_sent_away(service: Running) -> None:
    for next_path in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "evil.example",
        "",
        "/" + "a" * 2000,
    ):
        done = await sign_in(service.anonymous, f"{LOGIN}?{urlencode({'next': next_path})}")
        assert done.headers["location"] == "/signin?via=corp&next=%2F", next_path


async def test_signing_out_there_too(service: Running, idp: IdentityProvider) -> None:
    browser = service.anonymous
    assert reason_of(await sign_in(browser)) == "in"
    away = await browser.get("/api/v1/auth/oidc/corp/logout")
    asked = parse_qs(urlsplit(away.headers["location"]).query)
    assert away.headers["location"].startswith(f"{idp.url}/end?")
    assert asked["post_logout_redirect_uri"] == ["http://127.0.0.1:8080/signin"]

    now = int(time.time())
    event: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    good = {"iss": idp.url, "aud": CLIENT_ID, "iat": now, "exp": now + 60, "jti": "j", "sub": "u-1", "events": event}
    place = "/api/v1/auth/oidc/corp/backchannel-logout"
    changes: dict[str, Any]
    for changes in (
        {"nonce": "n"},
        {"aud": "x"},
        {"iat": now - 3600},
        {"iat": now + 3600},
        {"iat": float("nan")},
        {"exp": now - 3600},
        {"events": {}},
        {"iss": "x"},
        {"sub": None},
    ):
        token = idp.sign(good | changes)
        assert (await service.anonymous.post(place, data={"logout_token": token})).status_code == 400, changes
    assert (await service.anonymous.post(place, data={"logout_token": "x"})).status_code == 400
    assert (await browser.get("/api/v1/auth/me")).status_code == 200
    assert (await service.anonymous.post(place, data={"logout_token": idp.sign(good)})).status_code == 200
    trail = await (await service.admin()).get("/api/v1/audit", params={"action": "auth.logout"})
    assert [entry["actor_name"] for entry in trail.json()["items"]] == ["oidc:corp"]
    assert (await browser.get("/api/v1/auth/me")).status_code == 401


async def test_flows_do_not_fill_the_browser(service: Running) -> None:
    browser = service.anonymous
    for _ in range(8):
        await browser.get(LOGIN)
    assert len([name for name in browser.cookies if name.startswith("ltb_oidc_")]) == 5


async def test_off_loopback_cookies_have_the_prefixes_that_browsers_enforce(
    idp: IdentityProvider, sqlite_settings: StorageSettings
) -> None:
    settings = service_settings(
        sqlite_settings,
        security={"oidc": [oidc_settings(idp)]},
        server={"allowed_hosts": ["bench.example"], "public_url": "https://bench.example/"},
    )
    async with running_service(settings) as service:
        browser = httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="https://bench.example")
        async with browser:
            begun = await browser.get(LOGIN)
            assert begun.headers["set-cookie"].startswith("__Host-ltb_oidc_")
            asked = parse_qs(urlsplit(begun.headers["location"]).query)
            assert asked["redirect_uri"] == ["https://bench.example/api/v1/auth/oidc/corp/callback"]
            done = await sign_in(browser)
            cookies = [text for text in done.headers.get_list("set-cookie") if "Max-Age=0" not in text]
            assert [text.split("=")[0] for text in cookies] == ["__Host-ltb_access", "__Secure-ltb_refresh"]
            assert all("Secure" in text for text in cookies)
            assert (await browser.get("/api/v1/auth/me")).status_code == 200
            token = browser.cookies["__Host-ltb_access"]
        planted = httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="https://bench.example")
        async with planted:
            tossed = await planted.get("/api/v1/auth/me", headers={"Cookie": f"ltb_access={token}"})
            assert tossed.status_code == 401, "a neighbouring subdomain can plant this name"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"issuer": "http://idp.example"}, "https://"),
        ({"issuer": "https://user@idp.example"}, "credentials"),
        ({"client_secret": "the secret itself"}, "reference"),
        ({"algorithms": ["HS256"]}, "RS256"),
        ({"algorithms": ["none"]}, "RS256"),
        ({"scopes": ["email"]}, "openid"),
        ({"networks": ["everywhere"]}, "everywhere"),
        ({"name": "../x"}, "pattern"),
    ],
)
def test_a_wrong_configuration_is_named(changes: dict[str, Any], message: str) -> None:
    good = {"name": "corp", "issuer": "https://idp.example", "client_id": "x"}
    load_settings(security={"oidc": [good]})
    load_settings(security={"oidc": {"issuer": "https://idp.example", "client_id": "x"}})
    with pytest.raises(ConfigError, match=message):
        load_settings(security={"oidc": [good | changes]})
    with pytest.raises(ConfigError, match="same name"):
        load_settings(security={"oidc": [good, good]})


async def test_a_role_that_does_not_exist_stops_the_start(
    idp: IdentityProvider, sqlite_settings: StorageSettings
) -> None:
    with pytest.raises(ConfigError, match="there is no role 'root'"):
        async with oidc_service(idp, sqlite_settings, role_map={"ops": "root"}):
            pass
