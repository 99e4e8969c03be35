"""The limit on request heads, over a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.core.http_protocol import MAX_HEAD_BYTES, BoundedHttpProtocol, bounded_by
from app.core.http_settings import HttpSettings


async def _reading(scope: Scope, receive: Receive, send: Send) -> None:
    await Request(scope, receive).body()
    await PlainTextResponse("hello")(scope, receive, send)


async def _serving(protocol: type[BoundedHttpProtocol]) -> AsyncIterator[int]:
    config = uvicorn.Config(_reading, http=protocol, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield int(listener.getsockname()[1])
        server.should_exit = True
        await serving


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async for found in _serving(BoundedHttpProtocol):
        yield found


async def test_a_head_without_end_is_cut(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (MAX_HEAD_BYTES + 1))
    async with asyncio.timeout(10):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.endswith(b"The request headers are too large")
    writer.close()


async def test_requests_on_one_connection_are_counted_each(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\nX: " + b"a" * (MAX_HEAD_BYTES // 2)
    async with asyncio.timeout(10):
        for _ in range(4):
            writer.write(head + b"\r\n\r\n" + b"b" * 200_000)
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 ")
    writer.close()


@pytest.fixture
async def hasty_port() -> AsyncIterator[int]:
    limits = HttpSettings(
        head_timeout_seconds=0.2, body_timeout_seconds=0.2, max_connections=8, max_headers=10, max_target_bytes=1024
    )
    async for found in _serving(bounded_by(limits)):
        yield found


async def _exchange(port: int, *pieces: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 408),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", 408),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc", 408),
        (b"GET /" + b"a" * 1024 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 10 + b"\r\n", 431),
        (b"GET /\r\nHost: x\r\n\r\n", 505),
    ],
)
async def test_what_is_late_or_too_large_is_told_and_cut(hasty_port: int, sent: bytes, status: int) -> None:
    assert (await _exchange(hasty_port, sent)).startswith(b"HTTP/1.1 %d " % status)


async def test_connections_are_bounded(hasty_port: int) -> None:
    held = [await asyncio.open_connection("127.0.0.1", hasty_port) for _ in range(8)]
    answer = await _exchange(hasty_port)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in answer
    for _, writer in held:
        writer.close()
