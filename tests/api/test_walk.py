"""Walks every route as everyone: deny by default, from the first route on."""

import inspect
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from app.accounts.permissions import ROLE_PERMISSIONS, Permission, Role
from app.api import PUBLIC_PATHS, permission_of
from app.core.settings import StorageSettings
from app.main import create_app
from tests.service import Running, service_settings

NARROW_SCOPE = Permission.PROVIDER_READ


class Route(NamedTuple):
    method: str
    template: str
    permission: str | None

    @property
    def path(self) -> str:
        return self.template.replace("{name}", "nothing").replace("{", "").replace("}", "")


def routes_of(app: FastAPI) -> Iterator[Route]:
    for context in iter_route_contexts(app.routes):
        for method in sorted(context.methods or {"WEBSOCKET"}):
            yield Route(method, str(context.path_format), permission_of(context.dependant))


def test_every_route_is_public_by_declaration_or_guarded(sqlite_settings: StorageSettings) -> None:
    app = create_app(service_settings(sqlite_settings))
    routes = [route for route in routes_of(app) if route.method != "WEBSOCKET"]

    undeclared = [route for route in routes if route.permission is None and route.template not in PUBLIC_PATHS]
    assert not undeclared, "guard these with require(...), or list them in PUBLIC_PATHS"
    both = [route for route in routes if route.permission is not None and route.template in PUBLIC_PATHS]
    assert not both, "these are guarded, so they are not public"
    gone = PUBLIC_PATHS - {route.template for route in routes}
    assert not gone, "PUBLIC_PATHS names routes that do not exist"


def _in_threads(dependant: Dependant) -> Iterator[str]:
    call = dependant.call
    asked = call if inspect.isroutine(call) else type(call).__call__  # an object that is called, as `require(...)`
    if call is not None and not (inspect.iscoroutinefunction(asked) or inspect.isasyncgenfunction(asked)):
        yield f"{call.__module__}.{getattr(call, '__qualname__', call)}"
    for part in dependant.dependencies:
        yield from _in_threads(part)


def test_no_request_is_handed_to_a_thread(sqlite_settings: StorageSettings) -> None:
    app = create_app(service_settings(sqlite_settings))
    found = {name for context in iter_route_contexts(app.routes) for name in _in_threads(context.dependant)}
    assert not {name for name in found if name.startswith("app.")}, "make these `async def`: a thread costs 100 µs"


def test_every_permission_is_known(sqlite_settings: StorageSettings) -> None:
    app = create_app(service_settings(sqlite_settings))
    assert {route.permission for route in routes_of(app) if route.permission} <= set(Permission)


async def _answers(client: httpx.AsyncClient, routes: list[Route]) -> dict[Route, int]:
    found = {}
    for route in routes:
        body: dict[str, str] | None = {} if route.method in {"POST", "PATCH", "PUT"} else None
        response = await client.request(route.method, route.path, json=body)
        found[route] = response.status_code
        if response.status_code >= 400:
            envelope = {"errors"} if route.path == "/graphql" else {"error", "request_id", "timestamp"}
            assert set(response.json()) == envelope, route
            assert response.status_code < 500 or route.path.endswith("health/ready"), (route, response.text)
    return found


async def test_anonymous_callers_get_nothing_that_is_not_public(running: Running) -> None:
    routes = list(routes_of(running.app))
    for route, status in (await _answers(running.anonymous, routes)).items():
        if route.permission is not None:
            assert status == 401, route


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_gets_what_its_permissions_say(running: Running, role: Role) -> None:
    client = await running.user("walker", role)
    await _check(running, client, ROLE_PERMISSIONS[role])


async def test_a_narrow_api_key_gets_only_its_scope(running: Running) -> None:
    admin = await running.admin()
    client = await running.api_key(admin, scopes=[NARROW_SCOPE])
    await _check(running, client, frozenset({NARROW_SCOPE}))


async def _check(running: Running, client: httpx.AsyncClient, permissions: frozenset[Permission]) -> None:
    routes = [route for route in routes_of(running.app) if route.permission is not None]
    assert routes
    for route, status in (await _answers(client, routes)).items():
        if route.permission in permissions:
            assert status not in {401, 403}, route
        else:
            assert status == 403, route


async def test_a_token_is_not_taken_from_the_address(running: Running) -> None:
    admin = await running.admin()
    token = admin.headers["Authorization"].removeprefix("Bearer ")
    for name in ("token", "access_token", "api_key"):
        assert (await running.anonymous.get("/api/v1/auth/me", params={name: token})).status_code == 401
