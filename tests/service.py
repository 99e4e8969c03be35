"""A running service for tests: the real app in this process, and clients of each role. Rooms import the fixtures."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from app.accounts.permissions import Role
from app.accounts.users import system_caller
from app.core.settings import Settings, StorageSettings, load_settings
from app.main import create_app

__all__ = ["PASSWORD", "FakeClock", "Running", "running", "running_service", "service_settings"]

PASSWORD = "a long enough password"
BASE_URL = "http://127.0.0.1:8080"


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def advance(self, **parts: float) -> None:
        self.time += timedelta(**parts)


@dataclass
class Running:
    """The app and ways to talk to it."""

    app: FastAPI
    stack: AsyncExitStack

    @property
    def anonymous(self) -> httpx.AsyncClient:
        return self._client({})

    async def admin(self) -> httpx.AsyncClient:
        if self.app.state.generated_admin_password is None:
            return await self.user("admin2", Role.ADMIN)
        return await self.signed_in("admin", self.app.state.generated_admin_password)

    async def user(self, username: str, role: Role) -> httpx.AsyncClient:
        """A bearer-token client of a fresh user."""
        await self.app.state.accounts.users.create(system_caller(), username, PASSWORD, role)
        return await self.signed_in(username, PASSWORD)

    async def signed_in(self, username: str, password: str) -> httpx.AsyncClient:
        response = await self.anonymous.post("/api/v1/auth/login", json={"username": username, "password": password})
        assert response.status_code == 200, response.text
        return self.bearer(response.json()["access_token"])

    async def api_key(self, owner: httpx.AsyncClient, **body: Any) -> httpx.AsyncClient:
        response = await owner.post("/api/v1/auth/apikey", json={"name": "test", **body})
        assert response.status_code == 201, response.text
        return self.bearer(response.json()["key"])

    def bearer(self, token: str) -> httpx.AsyncClient:
        return self._client({"Authorization": f"Bearer {token}"})

    def _client(self, headers: dict[str, str]) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, client=("127.0.0.9", 50_000)), base_url=BASE_URL, headers=headers
        )
        self.stack.push_async_callback(client.aclose)
        return client


def service_settings(storage: StorageSettings, **sections: Any) -> Settings:
    """Settings for `storage`, with further sections as in `load_settings`."""
    sections.setdefault("security", {}).setdefault("login_attempts_per_minute", 1000)
    sections.setdefault("demo", {"enable": False})
    return load_settings(storage=storage.model_dump(), **sections)


@asynccontextmanager
async def running_service(settings: Settings) -> AsyncIterator[Running]:
    """The app of `settings`, started; stopped at the end."""
    app = create_app(settings)
    async with AsyncExitStack() as stack, LifespanManager(app, startup_timeout=30, shutdown_timeout=30):
        yield Running(app, stack)


@pytest.fixture
async def running(sqlite_settings: StorageSettings) -> AsyncIterator[Running]:
    """A service on a fresh SQLite database."""
    async with running_service(service_settings(sqlite_settings)) as found:
        yield found
