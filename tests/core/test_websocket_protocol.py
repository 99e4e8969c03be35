"""What a client can do to a WebSocket below its messages, with raw frames over a raw socket."""

import asyncio
import base64
import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn

from app.core import websocket_protocol
from app.core.websocket_protocol import MAX_FRAGMENTS, MAX_UNREAD_BYTES, BoundedWebSocketProtocol
from tests.realtime.conftest import Server

CONT, TEXT, PING, PONG, CLOSE = 0x0, 0x1, 0x9, 0xA, 0x8


def frame(opcode: int, data: bytes = b"", *, fin: bool = True) -> bytes:
    """A masked frame of a client."""
    return bytes([(0x80 if fin else 0) | opcode, 0x80 | len(data)]) + bytes(4) + data


@dataclass
class Echo:
    """A server that says everything back, and the connections that it has."""

    port: int
    protocols: set[Any]
    ended: list[int]
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def client(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=raw, limit=1024)
        self.writers.append(writer)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        return reader, writer

    @property
    def waiting_bytes(self) -> int:
        """The most that any connection has written and nobody has taken."""
        found = [one.transport.get_write_buffer_size() for one in self.protocols if hasattr(one, "conn")]
        return max(found, default=0)


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    ended: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] != "websocket.disconnect":
            if message["type"] == "websocket.connect":
                await send({"type": "websocket.accept"})
            else:
                await send({"type": "websocket.send", "text": message["text"]})
        ended.append(message["code"])

    config = uvicorn.Config(
        app, ws=BoundedWebSocketProtocol, ws_ping_interval=None, log_config=None, lifespan="off",
        timeout_graceful_shutdown=3, ws_per_message_deflate=False,
    )  # fmt: skip
    server = Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await asyncio.wait_for(server.listening.wait(), 10)
        found = Echo(listener.getsockname()[1], server.server_state.connections, ended)
        yield found
        for writer in found.writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        server.should_exit = True
        await serving


async def _close_code(reader: asyncio.StreamReader) -> int | None:
    """The code of the close frame among what the server says; None when it just goes."""
    said = bytearray()
    async with asyncio.timeout(20):
        try:
            while piece := await reader.read(65536):
                said += piece
        except ConnectionError:
            return None
    at = 0
    while at < len(said):
        opcode, length = said[at] & 0xF, said[at + 1]
        if opcode == CLOSE:
            found: int = struct.unpack("!H", said[at + 2 : at + 4])[0]
            return found
        at += 2 + length
    return None


async def test_what_is_usual_goes_on(echo: Echo) -> None:
    reader, writer = await echo.client()
    writer.write(frame(PING, b"hi") + frame(TEXT, b"a", fin=False) + frame(CONT, b"b", fin=False) + frame(CONT, b"c"))
    assert await asyncio.wait_for(reader.readexactly(4), 10) == bytes([0x80 | PONG, 2]) + b"hi"
    assert await asyncio.wait_for(reader.readexactly(5), 10) == bytes([0x80 | TEXT, 3]) + b"abc"


async def test_pings_of_one_who_never_reads_do_not_pile_up(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also without the bound on control frames, which alone holds this at 150 KiB."""
    monkeypatch.setattr(websocket_protocol, "MAX_CONTROL_FRAMES_PER_MINUTE", 10**9)
    _, writer = await echo.client()
    most = 0
    burst = frame(PING, b"x" * 125) * 500
    try:
        async with asyncio.timeout(30):
            while True:
                writer.write(burst)
                await writer.drain()
                most = max(most, echo.waiting_bytes)
    except ConnectionError:
        pass
    assert most < MAX_UNREAD_BYTES + 300_000  # and what one read of the socket may add


@pytest.mark.parametrize("kind", [PING, PONG])
async def test_control_frames_are_bounded(echo: Echo, kind: int) -> None:
    reader, writer = await echo.client()
    writer.write(frame(kind) * 1_500)
    assert await _close_code(reader) == 1008
    assert echo.ended == [1008]


async def test_fragments_of_a_message_are_bounded_also_empty_ones(echo: Echo) -> None:
    reader, writer = await echo.client()
    writer.write(frame(TEXT, fin=False) + frame(CONT, fin=False) * (MAX_FRAGMENTS + 10))
    assert await _close_code(reader) == 1009
    assert echo.ended == [1009]
