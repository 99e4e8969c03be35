"""Every wire format over the control plane's HTTP client: the same as over the instrument, however reads are cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters import registry
from app.adapters.base import Reply
from app.core.outbound import OutboundGuard, guarded_client
from tests.adapters.streams import RECORDED, Recorded
from tests.adapters.test_formats import EACH, check
from tests.loadgen.servers import chunk

CUTS = st.lists(st.integers(1, 5000), max_size=12)


@asynccontextmanager
async def serving(head: str, pieces: list[bytes]) -> AsyncIterator[str]:
    """A server that sends one piece at a time, and waits until each has gone out."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head.encode())
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def read(recorded: Recorded, head: str, pieces: list[bytes]) -> tuple[Reply, int]:
    """The reply, and in how many reads it came."""
    reads = 0
    async with (
        serving(head, pieces) as url,
        guarded_client(OutboundGuard(["127.0.0.0/8"])) as client,
        client.stream("GET", url) as response,
    ):
        decoder = registry.get(recorded.kind).decoder(
            response.status_code, response.headers["content-type"], keep_text=True
        )
        async for data in response.aiter_raw():
            reads += 1
            decoder.feed(1000 + reads, data)
    return decoder.finish(complete=True), reads


@EACH
@settings(max_examples=4, deadline=None)
@given(cuts=CUTS)
def test_a_stream(recorded: Recorded, cuts: list[int]) -> None:
    raw = b"".join(recorded.events)
    bounds = sorted({0, len(raw), *(cut % len(raw) for cut in cuts)})
    pieces = [chunk(raw[start:end]) for start, end in pairwise(bounds)]
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {recorded.content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    reply, _ = asyncio.run(read(recorded, head, [*pieces, b"0\r\n\r\n"]))
    check(recorded, reply)
    assert len(reply.chunk_stamps) == len(recorded.outputs)


@EACH
def test_a_stream_a_byte_at_a_time(recorded: Recorded) -> None:
    raw = b"".join(recorded.events)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {recorded.content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [chunk(bytes([byte])) for byte in raw]
    reply, reads = asyncio.run(read(recorded, head, [*pieces, b"0\r\n\r\n"]))
    check(recorded, reply)
    assert reads > len(recorded.events), "the client joined what was sent apart: nothing was proved"


def test_an_error_body_over_httpx() -> None:
    recorded = RECORDED[0]
    body = b'{"error":{"message":"Rate limit reached","type":"requests"}}'
    head = f"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    reply, _ = asyncio.run(read(recorded, head, [body[:20], body[20:]]))
    assert (reply.error_kind, reply.error) == ("rate_limit", "Rate limit reached")
