"""REST: managing users, and the roles that there are."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Path, Query, Request, Response, status

from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.accounts.schemas import ApiKeyView
from app.accounts.service import AccountService
from app.accounts.user_views import (
    Ended,
    GeneratedPassword,
    PasswordReset,
    RoleView,
    SessionView,
    UserCreate,
    UserCreated,
    UserDetail,
    UserUpdate,
)
from app.accounts.users import new_password, user_tag
from app.accounts.views import api_key_view
from app.core.conditional import TAGGED_RESPONSES, Preconditions, known_state, preconditions
from app.core.http import API_PREFIX, error_responses
from app.core.pagination import DEFAULT_PAGE_SIZE, Cursor, Page, PageSize

router = APIRouter(prefix=f"{API_PREFIX}/users", tags=["users"])
roles_router = APIRouter(prefix=f"{API_PREFIX}/roles", tags=["users"])

Manager = Annotated[Caller, Depends(require(Permission.USER_MANAGE))]
Self = Annotated[Caller, Depends(require(Permission.ACCOUNT_SELF))]


async def _service(request: Request) -> AccountService:
    return cast("AccountService", request.app.state.accounts)


Service = Annotated[AccountService, Depends(_service)]
IfMatch = Annotated[Preconditions, Depends(preconditions)]
Username = Annotated[str, Path(max_length=64, description="Name of the user.")]


@router.post(
    "",
    operation_id="createUser",
    summary="Make a user",
    status_code=status.HTTP_201_CREATED,
    responses=error_responses(400, 401, 403, 409, 413, 422),
)
async def create(body: UserCreate, caller: Manager, service: Service) -> UserCreated:
    """Nobody can make a user who may do more than they may themselves."""
    password = body.password or new_password()
    user = await service.users.create(caller, body.username, password, body.role, team=body.team, email=body.email)
    shown = None if body.password else password
    return UserCreated(**UserDetail.of(user).model_dump(), password=shown)


@router.get("", operation_id="listUsers", summary="List users", responses=error_responses(400, 401, 403, 422))
async def list_(
    *,
    caller: Manager,  # noqa: ARG001
    service: Service,
    q: Annotated[
        str | None, Query(max_length=64, description="Only those with this text in name, e-mail address or team.")
    ] = None,
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: Cursor = None,
) -> Page[UserDetail]:
    """Every user, newest first."""
    page = await service.users.page(limit=limit, cursor=cursor, text=q)
    return Page(items=[UserDetail.of(user) for user in page.items], next_cursor=page.next_cursor)


@router.get(
    "/{username}",
    operation_id="getUser",
    summary="Read a user",
    response_model=UserDetail,
    responses=TAGGED_RESPONSES | error_responses(401, 403, 404, 422),
)
async def get(
    username: Username,
    caller: Manager,  # noqa: ARG001
    service: Service,
    known: Annotated[Preconditions, Depends(known_state)],
) -> Response:
    """One user. The `ETag` is what `If-Match` takes; a sign-in of theirs does not make it stale for writes."""
    user = await service.users.get(username)
    return known.respond(user_tag(user), UserDetail.of(user).model_dump_json(by_alias=True).encode())


@router.patch(
    "/{username}",
    operation_id="updateUser",
    summary="Change a user",
    responses=error_responses(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def update(
    *, username: Username, body: UserUpdate, caller: Manager, service: Service, conditions: IfMatch, response: Response
) -> UserDetail:
    """A role holds from the user's next request on; `is_active: false` ends their sign-ins and API keys at once.

    The last active administrator stays one (409).
    """
    user = await service.users.update(caller, username, body.changes(), conditions)
    response.headers["ETag"] = user_tag(user)
    return UserDetail.of(user)


@router.delete(
    "/{username}",
    operation_id="deleteUser",
    summary="Delete a user",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=error_responses(401, 403, 404, 409, 412, 422, 428),
)
async def delete(username: Username, caller: Manager, service: Service, conditions: IfMatch) -> Response:
    """Their sign-ins and API keys go; their benchmarks stay and belong to nobody.

    The last active administrator stays (409).
    """
    await service.users.delete(caller, username, conditions)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post(
    "/{username}/password",
    operation_id="resetPassword",
    summary="Give a user another password",
    responses=error_responses(400, 401, 403, 404, 413, 422),
)
async def reset_password(
    username: Username, caller: Manager, service: Service, body: PasswordReset | None = None
) -> GeneratedPassword:
    """Ends every sign-in of theirs; API keys stay. Without a password in the body one is generated and answered."""
    given = body.password if body else None
    password = given or new_password()
    await service.users.reset_password(caller, username, password)
    return GeneratedPassword(password=None if given else password)


@router.get(
    "/{username}/sessions",
    operation_id="listUserSessions",
    summary="List a user's sign-ins",
    responses=error_responses(401, 403, 404, 422),
)
async def sessions(username: Username, caller: Manager, service: Service) -> list[SessionView]:
    """Those that are not over, the last used first; at most 200."""
    return [SessionView.of(record, caller.family_id) for record in await service.sign_ins.of(username)]


@router.delete(
    "/{username}/sessions",
    operation_id="revokeUserSessions",
    summary="End a user's sign-ins",
    responses=error_responses(401, 403, 404, 422),
)
async def revoke_sessions(username: Username, caller: Manager, service: Service) -> Ended:
    """All of them, at once."""
    return Ended(sign_ins_ended=await service.sign_ins.revoke_all(caller, username))


@router.get(
    "/{username}/apikeys",
    operation_id="listUserApiKeys",
    summary="List a user's API keys",
    responses=error_responses(401, 403, 404, 422),
)
async def api_keys(username: Username, caller: Manager, service: Service) -> list[ApiKeyView]:  # noqa: ARG001
    """Those that are not revoked, newest first, without their secrets. `DELETE /auth/apikey` revokes one."""
    return [api_key_view(key) for key in await service.api_keys.of(username)]


@roles_router.get("", operation_id="listRoles", summary="List roles", responses=error_responses(401, 403))
async def roles(caller: Self, service: Service) -> list[RoleView]:  # noqa: ARG001
    """The built-in roles and those of the configuration (`[[security.roles]]`), with what each may do."""
    return RoleView.all_of(service.roles)
