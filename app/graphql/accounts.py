"""Who I am, and my API keys."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

from app.accounts.permissions import Permission
from app.accounts.schemas import ApiKeyCreate, ApiKeyCreated, ApiKeyView, UserView
from app.accounts.views import api_key_view, user_view
from app.graphql.answers import Deleted
from app.graphql.conditions import IdempotencyKey, once
from app.graphql.context import Info
from app.graphql.derive import TYPES
from app.graphql.guard import guarded
from app.graphql.inputs import INPUTS, read
from app.graphql.users import sign_ins

ApiKeyType = TYPES.of(ApiKeyView)
NewApiKeyType = TYPES.of(ApiKeyCreated)
ApiKeyInput = INPUTS.of(ApiKeyCreate)


@guarded(Permission.ACCOUNT_SELF, returns=list[ApiKeyType], cost=5)
async def api_keys(root: strawberry.Parent[UserView], info: Info) -> Any:
    """My keys that are not revoked, newest first, without their secrets. There are at most 100."""
    keys = await info.context.services.accounts.api_keys.list(info.context.caller)
    return [api_key_view(key) for key in keys]


ViewerType = TYPES.of(UserView, more={"api_keys": api_keys, "sign_ins": sign_ins})


@strawberry.type
class AccountQueries:
    """About oneself."""

    @guarded(Permission.ACCOUNT_SELF, returns=ViewerType)
    def me(self, info: Info) -> Any:
        """Who you are, with the permissions in force for this request."""
        return user_view(info.context.caller)


@strawberry.type
class AccountMutations:
    """API keys."""

    @guarded(Permission.ACCOUNT_SELF, returns=NewApiKeyType, cost=20)
    async def create_api_key(
        self,
        info: Info,
        new: Annotated[ApiKeyInput, strawberry.argument(name="input", description="The key.")],
        idempotency_key: IdempotencyKey = None,
    ) -> Any:
        """A key for programs. It is shown this once, and never has more permissions than its owner has then."""
        body = read(ApiKeyCreate, new, path="input")
        service = info.context.services.accounts.api_keys

        async def make() -> dict[str, Any]:
            key, text = await service.create(info.context.caller, body.name, body.scopes, body.expires_in_days)
            return ApiKeyCreated(**api_key_view(key).model_dump(), key=text).model_dump(mode="json")

        return ApiKeyCreated.model_validate(await once(info, "createApiKey", idempotency_key, new, make))

    @guarded(Permission.ACCOUNT_SELF, returns=Deleted, cost=20)
    async def revoke_api_key(
        self,
        info: Info,
        key_id: Annotated[UUID, strawberry.argument(name="id", description="The key's id.")],
    ) -> Any:
        """The key stops working at once. Administrators may revoke anyone's."""
        await info.context.services.accounts.api_keys.revoke(info.context.caller, key_id)
        return Deleted(id=strawberry.ID(str(key_id)))
