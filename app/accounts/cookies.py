"""The cookies of a browser: what they are called, who may read them, and how they are found again.

Off loopback they are `Secure` and carry a prefix that browsers enforce (RFC 6265bis, section 4.1.3): `__Host-` where
the path is `/`, else `__Secure-`. A prefixed cookie cannot be planted by plain http or (`__Host-`) by a neighbouring
subdomain, so only prefixed ones are read there.
"""

from datetime import timedelta
from typing import Literal, NamedTuple

from fastapi import Response
from starlette.requests import HTTPConnection

from app.core.loopback import is_loopback


class Cookie(NamedTuple):
    """One kind of cookie."""

    name: str
    path: str
    same_site: Literal["strict", "lax"]

    @property
    def secure_name(self) -> str:
        """The name off loopback."""
        return f"{'__Host-' if self.path == '/' else '__Secure-'}{self.name}"

    def name_at(self, connection: HTTPConnection) -> str:
        """The name at the address where this request came in."""
        return self.secure_name if is_secure(connection) else self.name

    def read(self, connection: HTTPConnection) -> str | None:
        """The value that the request carries, or None."""
        return connection.cookies.get(self.name_at(connection)) or None

    def write(self, connection: HTTPConnection, response: Response, value: str, life: timedelta) -> None:
        """Hand `value` to the browser, out of reach of scripts."""
        response.set_cookie(
            self.name_at(connection),
            value,
            max_age=int(life.total_seconds()),
            path=self.path,
            httponly=True,
            samesite=self.same_site,
            secure=is_secure(connection),
        )

    def clear(self, connection: HTTPConnection, response: Response) -> None:
        """Take it from the browser."""
        response.delete_cookie(
            self.name_at(connection),
            path=self.path,
            httponly=True,
            samesite=self.same_site,
            secure=is_secure(connection),
        )


ACCESS = Cookie("ltb_access", "/", "strict")
REFRESH = Cookie("ltb_refresh", "/api/v1/auth", "strict")
FLOW_MARK = "ltb_oidc_"
COOKIE_NAMES = (ACCESS.name, ACCESS.secure_name, REFRESH.name, REFRESH.secure_name)


def flow_cookie(state: str) -> Cookie:
    """The cookie of one sign-in under way at an identity provider; several tabs may have one each.

    Lax, not Strict: the provider sends the browser back from its own site. The path is `/` for the `__Host-` prefix.
    """
    return Cookie(f"{FLOW_MARK}{state[:16]}", "/", "lax")


def flow_cookies(connection: HTTPConnection) -> list[str]:
    """States (their first 16 characters) of the sign-ins under way in this browser, oldest first."""
    mark = f"__Host-{FLOW_MARK}" if is_secure(connection) else FLOW_MARK
    return [name.removeprefix(mark) for name in connection.cookies if name.startswith(mark)]


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the browser talks TLS to us, or must: everything but plain http on this machine."""
    return connection.url.scheme in {"https", "wss"} or not is_loopback(connection.url.hostname or "")
