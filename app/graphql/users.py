"""Users, for those who manage them, and roles."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

from app.accounts.permissions import Permission
from app.accounts.schemas import ApiKeyView
from app.accounts.user_views import (
    Ended,
    PasswordChange,
    PasswordReset,
    RoleView,
    SessionView,
    UserCreate,
    UserDetail,
    UserUpdate,
)
from app.accounts.users import cursor_of, new_password, user_tag
from app.accounts.views import api_key_view
from app.core.errors import InvalidRequestError
from app.core.pagination import Page
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
from app.graphql.derive import NAMES, TYPES
from app.graphql.guard import guarded
from app.graphql.inputs import INPUTS, read

NAMES |= {"UserDetail": "User", "RoleView": "Role", "SessionView": "SignIn", "Ended": "SignInsEnded"}
MAX_TEXT_CHARACTERS = 64


@guarded(Permission.USER_MANAGE, returns=str)
def etag(root: strawberry.Parent[UserDetail], info: Info) -> Any:
    """Names this state of the user, for `ifMatch`."""
    return user_tag(root).strip('"')


UserType = TYPES.of(UserDetail, more={"etag": etag})
UserConnection = connection_type(UserType, "User", "users")
ApiKeyType = TYPES.of(ApiKeyView)
RoleType = TYPES.of(RoleView)
SignInType = TYPES.of(SessionView)
EndedType = TYPES.of(Ended)
UserInput = INPUTS.of(UserCreate)
UserChangesInput = INPUTS.of(UserUpdate)
Username = Annotated[str, strawberry.argument(description="Name of the user.")]


@strawberry.type(description="A user who has a new password.")
class UserWithPassword:
    """A user who has a new password."""

    user: UserType = strawberry.field(description="The user.")
    generated_password: str | None = strawberry.field(
        description="The generated password, shown this once; null when one was given."
    )


@strawberry.type
class UserQueries:
    """Reading users and roles."""

    @guarded(Permission.USER_MANAGE, returns=UserConnection, cost=5, paged=True)
    async def users(
        self,
        info: Info,
        text: Annotated[
            str | None,
            strawberry.argument(description="Only those with this in name, e-mail address or team."),
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> Any:
        """Every user, newest first."""
        if text is not None and len(text) > MAX_TEXT_CHARACTERS:
            problem = {"path": "text", "message": "is too long", "allowed": f"{MAX_TEXT_CHARACTERS} characters"}
            raise InvalidRequestError(f"text: use at most {MAX_TEXT_CHARACTERS} characters", errors=[problem])
        size, cursor = page_size(info, first), cursor_of_client(after)
        found = await info.context.services.accounts.users.page(limit=size, cursor=cursor, text=text)
        page: Page[UserDetail] = Page(
            items=[UserDetail.of(user) for user in found.items], next_cursor=found.next_cursor
        )
        return connection(page, cursor_of, after=cursor)

    @guarded(Permission.USER_MANAGE, returns=UserType | None, cost=5)
    async def user(self, info: Info, username: Username) -> Any:
        """One user."""
        return UserDetail.of(await info.context.services.accounts.users.get(username))

    @guarded(Permission.USER_MANAGE, returns=list[SignInType], cost=20)
    async def user_sign_ins(self, info: Info, username: Username) -> Any:
        """Sign-ins of a user that are not over, the last used first; at most 200."""
        found = await info.context.services.accounts.sign_ins.of(username)
        return [SessionView.of(record, info.context.caller.family_id) for record in found]

    @guarded(Permission.USER_MANAGE, returns=list[ApiKeyType], cost=20)
    async def user_api_keys(self, info: Info, username: Username) -> Any:
        """A user's keys that are not revoked, newest first, without their secrets; `revokeApiKey` revokes one."""
        return [api_key_view(key) for key in await info.context.services.accounts.api_keys.of(username)]

    @guarded(Permission.ACCOUNT_SELF, returns=list[RoleType], cost=2)
    def roles(self, info: Info) -> Any:
        """The built-in roles and those of the configuration (`[[security.roles]]`), with what each may do."""
        return RoleView.all_of(info.context.services.accounts.roles)


