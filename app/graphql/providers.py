"""Providers: the endpoints that benchmarks can target, their models and health. Keys go in and never come out."""

from typing import Annotated, Any

import strawberry

from app.accounts.permissions import Permission
from app.core.conditional import etag_of_view
from app.core.errors import InvalidRequestError, NotFoundError
from app.graphql.answers import Deleted
from app.graphql.conditions import IdempotencyKey, IfMatch, conditions, once
from app.graphql.connections import (
    DEFAULT_FIRST,
    After,
    First,
    connection,
    connection_type,
    cursor_of_client,
    page_size,
)
from app.graphql.context import Info
from app.graphql.derive import TYPES
from app.graphql.guard import guarded
from app.graphql.inputs import INPUTS, read
from app.providers import model_lists
from app.providers.health_history import MAX_CHECKS, HealthHistory
from app.providers.schemas import (
    KindView,
    ModelList,
    ProviderCreate,
    ProviderHealth,
    ProviderOptions,
    ProviderUpdate,
    ProviderView,
)
from app.providers.service import cursor_of

KindType = TYPES.of(KindView)
ModelsType = TYPES.of(ModelList)
HealthType = TYPES.of(ProviderHealth)
HistoryType = TYPES.of(HealthHistory)
TYPES.of(ProviderOptions)


@guarded(Permission.PROVIDER_READ, returns=KindType | None)
def kind_details(root: strawberry.Parent[ProviderView], info: Info) -> Any:
    """What its kind is and can do."""
    return next((found for found in model_lists.kinds() if found.kind == root.kind), None)


@guarded(Permission.PROVIDER_READ, returns=str)
def etag(root: strawberry.Parent[ProviderView], info: Info) -> Any:
    """Names this state of the provider, for `ifMatch`."""
    return etag_of_view(root).strip('"')


ProviderType = TYPES.of(ProviderView, more={"kind_details": kind_details, "etag": etag})
ProviderConnection = connection_type(ProviderType, "Provider", "providers")

ProviderInput = INPUTS.of(ProviderCreate)
ProviderChanges = INPUTS.of(ProviderUpdate)
Name = Annotated[str, strawberry.argument(description="The provider's name.")]


async def one(info: Info, name: str) -> ProviderView:
    """A provider; raises `NotFoundError`."""
    found = await info.context.loaders.providers.load(name) if "\0" not in name else None
    if found is None:
        raise NotFoundError(f"there is no provider '{name}'")
    return found


@strawberry.type
class ProviderQueries:
    """Reading providers."""

    @guarded(Permission.PROVIDER_READ, returns=ProviderType | None, cost=5)
    async def provider(self, info: Info, name: Name) -> Any:
        """One provider, without its key."""
        return await one(info, name)

    @guarded(Permission.PROVIDER_READ, returns=ProviderConnection, cost=5, paged=True)
    async def providers(self, info: Info, first: First = DEFAULT_FIRST, after: After = None) -> Any:
        """Configured providers by name, without their keys."""
        size, cursor = page_size(info, first), cursor_of_client(after)
        page = await info.context.services.providers.list(size, cursor)
        return connection(page, cursor_of, after=cursor)

    @guarded(Permission.PROVIDER_READ, returns=list[KindType])
    def provider_kinds(self, info: Info) -> Any:
        """Every kind that a provider may be of, with what it can do."""
        return model_lists.kinds()

    @guarded(Permission.PROVIDER_READ, returns=ModelsType, cost=50)
    async def provider_models(
        self,
        info: Info,
        name: Name,
        refresh: Annotated[
            bool, strawberry.argument(description="Ask the provider now; needs the permission `provider.test`.")
        ] = False,
    ) -> Any:
        """The models that a provider lists, then known ones that it does not; with context lengths and prices."""
        if refresh:
            info.context.caller.check(Permission.PROVIDER_TEST)
        return await info.context.services.providers.models(name, refresh=refresh)

    @guarded(Permission.PROVIDER_READ, returns=HistoryType, cost=20)
    async def provider_health(
        self,
        info: Info,
        name: Name,
        limit: Annotated[int, strawberry.argument(description="Most checks to return, 1 to 200.")] = DEFAULT_FIRST,
    ) -> Any:
        """The newest checks of a provider, by whom and how they went; nothing is asked of it."""
        if not 1 <= limit <= MAX_CHECKS:
            problem = {"path": "limit", "message": "is out of range", "allowed": f"1 to {MAX_CHECKS}"}
            raise InvalidRequestError(f"limit: use 1 to {MAX_CHECKS}", errors=[problem])
        found = await one(info, name)
        return await info.context.services.providers.health_history(found.name, limit)


@strawberry.type
class ProviderMutations:
    """Adding, changing, checking and removing providers."""

    @guarded(Permission.PROVIDER_MANAGE, returns=ProviderType, cost=20)
    async def create_provider(
        self,
        info: Info,
        new: Annotated[ProviderInput, strawberry.argument(name="input", description="The provider.")],
        idempotency_key: IdempotencyKey = None,
    ) -> Any:
        """Configure an endpoint for benchmarks. Its key is stored encrypted, or read where `apiKeyRef` says."""
        body = read(ProviderCreate, new, path="input")

        async def make() -> dict[str, Any]:
            made = await info.context.services.providers.create(info.context.caller, body)
            return {"name": made.name}

        made = await once(info, "createProvider", idempotency_key, new, make)
        return await one(info, made["name"])

    @guarded(Permission.PROVIDER_MANAGE, returns=ProviderType, cost=20)
    async def update_provider(
        self,
        info: Info,
        name: Name,
        changes: Annotated[
            ProviderChanges, strawberry.argument(name="input", description="What changes; the rest stays.")
        ],
        if_match: IfMatch = None,
    ) -> Any:
        """Change a provider. A key never follows an address: another scheme, host or port needs the key again."""
        body = read(ProviderUpdate, changes, path="input")
        return await info.context.services.providers.update(info.context.caller, name, body, conditions(info, if_match))

    @guarded(Permission.PROVIDER_MANAGE, returns=Deleted, cost=20)
    async def delete_provider(self, info: Info, name: Name, if_match: IfMatch = None) -> Any:
        """Forget a provider and its key. Results that were measured on it stay."""
        await info.context.services.providers.delete(info.context.caller, name, conditions(info, if_match))
        return Deleted(id=strawberry.ID(name))

    @guarded(Permission.PROVIDER_TEST, returns=HealthType, cost=100)
    async def test_provider(
        self,
        info: Info,
        name: Name,
        completion: Annotated[
            bool, strawberry.argument(description="Also ask for a few tokens, which is paid for.")
        ] = False,
        model: Annotated[
            str | None, strawberry.argument(description="For the completion; else the default model.")
        ] = None,
    ) -> Any:
        """Make free control calls with the key and say how they went: is it there, is the key taken."""
        if model is not None and (not 1 <= len(model) <= 200 or "\0" in model):
            problem = {"path": "model", "message": "is not a model's name", "allowed": "1 to 200 characters, no NUL"}
            raise InvalidRequestError("model: use 1 to 200 characters, no NUL", errors=[problem])
        service = info.context.services.providers
        return await service.health(info.context.caller, name, completion=completion, model=model)
