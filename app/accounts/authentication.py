"""From an HTTP request to its caller: bearer token or API key in `Authorization`, else the sign-in cookie.

Also where requests are counted: per user when authenticated, per address when not.
"""

from typing import cast

from fastapi import Request, Response
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from app.accounts import cookies
from app.accounts.caller import Caller
from app.accounts.service import AccountService, SignIn, Visitor
from app.core.errors import TestBenchError, UnauthorizedError
from app.core.middleware import refuse
from app.core.rate_limit import address_key
from app.core.request_limits import RequestLimits


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
    cookie = cookies.ACCESS.read(request)
    if not cookie:
        raise UnauthorizedError("sign in, or send 'Authorization: Bearer <token or API key>'")
    return cookie


class RequestGate:
    """Authenticates and counts requests; `app.state.authenticate` is its `authenticate`."""

    def __init__(self, accounts: AccountService, limits: RequestLimits) -> None:
        self._accounts = accounts
        self._limits = limits

    def limit_to(self, requests_per_minute: int) -> None:
        """Allow so many requests per minute and caller from now on."""
        self._limits.limit_to(requests_per_minute)

    async def authenticate(self, request: Request) -> Caller:
        """The request's caller.

        Raises:
            UnauthorizedError: no valid identity.
            QuotaExceededError: too many requests of this user, or too many refused ones from this address.
        """
        known = request.scope["state"].get("caller")
        if isinstance(known, Caller):  # a middleware asked already
            return known
        visitor = visitor_of(request)
        try:
            caller = await self._accounts.caller_from_token(token_of(request), visitor)
        except UnauthorizedError:
            await self.count_address(request)
            raise
        await self._limits.count(request.scope, f"user:{caller.user_id}")
        request.scope["state"]["caller"] = caller
        return caller

    async def count_address(self, request: HTTPConnection) -> None:
        """Count a request without identity, or a WebSocket that opens, against its address."""
        address = request.client.host if request.client else ""
        await self._limits.count(request.scope, f"address:{address_key(address)}")

    async def count_caller(self, caller: Caller, path: str) -> None:
        """Count an operation that came on the open WebSocket of `path` as a request of its user."""
        await self._limits.count_message(path, f"user:{caller.user_id}")


class CountWebSockets:
    """ASGI middleware: counts each WebSocket that opens against its address, before anything is done for it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            try:
                await cast("RequestGate", scope["app"].state.gate).count_address(HTTPConnection(scope))
            except TestBenchError as error:
                await refuse(error, scope, receive, send)
                return
        await self.app(scope, receive, send)


async def limit_by_address(request: Request) -> None:
    """A dependency of public routes: counts the request against its address."""
    gate: RequestGate = request.app.state.gate
    await gate.count_address(request)


def set_cookies(request: Request, response: Response, sign_in: SignIn) -> None:
    """Hand the tokens to a browser, out of reach of scripts and of other sites."""
    cookies.ACCESS.write(request, response, sign_in.access_token, sign_in.access_life)
    cookies.REFRESH.write(request, response, sign_in.refresh_token, sign_in.refresh_life)


def clear_cookies(request: Request, response: Response) -> None:
    """Take the tokens from a browser."""
    cookies.ACCESS.clear(request, response)
    cookies.REFRESH.clear(request, response)
