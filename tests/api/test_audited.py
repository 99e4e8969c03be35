"""Every route that changes something leaves an audit row; routes are walked, so that a new one is not forgotten."""

from typing import Any

import httpx
from sqlalchemy import func, select

from app.accounts.models import AuditEntry
from tests.api.test_walk import routes_of
from tests.factories import Rows, make_spec
from tests.service import PASSWORD, Running

API = "/api/v1"
CHANGES_NOTHING = {
    ("POST", f"{API}/auth/refresh"): "renews what was signed in; its reuse is audited",
    ("POST", f"{API}/results/export"): "reads",
    ("POST", f"{API}/benchmarks/bulk/export"): "reads",
    ("POST", "/graphql"): "its mutations are calls of the services behind the routes that are walked here",
    ("POST", f"{API}/benchmarks/validate"): "stores nothing",
    ("POST", f"{API}/providers/{{name}}/health"): "asks the provider",
    ("POST", f"{API}/auth/oidc/{{name}}/backchannel-logout"): "audited; tests/accounts/test_oidc.py has the provider",
}


async def _rows(running: Running) -> int:
    async with running.app.state.database.read() as session:
        return await session.scalar(select(func.count()).select_from(AuditEntry)) or 0


async def test_every_change_is_audited(running: Running) -> None:
    admin = await running.admin()
    spare = await running.signed_in("admin", running.app.state.generated_admin_password)
    rows = Rows(running.app.state.database)
    ended = await rows.session(status="completed")
    other = await rows.session(status="failed")

    async def new_sign_in() -> str:
        await running.signed_in("admin", running.app.state.generated_admin_password)
        sessions = (await admin.get(f"{API}/auth/sessions")).json()
        return str(next(item["id"] for item in sessions if not item["current"]))

    async def new_key() -> str:
        return str((await admin.post(f"{API}/auth/apikey", json={"name": "k"})).json()["id"])

    async def new_waiting() -> str:
        """Made at the last moment: the runner takes what waits whenever a benchmark is submitted."""
        return str((await rows.session(status="pending")).id)

    async def call(method: str, path: str, **options: Any) -> httpx.Response:
        return await admin.request(method, f"{API}{path}", **options)

    login = {"username": "admin", "password": running.app.state.generated_admin_password}
    spec = make_spec(targets=[{"provider": "p", "model": "m"}])
    provider = {"name": "p", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1"}
    # In this order: what is removed has been made before.
    walk: list[tuple[str, str, Any]] = [
        ("POST", "/auth/login", lambda: running.anonymous.post(f"{API}/auth/login", json=login)),
        ("POST", "/auth/logout", lambda: spare.post(f"{API}/auth/logout")),
        ("POST", "/auth/apikey", lambda: call("POST", "/auth/apikey", json={"name": "k"})),
        ("DELETE", "/auth/apikey", lambda key: call("DELETE", "/auth/apikey", params={"id": key})),
        ("DELETE", "/auth/sessions/{session_id}", lambda one: call("DELETE", f"/auth/sessions/{one}")),
        ("DELETE", "/auth/sessions", lambda: call("DELETE", "/auth/sessions")),
        ("POST", "/users", lambda: call("POST", "/users", json={"username": "ada", "password": PASSWORD})),
        ("PATCH", "/users/{username}", lambda: call("PATCH", "/users/ada", json={"role": "user"})),
        ("POST", "/users/{username}/password", lambda: call("POST", "/users/ada/password")),
        ("DELETE", "/users/{username}/sessions", lambda: call("DELETE", "/users/ada/sessions")),
        ("DELETE", "/users/{username}", lambda: call("DELETE", "/users/ada")),
        ("POST", "/providers", lambda: call("POST", "/providers", json=provider)),
        ("PATCH", "/providers/{name}", lambda: call("PATCH", "/providers/p", json={"default_model": "m"})),
        ("POST", "/benchmarks", lambda: call("POST", "/benchmarks", json=spec)),
        (
            "PATCH",
            "/benchmarks/{benchmark_id}",
            lambda: call("PATCH", f"/benchmarks/{ended.id}", json={"name": "n"}),
        ),
        (
            "POST",
            "/benchmarks/bulk/update",
            lambda: call("POST", "/benchmarks/bulk/update", json={"items": [{"id": str(ended.id)}], "add_tags": ["t"]}),
        ),
        (
            "POST",
            "/benchmarks/bulk/delete",
            lambda: call("POST", "/benchmarks/bulk/delete", json={"items": [{"id": str(other.id)}]}),
        ),
        ("POST", "/benchmarks/{benchmark_id}/cancel", lambda waiting: call("POST", f"/benchmarks/{waiting}/cancel")),
        ("DELETE", "/benchmarks/{benchmark_id}", lambda: call("DELETE", f"/benchmarks/{ended.id}")),
        ("PATCH", "/settings", lambda: call("PATCH", "/settings", json={"retention_days": 9})),
        ("PUT", "/me/preferences", lambda: call("PUT", "/me/preferences", json={"document": {"theme": "dark"}})),
        ("DELETE", "/providers/{name}", lambda: call("DELETE", "/providers/p")),
        (
            "POST",
            "/auth/password",
            lambda: call("POST", "/auth/password", json={"old_password": login["password"], "new_password": PASSWORD}),
        ),
    ]
    prepared = {
        ("DELETE", "/auth/apikey"): new_key,
        ("DELETE", "/auth/sessions/{session_id}"): new_sign_in,
        ("POST", "/benchmarks/{benchmark_id}/cancel"): new_waiting,
    }
    for method, path, step in walk:
        given = [await prepared[(method, path)]()] if (method, path) in prepared else []
        before = await _rows(running)
        answer = await step(*given)
        assert answer.is_success, (method, path, answer.text)
        assert await _rows(running) > before, f"{method} {path} left no audit row"

    changing = {
        (route.method, route.template)
        for route in routes_of(running.app)
        if route.method in {"POST", "PUT", "PATCH", "DELETE"}
    }
    walked = {(method, API + path) for method, path, _ in walk}
    assert changing - walked - set(CHANGES_NOTHING) == set(), "walk these too, or say why they change nothing"
