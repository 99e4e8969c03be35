"""REST: signing in and out, who am I, my password, sign-ins and API keys."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response, status

from app.accounts import cookies
from app.accounts.authentication import (
    clear_cookies,
    limit_by_address,
    set_cookies,
    token_of,
    visitor_of,
)
from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.accounts.schemas import ApiKeyCreate, ApiKeyCreated, ApiKeyView, LoginBody, RefreshBody, SignedIn, UserView
from app.accounts.service import AccountService, SignIn
from app.accounts.user_views import Ended, PasswordChange, SessionView
from app.accounts.views import api_key_view, user_view
from app.core.errors import UnauthorizedError
from app.core.http import API_PREFIX, error_responses

router = APIRouter(prefix=f"{API_PREFIX}/auth", tags=["auth"])

Self = Annotated[Caller, Depends(require(Permission.ACCOUNT_SELF))]


async def _service(request: Request) -> AccountService:
    return cast("AccountService", request.app.state.accounts)


Service = Annotated[AccountService, Depends(_service)]
Counted = Depends(limit_by_address)


def _signed_in(request: Request, response: Response, sign_in: SignIn) -> SignedIn:
    set_cookies(request, response, sign_in)
    return SignedIn(
        access_token=sign_in.access_token,
        expires_in=int(sign_in.access_life.total_seconds()),
        refresh_token=sign_in.refresh_token,
        user=user_view(sign_in.caller),
    )


@router.post(
    "/login",
    operation_id="login",
    summary="Sign in",
    responses=error_responses(400, 401, 403, 413, 422),
    dependencies=[Counted],
)
async def login(body: LoginBody, request: Request, response: Response, service: Service) -> SignedIn:
    """Exchange a user name and a password for tokens; browsers get them as cookies too.

    Tries are limited per account and per address. An unknown user and a wrong password get the same answer.
    """
    sign_in = await service.login(body.username, body.password, visitor_of(request))
    return _signed_in(request, response, sign_in)


@router.post(
    "/refresh",
    operation_id="refreshTokens",
    summary="Get new tokens",
    responses=error_responses(400, 401, 403, 413, 422),
    dependencies=[Counted],
)
async def refresh(request: Request, response: Response, service: Service, body: RefreshBody | None = None) -> SignedIn:
    """Exchange the refresh token, from the body or else the cookie, for new tokens.

    Each refresh token works once. Using one a second time ends the whole sign-in, because one of the two was a thief.
    Only a cookie may come twice within five seconds, from the same browser and before the new one was used: two tabs
    that refresh at once get the same new token.
    """
    token = body.refresh_token if body else cookies.REFRESH.read(request)
    if not token:
        raise UnauthorizedError("send the refresh token in the body or as a cookie")
    sign_in = await service.refresh(token, visitor_of(request), shares_cookie=body is None)
    return _signed_in(request, response, sign_in)


@router.post(
    "/logout",
    operation_id="logout",
    summary="Sign out",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=error_responses(400, 401, 403, 413, 422),
    dependencies=[Counted],
)
async def logout(request: Request, service: Service, body: RefreshBody | None = None) -> Response:
    """End the sign-in of the access token (an expired one will do) or of the refresh token.

    Both kinds of token stop working at once, and the cookies are cleared.
    """
    refresh_token = body.refresh_token if body else cookies.REFRESH.read(request)
    try:
        access_token = token_of(request)
    except UnauthorizedError:
        access_token = None
    await service.logout(access_token, refresh_token, visitor_of(request))
    response = Response(status_code=status.HTTP_204_NO_CONTENT)
    clear_cookies(request, response)
    return response


@router.get(
    "/me",
    operation_id="getMe",
    summary="Who am I",
    responses=error_responses(401, 403),
)
async def me(caller: Self) -> UserView:
    """The caller, with the permissions in force for this request."""
    return user_view(caller)


@router.post(
    "/password",
    operation_id="changePassword",
    summary="Change my password",
    responses=error_responses(400, 401, 403, 409, 413, 422),
)
async def change_password(body: PasswordChange, caller: Self, service: Service) -> Ended:
    """Needs the old one. Every other sign-in ends, this one goes on; API keys stay. Tries are limited like sign-ins."""
    return Ended(sign_ins_ended=await service.change_password(caller, body.old_password, body.new_password))


@router.get(
    "/sessions",
    operation_id="listMySessions",
    summary="List my sign-ins",
    responses=error_responses(401, 403),
)
async def list_sessions(caller: Self, service: Service) -> list[SessionView]:
    """Devices on which the caller is signed in, the last used first; at most 200."""
    return [SessionView.of(record, caller.family_id) for record in await service.sign_ins.mine(caller)]


@router.delete(
    "/sessions",
    operation_id="revokeMyOtherSessions",
    summary="End my other sign-ins",
    responses=error_responses(401, 403),
)
async def revoke_other_sessions(caller: Self, service: Service) -> Ended:
    """All but the one that asks."""
    return Ended(sign_ins_ended=await service.sign_ins.revoke_others(caller))


@router.delete(
    "/sessions/{session_id}",
    operation_id="revokeMySession",
    summary="End one of my sign-ins",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=error_responses(401, 403, 404, 422),
)
async def revoke_session(
    caller: Self, service: Service, session_id: Annotated[UUID, Path(description="Its id, from the list.")]
) -> Response:
    """Its tokens stop working at once."""
    await service.sign_ins.revoke(caller, session_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post(
    "/apikey",
    operation_id="createApiKey",
    summary="Make an API key",
    status_code=status.HTTP_201_CREATED,
    responses=error_responses(400, 401, 403, 409, 413, 422),
)
async def create_api_key(body: ApiKeyCreate, caller: Self, service: Service) -> ApiKeyCreated:
    """A key for programs. It is shown this once, and never has more permissions than its owner has at that moment."""
    key, text = await service.api_keys.create(caller, body.name, body.scopes, body.expires_in_days)
    return ApiKeyCreated(**api_key_view(key).model_dump(), key=text)


@router.get(
    "/apikey",
    operation_id="listApiKeys",
    summary="List my API keys",
    responses=error_responses(401, 403),
)
async def list_api_keys(caller: Self, service: Service) -> list[ApiKeyView]:
    """The caller's keys that are not revoked, newest first, without their secrets. There are at most 100."""
    return [api_key_view(key) for key in await service.api_keys.list(caller)]


@router.delete(
    "/apikey",
    operation_id="revokeApiKey",
    summary="Revoke an API key",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=error_responses(401, 403, 404, 422),
)
async def revoke_api_key(
    caller: Self,
    service: Service,
    key_id: Annotated[UUID, Query(alias="id", description="The key's id, from the list.")],
) -> Response:
    """The key stops working at once. Administrators may revoke anyone's."""
    await service.api_keys.revoke(caller, key_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)
