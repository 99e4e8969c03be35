"""The authenticated caller, and authorisation as a type: `Annotated[Caller, Depends(require(...))]`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, cast
from uuid import UUID

from fastapi import Request

from app.accounts.permissions import Permission
from app.core.errors import ForbiddenError

Authenticator = Callable[[Request], Awaitable["Caller"]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request acts for, with the permissions in force for this request (an API key may narrow them)."""

    user_id: UUID
    username: str
    role: str
    permissions: frozenset[Permission]
    via: Literal["token", "api_key", "system"]
    address: str = ""
    request_id: str = ""
    team: str | None = None
    family_id: UUID | None = None
    """The sign-in that the request belongs to, if any."""
    key_id: UUID | None = None
    """The API key that the request came with, if any."""

    @property
    def is_admin(self) -> bool:
        """Whether the caller sees what others own."""
        return Permission.ADMIN_SEE_ALL in self.permissions

    def check(self, permission: Permission) -> None:
        """Raise `ForbiddenError` unless the caller has `permission`."""
        if permission not in self.permissions:
            raise ForbiddenError(f"this needs the permission '{permission}'", permission=permission)


def require(permission: Permission) -> Callable[[Request], Awaitable[Caller]]:
    """A FastAPI dependency: authenticates the request and checks one permission.

    The dependency carries `permission` as an attribute, so that a test can walk every route and see its guard.
    """

    async def guard(request: Request) -> Caller:
        authenticate = cast("Authenticator", request.app.state.authenticate)
        caller = await authenticate(request)
        caller.check(permission)
        return caller

    guard.permission = permission  # type: ignore[attr-defined]
    return guard
