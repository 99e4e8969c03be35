"""Which names this server answers to and which web pages may write to it.

Checking `Host` defeats DNS rebinding (a foreign page cannot make the browser send a Host that is ours); checking
`Origin` defeats cross-site writes with the user's cookies (RFC 6454, Fetch Metadata).
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import Scope

from app.core.bind import is_loopback
from app.core.settings import ServerSettings

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_MAX_HOST_CHARACTERS = 270  # a name of 253, brackets or a last dot, and a port
_MAX_KNOWN_HOSTS = 1_000
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._~-]{1,255})(:[0-9]{0,5})?")
"""`host [":" port]` of RFC 9110, section 7.2, as names and addresses are written."""
_ANY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104  (compared with, not bound)


def header(scope: Scope, name: bytes) -> str | None:
    """The first header called `name` (lower case)."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


class HostPolicy:
    """Accepts loopback names, the configured host and allowed hosts, and the address that the client connected to."""

    def __init__(self, settings: ServerSettings) -> None:
        names = {name.lower().strip("[]") for name in settings.allowed_hosts}
        if settings.host not in _ANY_ADDRESS:
            names.add(settings.host.lower().strip("[]"))
        self._names = names
        self._known: dict[tuple[str, str], bool] = {}

    def allows(self, scope: Scope) -> bool:
        """Whether the request's Host header names this server."""
        value = header(scope, b"host")
        if value is None or len(value) > _MAX_HOST_CHARACTERS:
            return False
        own = str((scope.get("server") or ("",))[0])
        known = self._known.get((value, own))
        if known is None:  # parsing addresses costs more than the rest of the check, and clients send few names
            if len(self._known) >= _MAX_KNOWN_HOSTS:
                self._known.clear()
            known = self._known[value, own] = self._is_ours(value, own)
        return known

    def _is_ours(self, value: str, own: str) -> bool:
        host = _host_of(value)
        return host is not None and (is_loopback(host) or host in self._names or _is_own_address(host, own))


def _host_of(value: str) -> str | None:
    if not _AUTHORITY.fullmatch(value):  # urlsplit takes more for a host, and forgets what stands behind a bracket
        return None
    try:
        parsed = urlsplit(f"//{value}")
        _ = parsed.port
    except ValueError:
        return None
    return (parsed.hostname or "").rstrip(".") or None


def _is_own_address(host: str, own: str) -> bool:
    # An address cannot be rebound: only names resolve. So the very address that the socket has is safe to answer to.
    try:
        return ipaddress.ip_address(host) == ipaddress.ip_address(own)
    except ValueError:
        return False


class OriginPolicy:
    """Accepts the server's own origin and the ones that CORS allows."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = {origin.rstrip("/").lower() for origin in allowed}

    def allows(self, scope: Scope) -> bool | None:
        """Whether the page that sent the request may write; None when the request does not say (not a browser)."""
        origin = header(scope, b"origin")
        if origin is None:
            site = header(scope, b"sec-fetch-site")
            return None if site is None else site == "same-origin"
        return origin.lower() in self._allowed or _same_origin(origin, scope)


def _same_origin(origin: str, scope: Scope) -> bool:
    try:
        theirs, ours = urlsplit(origin), urlsplit(f"//{header(scope, b'host') or ''}")
        their_port, our_port = theirs.port, ours.port
    except ValueError:
        return False
    secure = scope["scheme"] in {"https", "wss"}
    if theirs.scheme not in {"http", "https"} or (secure and theirs.scheme != "https"):
        return False
    # Behind a proxy that ends TLS our scheme reads http: then the page's scheme decides which port is the default.
    default = _DEFAULT_PORTS[theirs.scheme]
    return theirs.hostname == ours.hostname and (their_port or default) == (our_port or default)
