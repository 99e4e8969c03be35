"""GraphQL over the running app, and over a real server for clients that need a socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from sqlalchemy import event

from app.core.database import Database
from app.core.settings import Settings, StorageSettings
from app.main import create_app
from tests.realtime.conftest import Server
from tests.service import Running, running, service_settings

__all__ = ["running"]

_COUNTING: ContextVar[bool] = ContextVar("counting", default=False)


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """The answer to an operation."""
    response = await client.post("/graphql", json={"query": query, "variables": variables})
    assert response.status_code == 200, response.text
    answer = response.json()
    assert isinstance(answer, dict)
    return answer


async def data(client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    """The data of an operation that must go well."""
    answer = await ask(client, query, **variables)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


async def error(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """The first error of an operation that must fail, as code, message and details."""
    answer = await ask(client, query, **variables)
    assert answer.get("errors"), answer
    first = answer["errors"][0]
    return {"message": first["message"], **first["extensions"]}


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements of what the block asks for; those of background tasks do not count."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if _COUNTING.get():
            seen.append(statement)

    token = _COUNTING.set(True)
    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
        _COUNTING.reset(token)


@dataclass
class Served:
    """A real server."""

    app: FastAPI
    address: str
    running: Running

    @property
    def url(self) -> str:
        return f"http://{self.address}/graphql"

    @property
    def socket_url(self) -> str:
        return f"ws://{self.address}/graphql"

    async def token(self) -> str:
        """A fresh sign-in of the administrator."""
        client = await self.running.admin()
        return client.headers["Authorization"].removeprefix("Bearer ")


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Served]:
    """The app of `settings` on a port of its own."""
    app = create_app(settings)
    async with AsyncExitStack() as stack, LifespanManager(app, startup_timeout=30, shutdown_timeout=30):
        config = uvicorn.Config(
            app, ws="websockets-sansio", log_config=None, lifespan="off", timeout_graceful_shutdown=5
        )
        server = Server(config)
        listener = socket.create_server(("127.0.0.1", 0))
        task = asyncio.create_task(server.serve([listener]))
        await asyncio.wait_for(server.listening.wait(), 20)
        try:
            yield Served(app, f"127.0.0.1:{listener.getsockname()[1]}", Running(app, stack))
        finally:
            app.state.subscribers.close()
            server.should_exit = True
            await task


@pytest.fixture
async def served(sqlite_settings: StorageSettings) -> AsyncIterator[Served]:
    """A real server that checks identities twice a second."""
    async with serving(service_settings(sqlite_settings, server={"graphql": {"recheck_seconds": 0.4}})) as found:
        yield found