@strawberry.type
class UserMutations:
    """Managing users. The last active administrator stays one, and nobody changes who may do more than they may."""

    @guarded(Permission.USER_MANAGE, returns=UserWithPassword, cost=100)
    async def create_user(
        self,
        info: Info,
        new: Annotated[UserInput, strawberry.argument(name="input", description="The user.")],
        idempotency_key: IdempotencyKey = None,
    ) -> Any:
        """Make a user. Nobody can make one who may do more than they may themselves."""
        body = read(UserCreate, new, path="input")
        users = info.context.services.accounts.users

        async def make() -> dict[str, Any]:
            password = body.password or new_password()
            made = await users.create(
                info.context.caller, body.username, password, body.role, team=body.team, email=body.email
            )
            shown = None if body.password else password
            return {"user": UserDetail.of(made).model_dump(mode="json"), "password": shown}

        made = await once(info, "createUser", idempotency_key, new, make)
        return UserWithPassword(user=UserDetail.model_validate(made["user"]), generated_password=made["password"])

    @guarded(Permission.USER_MANAGE, returns=UserType, cost=20)
    async def update_user(
        self,
        info: Info,
        username: Username,
        changes: Annotated[
            UserChangesInput, strawberry.argument(name="input", description="What changes; the rest stays.")
        ],
        if_match: IfMatch = None,
    ) -> Any:
        """Change role, team or address, or disable (`isActive: false`), which ends sign-ins and API keys at once."""
        body = read(UserUpdate, changes, path="input")
        wanted = conditions(info, if_match)
        users = info.context.services.accounts.users
        return UserDetail.of(await users.update(info.context.caller, username, body.changes(), wanted))

    @guarded(Permission.USER_MANAGE, returns=UserWithPassword, cost=100)
    async def reset_password(
        self,
        info: Info,
        username: Username,
        password: Annotated[
            str | None, strawberry.argument(description="Without one, one is generated and answered this once.")
        ] = None,
    ) -> Any:
        """Give a user another password. Ends every sign-in of theirs; API keys stay."""
        given = None if password is None else read(PasswordReset, {"password": password}).password
        chosen = given or new_password()
        reset = await info.context.services.accounts.users.reset_password(info.context.caller, username, chosen)
        return UserWithPassword(user=UserDetail.of(reset), generated_password=None if given else chosen)

    @guarded(Permission.USER_MANAGE, returns=Deleted, cost=20)
    async def delete_user(self, info: Info, username: Username, if_match: IfMatch = None) -> Any:
        """Remove a user with their sign-ins and API keys; their benchmarks stay and belong to nobody."""
        wanted = conditions(info, if_match)
        await info.context.services.accounts.users.delete(info.context.caller, username, wanted)
        return Deleted(id=strawberry.ID(username))

    @guarded(Permission.USER_MANAGE, returns=EndedType, cost=20)
    async def revoke_user_sign_ins(self, info: Info, username: Username) -> Any:
        """End all sign-ins of a user, at once."""
        ended = await info.context.services.accounts.sign_ins.revoke_all(info.context.caller, username)
        return Ended(sign_ins_ended=ended)


@guarded(Permission.ACCOUNT_SELF, returns=list[SignInType], cost=5)
async def sign_ins(root: strawberry.Parent[Any], info: Info) -> Any:
    """Where I am signed in, the last used first; at most 200."""
    found = await info.context.services.accounts.sign_ins.mine(info.context.caller)
    return [SessionView.of(record, info.context.caller.family_id) for record in found]


@strawberry.type
class SignInMutations:
    """My password and my sign-ins."""

    @guarded(Permission.ACCOUNT_SELF, returns=EndedType, cost=100)
    async def change_password(
        self,
        info: Info,
        old_password: Annotated[str, strawberry.argument(description="The one in force.")],
        new_password: Annotated[str, strawberry.argument(description="The one to come.")],
    ) -> Any:
        """Change my password. Every other sign-in of mine ends; API keys stay. Tries are limited like sign-ins."""
        body = read(PasswordChange, {"old_password": old_password, "new_password": new_password})
        service = info.context.services.accounts
        ended = await service.change_password(info.context.caller, body.old_password, body.new_password)
        return Ended(sign_ins_ended=ended)

    @guarded(Permission.ACCOUNT_SELF, returns=Deleted, cost=20)
    async def revoke_sign_in(
        self, info: Info, sign_in_id: Annotated[UUID, strawberry.argument(name="id", description="The sign-in's id.")]
    ) -> Any:
        """End one sign-in of mine at once, maybe this one."""
        await info.context.services.accounts.sign_ins.revoke(info.context.caller, sign_in_id)
        return Deleted(id=strawberry.ID(str(sign_in_id)))

    @guarded(Permission.ACCOUNT_SELF, returns=EndedType, cost=20)
    async def revoke_other_sign_ins(self, info: Info) -> Any:
        """End all sign-ins of mine but the one that asks."""
        ended = await info.context.services.accounts.sign_ins.revoke_others(info.context.caller)
        return Ended(sign_ins_ended=ended)
