"""What is shown of accounts, whoever asks: REST or GraphQL."""

from app.accounts.caller import Caller
from app.accounts.models import ApiKey
from app.accounts.permissions import Permission
from app.accounts.schemas import ApiKeyView, UserView
from app.accounts.tokens import API_KEY_MARK

_KNOWN = frozenset(Permission)


def user_view(caller: Caller) -> UserView:
    """The caller, with the permissions in force for this request."""
    return UserView(
        id=caller.user_id,
        username=caller.username,
        role=caller.role,
        team=caller.team,
        permissions=sorted(caller.permissions),
    )


def api_key_view(key: ApiKey) -> ApiKeyView:
    """A key without its secret."""
    return ApiKeyView.model_validate(
        {
            "id": key.id,
            "name": key.name,
            "prefix": f"{API_KEY_MARK}_{key.prefix}",
            "scopes": [scope for scope in key.scopes if scope in _KNOWN],
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "last_used_at": key.last_used_at,
            "last_used_address": key.last_used_address,
        }
    )
