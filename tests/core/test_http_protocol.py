"""The limit on request heads, over a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from app.core.http_protocol import MAX_HEAD_BYTES, BoundedHttpProtocol


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(PlainTextResponse("hello"), http=BoundedHttpProtocol, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield int(listener.getsockname()[1])
        server.should_exit = True
        await serving


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
