"""From an HTTP request to its caller: bearer token or API key in `Authorization`, else the sign-in cookie.

Also where requests are counted: per user when authenticated, per address when not.
"""

from fastapi import Request, Response
from starlette.requests import HTTPConnection

from app.accounts.caller import Caller
from app.accounts.service import AccountService, SignIn, Visitor
from app.core.bind import is_loopback
from app.core.errors import UnauthorizedError
from app.core.rate_limit import RateLimiter, address_key

ACCESS_COOKIE = "ltb_access"
REFRESH_COOKIE = "ltb_refresh"
_PATHS = {ACCESS_COOKIE: "/", REFRESH_COOKIE: "/api/v1/auth"}
COOKIE_NAMES = tuple(_PATHS)


def visitor_of(request: HTTPConnection) -> Visitor:
    """Where the request came from."""
    return Visitor(
        address=request.client.host if request.client else "",
        request_id=str(getattr(request.state, "request_id", "")),
        user_agent=request.headers.get("user-agent", "").replace("\0", ""),
    )


def token_of(request: HTTPConnection) -> str:
    """The token that the request carries; a wrong `Authorization` header is an error, not a reason to use the cookie.

    Raises:
        UnauthorizedError: there is none, or the header has another scheme than Bearer.
    """
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UnauthorizedError("use 'Authorization: Bearer <token or API key>'")
        return token.strip()
    cookie = request.cookies.get(ACCESS_COOKIE)
    if not cookie:
        raise UnauthorizedError("sign in, or send 'Authorization: Bearer <token or API key>'")
    return cookie


class RequestGate:
    """Authenticates and counts requests; `app.state.authenticate` is its `authenticate`."""

    def __init__(self, accounts: AccountService, limiter: RateLimiter, requests_per_minute: int) -> None:
        self._accounts = accounts
        self._limiter = limiter
        self._per_minute = requests_per_minute

    def limit_to(self, requests_per_minute: int) -> None:
        """Allow so many requests per minute and caller from now on."""
        self._per_minute = requests_per_minute

    async def authenticate(self, request: Request) -> Caller:
        """The request's caller.

        Raises:
            UnauthorizedError: no valid identity.
            RateLimitExceededError: too many requests of this user, or too many refused ones from this address.
        """
        visitor = visitor_of(request)
        try:
            caller = await self._accounts.caller_from_token(token_of(request), visitor)
        except UnauthorizedError:
            await self.count_address(request)
            raise
        await self._count(request, "caller", str(caller.user_id))
        return caller

    async def count_address(self, request: HTTPConnection) -> None:
        """Count a request without identity against its address."""
        await self._count(request, "address", address_key(visitor_of(request).address))

    async def count_caller(self, caller: Caller) -> None:
        """Count an operation that came on an open connection as a request of its user."""
        if self._per_minute:
            await self._limiter.enforce(self._per_minute, "requests", "caller", str(caller.user_id))

    async def _count(self, request: HTTPConnection, *key: str) -> None:
        if self._per_minute:
            request.state.rate_limit = await self._limiter.enforce(self._per_minute, "requests", *key)


async def limit_by_address(request: Request) -> None:
    """A dependency of public routes: counts the request against its address."""
    gate: RequestGate = request.app.state.gate
    await gate.count_address(request)


def set_cookies(request: Request, response: Response, sign_in: SignIn) -> None:
    """Hand the tokens to a browser, out of reach of scripts and of other sites."""
    for name, (value, life) in {
        ACCESS_COOKIE: (sign_in.access_token, sign_in.access_life),
        REFRESH_COOKIE: (sign_in.refresh_token, sign_in.refresh_life),
    }.items():
        response.set_cookie(
            name,
            value,
            max_age=int(life.total_seconds()),
            path=_PATHS[name],
            httponly=True,
            samesite="strict",
            secure=_is_secure(request),
        )


def clear_cookies(request: Request, response: Response) -> None:
    """Take the tokens from a browser."""
    for name, path in _PATHS.items():
        response.delete_cookie(name, path=path, httponly=True, samesite="strict", secure=_is_secure(request))


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https" or not is_loopback(request.url.hostname or "")
