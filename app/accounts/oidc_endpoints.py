"""REST: which ways of signing in there are, and signing in at an identity provider.

Browsers navigate to these addresses, so errors of a sign-in go to the sign-in page, as one of a few codes; the log has
the words, under the request id that the page shows.
"""

from typing import Annotated, Any, cast
from urllib.parse import parse_qs, urlencode

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request, Response, status
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from app.accounts import cookies
from app.accounts.authentication import limit_by_address, set_cookies, visitor_of
from app.accounts.oidc_errors import OidcError
from app.accounts.oidc_flow import FLOW_LIFE, MAX_FLOWS
from app.accounts.oidc_service import OidcService
from app.accounts.passwords import MAX_PASSWORD_CHARACTERS, MIN_PASSWORD_CHARACTERS
from app.core.errors import MalformedRequestError
from app.core.http import API_PREFIX, error_responses

log = structlog.get_logger(__name__)

router = APIRouter(prefix=f"{API_PREFIX}/auth", tags=["auth"], dependencies=[Depends(limit_by_address)])

_MAX_LOGOUT_BODY_BYTES = 128 * 1024


class OidcMethod(BaseModel):
    """An identity provider to sign in with."""

    name: str = Field(description="Its name in the configuration.", examples=["corp"])
    label: str = Field(description="What to call it.", examples=["Example Corp"])
    login_url: str = Field(
        description="Where to send the browser; `?next=` names the page to come back to.",
        examples=["/api/v1/auth/oidc/corp/login"],
    )
    logout_url: str = Field(
        description="Where to send the browser after signing out here, to sign out there too.",
        examples=["/api/v1/auth/oidc/corp/logout"],
    )


class SignInMethods(BaseModel):
    """How users can sign in."""

    password: bool = Field(description="With a user name and a password (`security.enable_password`).")
    oidc: list[OidcMethod] = Field(description="At these identity providers.")
    min_password_characters: int = Field(MIN_PASSWORD_CHARACTERS, description="Shorter passwords are refused.")
    max_password_characters: int = Field(MAX_PASSWORD_CHARACTERS, description="Longer passwords are refused.")


async def _service(request: Request) -> OidcService:
    return cast("OidcService", request.app.state.oidc)


Service = Annotated[OidcService, Depends(_service)]
Name = Annotated[str, Path(max_length=32, description="The provider's name in the configuration.")]
_TO: dict[int | str, dict[str, Any]] = {303: {"description": "To the identity provider, or back to the dashboard."}}


@router.get("/methods", operation_id="listSignInMethods", summary="How to sign in", responses=error_responses())
async def methods(service: Service, request: Request) -> SignInMethods:
    """What the sign-in page offers."""
    found = []
    for settings in service.configured:
        base = f"{request.url.path.removesuffix('/methods')}/oidc/{settings.name}"
        found.append(
            OidcMethod(name=settings.name, label=settings.title, login_url=f"{base}/login", logout_url=f"{base}/logout")
        )
    password = request.app.state.settings.security.enable_password
    return SignInMethods(password=password, oidc=found)


@router.get(
    "/oidc/{name}/login",
    operation_id="beginOidcLogin",
    summary="Sign in at an identity provider",
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
    responses=_TO | error_responses(404, 422),
)
async def begin(
    name: Name,
    request: Request,
    service: Service,
    next_path: Annotated[
        str, Query(alias="next", max_length=2048, description="Local path to come back to; anything else means `/`.")
    ] = "/",
) -> Response:
    """Send the browser to the provider (authorization code with PKCE), with a cookie that the answer must fit."""
    service.check_name(name)
    try:
        flow, sealed, url = await service.begin(name, _redirect_uri(request, name), next_path, visitor_of(request))
    except OidcError as error:
        return _failed(request, name, error)
    response = RedirectResponse(url, status.HTTP_303_SEE_OTHER)
    for old in cookies.flow_cookies(request)[: -(MAX_FLOWS - 1)]:
        cookies.flow_cookie(old).clear(request, response)
    cookies.flow_cookie(flow.state).write(request, response, sealed, FLOW_LIFE)
    return response


