"""A browser that signs in at the test provider, and the service that sends it there."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import pytest

from app.core.settings import StorageSettings
from tests.accounts.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider, identity_provider
from tests.service import Running, running_service, service_settings

__all__ = ["_provider", "idp", "service"]

LOGIN = "/api/v1/auth/oidc/corp/login"


@pytest.fixture(scope="module")
def _provider() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def idp(_provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch) -> IdentityProvider:
    monkeypatch.setenv("OIDC_SECRET", CLIENT_SECRET)
    _provider.reset()
    return _provider


def oidc_settings(idp: IdentityProvider, **changes: Any) -> dict[str, Any]:
    return {
        "name": "corp",
        "label": "Example Corp",
        "issuer": idp.url,
        "client_id": CLIENT_ID,
        "client_secret": "env:OIDC_SECRET",
        "timeout_seconds": 5,
        **changes,
    }


@asynccontextmanager
async def oidc_service(idp: IdentityProvider, storage: StorageSettings, **changes: Any) -> AsyncIterator[Running]:
    settings = service_settings(storage, security={"oidc": [oidc_settings(idp, **changes)]})
    async with running_service(settings) as running:
        yield running


@pytest.fixture
async def service(idp: IdentityProvider, sqlite_settings: StorageSettings) -> AsyncIterator[Running]:
    async with oidc_service(idp, sqlite_settings) as running:
        yield running


async def answer_of_provider(browser: httpx.AsyncClient, path: str = LOGIN) -> str:
    """Begin in `browser`, sign in at the provider; the address that the provider sends the browser back to."""
    begun = await browser.get(path)
    assert begun.status_code == 303, begun.text
    async with httpx.AsyncClient() as at_provider:
        answer = await at_provider.get(begun.headers["location"])
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def sign_in(browser: httpx.AsyncClient, path: str = LOGIN) -> httpx.Response:
    return await browser.get(await answer_of_provider(browser, path))


def reason_of(response: httpx.Response) -> str:
    """Why the sign-in page was opened; "in" after a success."""
    assert response.status_code == 303, response.text
    location = urlsplit(response.headers["location"])
    assert (location.netloc, location.path) == ("", "/signin")
    return parse_qs(location.query).get("error", ["in"])[0]


def with_changes(url: str, **changes: str | None) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query)) | changes
    return urlunsplit(parts._replace(query=urlencode({name: text for name, text in query.items() if text is not None})))
