"""REST: configured providers, their models and health."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Path, Query, Request, Response, status

from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.core.conditional import TAGGED_RESPONSES, Preconditions, etag_of_view, known_state, preconditions
from app.core.http import API_PREFIX, error_responses
from app.core.pagination import DEFAULT_PAGE_SIZE, Cursor, PageSize
from app.providers.health_history import MAX_CHECKS, HealthHistory
from app.providers.schemas import (
    ModelList,
    ModelName,
    ProviderCreate,
    ProviderHealth,
    ProviderPage,
    ProviderUpdate,
    ProviderView,
)
from app.providers.service import ProviderService

router = APIRouter(prefix=f"{API_PREFIX}/providers", tags=["providers"])

ProvidersRead = Annotated[Caller, Depends(require(Permission.PROVIDER_READ))]
ProvidersManage = Annotated[Caller, Depends(require(Permission.PROVIDER_MANAGE))]
ProvidersTest = Annotated[Caller, Depends(require(Permission.PROVIDER_TEST))]
Known = Annotated[Preconditions, Depends(known_state)]
Conditions = Annotated[Preconditions, Depends(preconditions)]
Name = Annotated[str, Path(description="The provider's name.", max_length=64, examples=["local"])]


async def _service(request: Request) -> ProviderService:
    return cast("ProviderService", request.app.state.providers)


Service = Annotated[ProviderService, Depends(_service)]


@router.get(
    "",
    operation_id="listProviders",
    summary="List providers",
    responses=error_responses(400, 401, 403, 422),
)
async def list_providers(
    _caller: ProvidersRead,
    service: Service,
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: Cursor = None,
) -> ProviderPage:
    """Providers by name, and on the first page the known kinds with what they can do. Keys are never shown."""
    return await service.list(limit, cursor)


@router.post(
    "",
    operation_id="createProvider",
    summary="Add a provider",
    status_code=status.HTTP_201_CREATED,
    responses=error_responses(400, 401, 403, 409, 413, 422),
)
async def create_provider(body: ProviderCreate, caller: ProvidersManage, service: Service) -> ProviderView:
    """Configure an endpoint for benchmarks.

    Its address must be public or in a network that `outbound.allow` lists (by default this machine). Its key is stored
    encrypted, or read at each use from where `api_key_ref` says; the configuration lists what may be read.
    """
    return await service.create(caller, body)


@router.get(
    "/{name}",
    operation_id="getProvider",
    summary="Show a provider",
    response_model=ProviderView,
    responses=TAGGED_RESPONSES | error_responses(401, 403, 404, 422),
)
async def get_provider(name: Name, _caller: ProvidersRead, service: Service, known: Known) -> Response:
    """One provider, without its key. Give its `ETag` back as `If-Match` to change what you saw and nothing newer."""
    view = await service.get(name)
    return known.respond(etag_of_view(view), view.model_dump_json(by_alias=True).encode())


@router.patch(
    "/{name}",
    operation_id="updateProvider",
    summary="Change a provider",
    responses=error_responses(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def update_provider(
    name: Name,
    body: ProviderUpdate,
    caller: ProvidersManage,
    service: Service,
    conditions: Conditions,
    response: Response,
) -> ProviderView:
    """Change the fields that are given; `api_key: null` forgets the key.

    A key never follows an address: another scheme, host or port of `base_url` needs the key, or its reference, again.
    """
    view = await service.update(caller, name, body, conditions)
    response.headers["ETag"] = etag_of_view(view)
    return view


@router.delete(
    "/{name}",
    operation_id="deleteProvider",
    summary="Remove a provider",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=error_responses(401, 403, 404, 412, 422, 428),
)
async def delete_provider(name: Name, caller: ProvidersManage, service: Service, conditions: Conditions) -> Response:
    """Forget a provider and its key. Results that were measured on it stay."""
    await service.delete(caller, name, conditions)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.get(
    "/{name}/models",
    operation_id="listProviderModels",
    summary="List a provider's models",
    responses=error_responses(401, 403, 404, 422, 502, 503, 504),
)
async def list_models(
    name: Name,
    caller: ProvidersRead,
    service: Service,
    refresh: Annotated[bool, Query(description="Ask the provider now; needs the permission `provider.test`.")] = False,
) -> ModelList:
    """The models that the provider lists, then known ones that it does not; with context lengths and prices."""
    if refresh:
        caller.check(Permission.PROVIDER_TEST)
    return await service.models(name, refresh=refresh)


@router.get(
    "/{name}/health",
    operation_id="listProviderHealth",
    summary="How a provider's checks went",
    responses=error_responses(401, 403, 404, 422),
)
async def list_health(
    name: Name,
    _caller: ProvidersRead,
    service: Service,
    limit: Annotated[int, Query(ge=1, le=MAX_CHECKS, description="Most checks to return.")] = DEFAULT_PAGE_SIZE,
) -> HealthHistory:
    """The newest checks of a provider, by whom and how they went; nothing is asked of it."""
    return await service.health_history(name, limit)


@router.post(
    "/{name}/health",
    operation_id="checkProviderHealth",
    summary="Check a provider",
    responses=error_responses(401, 403, 404, 422),
)
async def check_health(
    name: Name,
    caller: ProvidersTest,
    service: Service,
    completion: Annotated[bool, Query(description="Also ask for a few tokens, which is paid for.")] = False,
    model: Annotated[ModelName | None, Query(description="For the completion; else the default model.")] = None,
) -> ProviderHealth:
    """Make free control calls with the key and say how they went: is it there, is the key taken.

    The audit trail keeps how it went; `GET` tells the newest.
    """
    return await service.health(caller, name, completion=completion, model=model)
