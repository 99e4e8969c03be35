import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from tests.service import running

__all__ = ["Upstream", "running", "upstream"]


class Upstream:
    """A provider's HTTP server with one answer for everything; keeps the heads of what it was asked."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.port = 0
        self.delay_seconds = 0.0
        self.say(200, {"data": [{"id": "small"}, {"id": "large"}]})

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def say(self, status: int, body: object, **headers: str) -> None:
        """Answer with `body` as JSON from now on."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(raw)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.answer = "\r\n".join([*lines, "", ""]).encode() + raw

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            await asyncio.sleep(self.delay_seconds)
            writer.write(self.answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    found = Upstream()
    server = await asyncio.start_server(found.handle, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found
