"""The outbound guard: what may be reached, and that the checked address is the one that is connected to."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from app.core.outbound import AddressRefusedError, AddressUnknownError, OutboundGuard, guarded_client

LOOPBACK = ("127.0.0.0/8", "::1/128")


def _resolver(**names: list[str]) -> OutboundGuard:
    async def resolve(host: str, port: int) -> list[str]:
        return names[host.replace(".", "_")]

    return OutboundGuard(LOOPBACK, resolve)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1:8080/v1",
        "http://169.254.169.254/latest/meta-data",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://192.0.0.192/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::a00:1]/",
        "http://[::ffff:0:10.0.0.1]/",
        "http://[2002:a00:1::]/",
        "http://[::10.0.0.1]/",
        "http://[::]/",
        "http://167772161/",  # 10.0.0.1
        "http://0x0a000001/",
        "http://012.0.0.1/",
        "http://10.1/",
        "http://0xa.0x0.0x0.0x1/",
        "http://0300.0250.1.1/",  # 192.168.1.1
        "http://3232235777/",
        "http://2852039166/",  # 169.254.169.254
        "http://0xa9fea9fe/",
        "http://10.0.0.1./",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[0:0:0:0:0:ffff:192.168.0.1]/",
        "http://[::ffff:100.100.100.200]/",
        "http://[::ffff:0.0.0.0]/",
        "http://[::ffff:7f00:2%25lo]/",
        "http://0/",
        "http://00000/",
        "http://0x0/",
        "http://0.1.2.3/",
        "http://0.0.0.0./",
        "http://169.254.169.254./",
        "http://169.254.43518/",
        "http://0xA9.0xFE.0xA9.0xFE/",
        "http://2852039166./",
        "http://10\u30020\u30020\u30021/",  # ideographic full stops
        "HTTP://10.0.0.1/",
        "http://[64:ff9b::169.254.169.254]/",  # NAT64
        "http://[64:ff9b:1::a00:1]/",
        "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",  # Teredo
        "http://[2001:db8::1]/",
        "http://[3fff::1]/",
        "http://[5f00::1]/",
        "http://[100::1]/",
        "http://[ff02::1]/",
        "http://[fec0::1]/",
        "http://198.18.0.1/",
        "http://203.0.113.1/",
        "http://240.0.0.1/",
        "http://192.88.99.1/",
    ],
)
async def test_addresses_that_are_not_public_are_refused(url: str) -> None:
    with pytest.raises(AddressRefusedError) as caught:
        await OutboundGuard(LOOPBACK).check(url)
    assert caught.value.details["errors"][0]["path"] == "base_url"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://user:pass@127.0.0.1/",
        "http://user@127.0.0.1/",
        "http:///path",
        "//127.0.0.1/",
        "127.0.0.1:80",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://127.0.0.1:99999999/",
        "http://999.999.999.999/",
        "http://4294967297/",
        "http://0x1ffffffff/",
        "http://08.0.0.1/",
        "http://%31%30.0.0.1/",
        "http://127.0.0.1%00.example.org/",
        "http://...10.0.0.1/",
        "http://1.1.1.1../",
        "http://one..example/",
        f"http://{'a' * 64}.example/",
        f"http://{'a.' * 130}example/",
        "http://1.1.1.1\\.10.0.0.1/",
        "http://10.0.0.1\\@1.1.1.1/",
        "http://1.1.1.1@10.0.0.1/",
        "http://10.0.0.1%2f@1.1.1.1/",
        "http://:@1.1.1.1/",
        "http://10.0.0.1:80:90/",
        "http://1.1.1.1:0/",
        "http:10.0.0.1/",
        "http:/10.0.0.1/",
        "http://10.0.0\t.1/",
        "http://1.1.1.1/\r\nHost: x",
        "",
    ],
)
async def test_urls_that_are_not_plain_http_are_refused(url: str) -> None:
    with pytest.raises(AddressRefusedError):
        await OutboundGuard(LOOPBACK).check(url)


@pytest.mark.parametrize(
    ("url", "addresses", "port"),
    [
        ("http://127.0.0.1:9000/v1", ("127.0.0.1",), 9000),
        ("http://2130706433/", ("127.0.0.1",), 80),
        ("http://[::ffff:127.0.0.1]/", ("127.0.0.1",), 80),
        ("https://[::1]/", ("::1",), 443),
        ("https://1.1.1.1/", ("1.1.1.1",), 443),
        ("https://[2606:4700::1111]/", ("2606:4700::1111",), 443),
    ],
)
async def test_allowed_addresses(url: str, addresses: tuple[str, ...], port: int) -> None:
    checked = await OutboundGuard(LOOPBACK).check(url)
    assert (checked.addresses, checked.port) == (addresses, port)


async def test_loopback_needs_to_be_allowed_too() -> None:
    with pytest.raises(AddressRefusedError, match=r"outbound\.allow"):
        await OutboundGuard().check("http://127.0.0.1/")


async def test_every_record_of_a_name_is_checked() -> None:
    guard = _resolver(
        good_example=["1.1.1.1", "2606:4700::1111"], mixed_example=["1.1.1.1", "10.0.0.1"], gone_example=[]
    )
    assert (await guard.check("https://good.example/")).addresses == ("1.1.1.1", "2606:4700::1111")
    with pytest.raises(AddressRefusedError, match=r"10\.0\.0\.1 \(mixed\.example\)"):
        await guard.check("https://mixed.example/")
    with pytest.raises(AddressUnknownError):
        await guard.check("https://gone.example/")


class _Server:
    """Answers every request with its head, over plain HTTP."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.port = 0
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[_Server]:
    found = _Server()
    listener = await asyncio.start_server(found.handle, "127.0.0.1", 0)
    found.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield found