@router.get(
    "/oidc/{name}/callback",
    operation_id="finishOidcLogin",
    summary="Where the identity provider sends the browser back to",
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
    responses=_TO | error_responses(404, 422),
)
async def callback(name: Name, request: Request, service: Service) -> Response:
    """Check the provider's answer, set the sign-in cookies, and go on to the page asked for.

    Each answer works once, and only in the browser that began the sign-in.
    """
    service.check_name(name)
    answer = _single_values(request)
    state = answer.get("state", "")
    cookie = cookies.flow_cookie(state)
    try:
        sign_in, next_path = await service.finish(name, cookie.read(request), answer, visitor_of(request))
    except OidcError as error:
        response = _failed(request, name, error)
    else:
        # By way of the sign-in page: the browser does not send Strict cookies on a redirect chain that began at the
        # provider's site, and the dashboard must learn that there are cookies now.
        query = urlencode({"via": name, "next": next_path})
        response = RedirectResponse(f"/signin?{query}", status.HTTP_303_SEE_OTHER)
        set_cookies(request, response, sign_in)
    if cookie.name_at(request) in request.cookies:
        cookie.clear(request, response)
    return response


@router.get(
    "/oidc/{name}/logout",
    operation_id="endOidcLogin",
    summary="Sign out at the identity provider",
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
    responses=_TO | error_responses(404, 422),
)
async def end(name: Name, request: Request, service: Service) -> Response:
    """Send the browser to where the provider signs users out, if it announces such a place; else to the sign-in page.

    It changes nothing here: sign out with `POST /auth/logout` first.
    """
    service.check_name(name)
    url = await service.logout_url(name, f"{_base_url(request)}/signin")
    return RedirectResponse(url or "/signin", status.HTTP_303_SEE_OTHER)


@router.post(
    "/oidc/{name}/backchannel-logout",
    operation_id="endOidcLoginByProvider",
    summary="The identity provider says that somebody has signed out",
    responses=error_responses(400, 401, 404, 413, 422),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "required": ["logout_token"],
                        "properties": {"logout_token": {"type": "string", "description": "Signed by the provider."}},
                    }
                }
            },
        }
    },
)
async def end_by_provider(name: Name, request: Request, service: Service) -> dict[str, str]:
    """End every sign-in of the user whom the provider's logout token names (OpenID Connect Back-Channel Logout)."""
    service.check_name(name)
    body = await request.body()
    try:
        tokens = parse_qs(body[:_MAX_LOGOUT_BODY_BYTES].decode("ascii"), max_num_fields=10).get("logout_token", [])
    except ValueError:
        tokens = []
    if len(tokens) != 1:
        raise MalformedRequestError("send a form with one logout_token")
    try:
        await service.end_by_provider(name, tokens[0])
    except OidcError as error:
        log.warning("a logout token was refused", provider=name, reason=error.message)
        raise MalformedRequestError("the logout token is not acceptable; the log says why") from None
    return {"status": "ok"}


def _failed(request: Request, name: str, error: OidcError) -> Response:
    reference = str(getattr(request.state, "request_id", ""))
    log.warning("sign-in refused", provider=name, reason=error.message, address=visitor_of(request).address)
    query = urlencode({"error": error.reason, "via": name, "ref": reference})
    return RedirectResponse(f"/signin?{query}", status.HTTP_303_SEE_OTHER)


def _single_values(request: Request) -> dict[str, str]:
    """The query; a parameter that comes twice is an attack (RFC 6749 section 3.1) and spoils the whole answer."""
    items = request.query_params.multi_items()
    if len({name for name, _ in items}) != len(items):
        return {}
    return dict(items)


def _base_url(request: Request) -> str:
    configured = request.app.state.settings.server.public_url
    # Otherwise what the browser asked for: `HostCheck` has seen to it that this is a name of ours.
    return str(configured or f"{request.url.scheme}://{request.url.netloc}")


def _redirect_uri(request: Request, name: str) -> str:
    return f"{_base_url(request)}{request.scope['path'].removesuffix(f'/{name}/login')}/{name}/callback"
