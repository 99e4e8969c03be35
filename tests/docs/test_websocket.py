"""`docs/websocket.md` is true: its session happens word by word, and its tables are complete."""

import asyncio
import json
import re
import socket
from typing import Any

import httpx
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from app.core.settings import StorageSettings
from app.events.topics import TICKS
from app.events.types import Topic
from app.main import create_app
from app.realtime.limits import CloseCode
from app.realtime.protocol import ClientMessage
from tests.docs.settings_table import README
from tests.factories import make_spec
from tests.realtime.conftest import Server
from tests.service import service_settings

TEXT = (README.parent / "docs" / "websocket.md").read_text(encoding="utf-8")
SESSION = TEXT.split("## A session")[1].split("```")[1].strip().splitlines()
SUBMITTED_BEFORE = '"benchmark.created"'


async def test_the_documented_session_happens(sqlite_settings: StorageSettings) -> None:
    app = create_app(service_settings(sqlite_settings))
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    server = Server(uvicorn.Config(app, ws="websockets-sansio", log_config=None))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await asyncio.wait_for(server.listening.wait(), 20)
        async with httpx.AsyncClient(base_url=f"http://{address}/api/v1", trust_env=False) as client:
            login = {"username": "admin", "password": app.state.generated_admin_password}
            token = (await client.post("/auth/login", json=login)).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            provider = {"name": "local", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1"}
            assert (await client.post("/providers", json=provider)).status_code == 201
            async with connect(f"ws://{address}/ws", proxy=None) as connection:
                for line in SESSION:
                    await play(line, connection, client, token)
    finally:
        server.should_exit = True
        await serving


async def play(line: str, connection: ClientConnection, client: httpx.AsyncClient, token: str) -> None:
    """Say what the line says, or hear it."""
    message = json.loads(line[2:])
    if line.startswith(">"):
        await connection.send(json.dumps(message | ({"token": token} if "token" in message else {})))
        return
    if SUBMITTED_BEFORE in line:
        spec = make_spec(targets=[{"provider": "local", "model": "m"}])
        assert (await client.post("/benchmarks", json=spec)).status_code == 202
    heard = json.loads(await asyncio.wait_for(connection.recv(), 10))
    while heard["type"] == "Event" and message["type"] != "Event":  # the benchmark goes on meanwhile
        heard = json.loads(await asyncio.wait_for(connection.recv(), 10))
    assert_like(heard, message)


def assert_like(heard: Any, documented: Any) -> None:
    """The same fields and values, where `…` is any text."""
    if isinstance(documented, dict):
        assert set(heard) == set(documented)
        for name, value in documented.items():
            assert_like(heard[name], value)
    elif documented == "…":
        assert isinstance(heard, str | int)
    else:
        assert heard == documented


def test_every_message_topic_and_close_code_is_listed() -> None:
    first_cells = {name for line in TEXT.splitlines() if line.startswith("| ") for name in named(line.split("|")[1])}
    messages = {kind.__name__ for kind in ClientMessage.__args__}
    codes = {str(code.value) for code in CloseCode}
    assert messages | {topic.value for topic in Topic} | codes <= first_cells
    paragraph = TEXT.split("loses old ticks")[1].split(", of which")[0]
    assert set(named(paragraph)) == {topic.value for topic in TICKS}


def named(text: str) -> list[str]:
    return re.findall(r"[A-Za-z0-9][\w.]+", text)