async def test_the_checked_address_is_the_one_connected_to(server: _Server) -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)  # a second look-up would lead elsewhere

    async with guarded_client(OutboundGuard(LOOPBACK, rebinding), timeout_seconds=5) as client:
        response = await client.get(f"http://rebind.example:{server.port}/v1/models")
    assert response.text == "ok"
    assert f"host: rebind.example:{server.port}" in server.heads[0].lower()
    assert len(answers) == 1


async def test_each_request_is_checked_again(server: _Server) -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"], ["::ffff:10.0.0.1"], ["127.0.0.1", "169.254.169.254"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    url = f"http://rebind.example:{server.port}/"
    async with guarded_client(OutboundGuard(LOOPBACK, rebinding), timeout_seconds=5) as client:
        assert (await client.get(url)).text == "ok"
        for _ in range(3):
            with pytest.raises(AddressRefusedError):
                await client.get(url)
    assert len(server.heads) == 1
    assert not answers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_and_no_header_goes_along(server: _Server, status: int) -> None:
    server.answer = (
        f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{server.port}/other\r\n"
        "Content-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode()
    async with guarded_client(OutboundGuard(LOOPBACK), timeout_seconds=5) as client:
        response = await client.get(f"http://127.0.0.1:{server.port}/", headers={"Authorization": "Bearer x"})
    assert response.status_code == status
    assert len(server.heads) == 1


async def test_a_dead_address_is_followed_by_the_next(server: _Server) -> None:
    with socket.create_server(("127.0.0.2", 0)) as unused:
        dead = "127.0.0.2"
        assert unused.getsockname()[0] == dead
    guard = _resolver(two_example=[dead, "127.0.0.1"])
    async with guarded_client(guard, timeout_seconds=5) as client:
        assert (await client.get(f"http://two.example:{server.port}/")).text == "ok"


async def test_redirects_are_not_followed(server: _Server) -> None:
    server.answer = (
        b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    async with guarded_client(OutboundGuard(LOOPBACK), timeout_seconds=5) as client:
        assert (await client.get(f"http://127.0.0.1:{server.port}/")).status_code == 302
    assert len(server.heads) == 1


async def test_no_proxy_comes_between(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with guarded_client(OutboundGuard(LOOPBACK), timeout_seconds=5) as client:
        assert (await client.get(f"http://127.0.0.1:{server.port}/")).text == "ok"


async def test_refusals_reach_the_caller_of_the_client() -> None:
    async with guarded_client(OutboundGuard(), timeout_seconds=5) as client:
        with pytest.raises(AddressRefusedError):
            await client.get("http://127.0.0.1:1/")
        with pytest.raises((httpx.UnsupportedProtocol, AddressRefusedError)):
            await client.get("ftp://127.0.0.1/")
