"""The guard of requests to addresses that a user gave (server-side request forgery, DNS rebinding).

`OutboundGuard.check` resolves every A and AAAA record and refuses the URL when one of them is not allowed; the caller
connects to the addresses it got back and never resolves again. `guarded_client` is an httpx client that does so:
each request is checked, pinned to a checked address, sent to no proxy, and redirects are not followed.
"""

import asyncio
import functools
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import httpx

from app.core.errors import InvalidRequestError, ServiceUnavailableError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Awaitable[list[str]]]

RESOLVE_TIMEOUT_SECONDS = 5.0
MAX_ADDRESSES = 16
MAX_PORT = 65_535
DEFAULT_PORTS = {"http": 80, "https": 443}

# Routable, but they lead to this machine's cloud or translate to addresses that are not.
_NEVER_PUBLIC: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, Alibaba metadata
        "168.63.129.16/32",  # Azure wire server
        "192.0.0.0/24",  # protocol assignments, Oracle metadata
        "192.88.99.0/24",  # 6to4 relays
        "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation (RFC 9637), which Python 3.11 does not know yet
        "5f00::/16",  # segment routing (RFC 9602), likewise
        "fec0::/10",  # site-local
        "::/96",  # IPv4-compatible
    )
)
# Labels of RFC 1123 and underscores. What is no name must not reach a resolver, which raises what it likes.
_HOST_NAME = re.compile(r"^(?=.{1,254}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?$")
# What inet_aton takes and a resolver may: 2130706433, 0x7f.1, 0177.0.0.1, 127.1
_NUMERIC_HOST = re.compile(r"(?i)^(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}$")


class AddressRefusedError(InvalidRequestError):
    """The URL, or an address behind its name, is not allowed."""


class AddressUnknownError(ServiceUnavailableError):
    """The name does not resolve (now)."""


class CheckedUrl(NamedTuple):
    """A URL whose addresses have all been checked."""

    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]


class OutboundGuard:
    """Knows which networks an administrator allows besides the public internet."""

    def __init__(self, allow: Iterable[str] = (), resolver: Resolver | None = None) -> None:
        self._allow = tuple(ipaddress.ip_network(text, strict=False) for text in allow)
        self._resolve = resolver or _system_resolver

    async def check(self, url: str) -> CheckedUrl:
        """The addresses that may be connected to for `url`.

        Raises:
            AddressRefusedError: wrong scheme, embedded credentials, or a record outside what is allowed.
            AddressUnknownError: the name does not resolve.
        """
        scheme, host, port = split_url(url)
        literal = _literal(host)
        if literal is not None:
            texts = [str(literal)]
        else:
            try:
                async with asyncio.timeout(RESOLVE_TIMEOUT_SECONDS):
                    texts = await self._resolve(host, port)
            except TimeoutError:
                raise AddressUnknownError(f"the name {host} did not resolve in time") from None
            except OSError:
                texts = []
        if not texts:
            raise AddressUnknownError(f"the name {host} does not resolve")
        if len(texts) > MAX_ADDRESSES:
            raise _refused(f"{host} has {len(texts)} addresses; at most {MAX_ADDRESSES} are checked")
        return CheckedUrl(scheme, host, port, tuple(self._checked(host, text) for text in texts))

    def _checked(self, host: str, text: str) -> str:
        address = _unmapped(ipaddress.ip_address(text))
        if not _is_public(address) and not any(address in network for network in self._allow):
            where = f"leads to {address}" if host == str(address) else f"leads to {address} ({host})"
            allowed = ", ".join(map(str, self._allow)) or "none"
            raise _refused(
                f"{where}, which is not a public address; an administrator can allow private networks in "
                f"outbound.allow (now: {allowed})",
                allowed=f"public addresses, and outbound.allow: {allowed}",
            )
        return str(address)


def split_url(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an http(s) URL without credentials.

    Raises:
        AddressRefusedError: when it is not one.
    """
    try:
        parsed = httpx.URL(url)
        port = parsed.port
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise _refused("is not a valid URL", allowed="http://host[:port]/path or https://…") from None
    if parsed.scheme not in DEFAULT_PORTS:
        raise _refused("must start with http:// or https://", allowed="http, https")
    if parsed.userinfo:
        raise _refused("must not carry a user name or password", allowed="http://host[:port]/path or https://…")
    if port is not None and not 1 <= port <= MAX_PORT:
        raise _refused("has a wrong port", allowed=f"1 to {MAX_PORT}")
    host = parsed.raw_host.decode("ascii").lower()
    if not host or "%" in host:
        raise _refused("needs a host name or an address", allowed="http://host[:port]/path or https://…")
    if ":" not in host and not _HOST_NAME.fullmatch(host):
        raise _refused(
            "has a host that is neither a name nor an address",
            allowed="labels of at most 63 letters, digits, hyphens and underscores, with one dot between them",
        )
    return parsed.scheme, host, port or DEFAULT_PORTS[parsed.scheme]


def _refused(message: str, allowed: str | None = None) -> AddressRefusedError:
    error = {"path": "base_url", "message": message}
    return AddressRefusedError(f"base_url: {message}", errors=[error | ({"allowed": allowed} if allowed else {})])


def _literal(host: str) -> Address | None:
    bare = host.strip("[]").rstrip(".")
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    if _NUMERIC_HOST.match(bare):
        try:
            return ipaddress.IPv4Address(socket.inet_aton(bare))
        except OSError:
            raise _refused("has a host that is neither a name nor an address") from None
    return None


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in network for network in _NEVER_PUBLIC)


async def _system_resolver(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class GuardedTransport(httpx.AsyncBaseTransport):
    """Checks each request's URL and connects to the checked addresses only, trying them in turn."""

    def __init__(self, guard: OutboundGuard, inner: httpx.AsyncBaseTransport) -> None:
        self._guard = guard
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        checked = await self._guard.check(str(request.url))
        original = request.url
        # The name stays in Host, SNI and certificate checking; only the socket goes to the address.
        request.extensions = {**request.extensions, "sni_hostname": checked.host}
        request.headers.setdefault("Host", original.netloc.decode("ascii"))
        for address in checked.addresses[:-1]:
            request.url = original.copy_with(host=address)
            try:
                return await self._inner.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        request.url = original.copy_with(host=checked.addresses[-1])
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def guarded_client(guard: OutboundGuard, *, verify: bool = True, timeout_seconds: float = 10.0) -> httpx.AsyncClient:
    """An httpx client for small control calls.

    It keeps no connections: a pool is keyed by address, and one address may serve several TLS names.
    """
    inner = httpx.AsyncHTTPTransport(
        verify=_tls_context(verify=verify), trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
    )
    return httpx.AsyncClient(
        transport=GuardedTransport(guard, inner),
        timeout=httpx.Timeout(timeout_seconds),
        follow_redirects=False,
        trust_env=False,
    )


@functools.cache
def _tls_context(*, verify: bool) -> ssl.SSLContext:
    # Reading the certificate store takes 50 ms; clients are made per call.
    return httpx.create_ssl_context(verify=verify, trust_env=False)
