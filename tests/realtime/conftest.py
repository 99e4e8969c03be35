"""A real server with the gateway alone, and real WebSocket clients."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
import pytest
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app.accounts.caller import Caller
from app.accounts.permissions import Role
from app.core.errors import UnauthorizedError
from app.events.bus import Bus
from app.events.memory import MemoryBus
from app.realtime.endpoints import router
from app.realtime.gateway import Gateway
from app.realtime.limits import ConnectionLimits
from tests.events.conftest import anything
from tests.factories import make_caller

LIMITS = ConnectionLimits(
    queue_size=64, max_message_bytes=4096, ping_interval_seconds=60, pong_timeout_seconds=5, recheck_seconds=60
)


@dataclass
class Tokens:
    """Stands in for the account service: who each token speaks for."""

    callers: dict[str, Caller] = field(default_factory=dict)
    asked: int = 0

    async def caller_from_token(self, token: str) -> Caller:
        self.asked += 1
        try:
            return self.callers[token]
        except KeyError:
            raise UnauthorizedError("the token is not valid") from None


class Client:
    """A WebSocket client that speaks JSON."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, kind: str, **fields: Any) -> None:
        await self.socket.send(orjson.dumps({"type": kind} | fields).decode())

    async def hear(self) -> dict[str, Any]:
        message = orjson.loads(await asyncio.wait_for(self.socket.recv(), 10))
        assert isinstance(message, dict)
        return message

    async def sign_in(self, token: str) -> Self:
        await self.say("Auth", token=token)
        assert (await self.hear())["of"] == "Auth"
        return self

    async def position(self) -> dict[str, Any]:
        """Where the live events begin for who subscribes now."""
        await self.say("Subscribe", topics=["metrics.*"])
        ack = await self.hear()
        assert ack["of"] == "Subscribe"
        found = ack["position"]
        assert isinstance(found, dict)
        return found

    async def subscribe(self, *topics: str, **fields: Any) -> Self:
        await self.say("Subscribe", topics=topics, **fields)
        assert (await self.hear())["of"] == "Subscribe"
        return self

    async def all_until_now(self) -> list[dict[str, Any]]:
        """What has come, up to the answer to a ping."""
        await self.say("Ping")
        messages = []
        while (message := await self.hear())["type"] != "Pong":
            messages.append(message)
        return messages

    async def close_code(self) -> int | None:
        """Wait until the server closes; what it said before is read away."""
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionClosed):
                async for _ in self.socket:
                    pass
        return self.socket.close_code


class Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@dataclass
class Live:
    """A running server."""

    address: str
    bus: Bus
    gateway: Gateway
    tokens: Tokens
    server: Server
    serving: asyncio.Task[None]
    clients: AsyncExitStack

    async def client(self, query: str = "", **options: Any) -> Client:
        """A connected client, not signed in."""
        options = {"proxy": None, "compression": None, "ping_interval": None, "close_timeout": 1} | options
        return Client(await self.clients.enter_async_context(connect(f"ws://{self.address}/ws{query}", **options)))

    async def user(self, role: Role = Role.USER, **fields: Any) -> tuple[Caller, str]:
        """A caller with a token."""
        caller = make_caller(role=role, **fields)
        token = f"token-of-{caller.user_id}"
        self.tokens.callers[token] = caller
        return caller, token

    async def stop(self) -> None:
        """Shut the server down as a signal would."""
        self.server.should_exit = True
        await asyncio.wait_for(self.serving, 15)


Start = Callable[..., Awaitable[Live]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start servers with limits of one's own."""
    async with AsyncExitStack() as stack:

        async def begin(bus: Bus | None = None, **options: Any) -> Live:
            return await stack.enter_async_context(_live(bus or MemoryBus(check=anything), **options))

        yield begin


@pytest.fixture
async def live(start: Start) -> Live:
    """A server with usual limits."""
    return await start()


@asynccontextmanager
async def _live(bus: Bus, limits: ConnectionLimits = LIMITS, **options: Any) -> AsyncIterator[Live]:
    tokens = Tokens()
    gateway = Gateway(bus, tokens, limits, **options)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.gateway = gateway
        await gateway.start()
        yield
        await gateway.close()
        await bus.close()

    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=3, ws_ping_interval=None)
    server = Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        host, port = listener.getsockname()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await asyncio.wait_for(server.listening.wait(), 10)
        async with AsyncExitStack() as clients:
            live = Live(f"{host}:{port}", bus, gateway, tokens, server, serving, clients)
            yield live
            if not serving.done():
                await live.stop()
