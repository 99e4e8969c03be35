"""Settings that change while the service runs, and one's own preferences."""

from typing import Annotated, Any

import strawberry

from app.accounts.permissions import Permission
from app.core.conditional import ANY_STATE, Preconditions
from app.core.errors import InvalidRequestError
from app.graphql.conditions import IfMatch, conditions
from app.graphql.context import Info
from app.graphql.derive import NAMES, TYPES
from app.graphql.guard import guarded
from app.graphql.inputs import INPUTS, read
from app.graphql.scalars import JSON
from app.preferences.configured import ConfiguredSetting
from app.preferences.schemas import (
    PreferencesDocument,
    PreferencesUpdate,
    RuntimeSettingsUpdate,
    RuntimeSettingsView,
)
from app.preferences.service import version_tag

NAMES |= {"RuntimeSettingsView": "Settings", "RuntimeSettingsUpdate": "Settings", "PreferencesDocument": "Preferences"}


@guarded(Permission.ADMIN_SETTINGS, name="etag", returns=str)
def settings_etag(root: strawberry.Parent[RuntimeSettingsView], info: Info) -> Any:
    """Names this state of the settings, for `ifMatch`."""
    return version_tag(root.version).strip('"')


@guarded(Permission.ACCOUNT_SELF, name="etag", returns=str)
def preferences_etag(root: strawberry.Parent[PreferencesDocument], info: Info) -> Any:
    """Names this state of the preferences, for `ifMatch`."""
    return version_tag(root.version).strip('"')


SettingsType = TYPES.of(RuntimeSettingsView, more={"etag": settings_etag})
SettingsInput = INPUTS.of(RuntimeSettingsUpdate)
PreferencesType = TYPES.of(PreferencesDocument, more={"etag": preferences_etag})
ConfiguredType = TYPES.of(ConfiguredSetting)
IfVersion = Annotated[
    int | None, strawberry.argument(description="`ifMatch` by the number: only when nobody has since this version.")
]


def _conditions(info: Info, if_match: str | None, if_version: int | None) -> Preconditions:
    """What `ifMatch` demands; `server.http.require_if_match` takes either of the two."""
    return ANY_STATE if if_match is None and if_version is not None else conditions(info, if_match)


@strawberry.type
class SettingsQueries:
    """Reading settings."""

    @guarded(Permission.ADMIN_SETTINGS, returns=SettingsType, cost=5)
    async def settings(self, info: Info) -> Any:
        """The settings that can be changed without a restart, as they are in force now."""
        return await info.context.services.preferences.get(info.context.caller)

    @guarded(Permission.ADMIN_SETTINGS, returns=list[ConfiguredType], cost=50)
    async def configuration(self, info: Info) -> Any:
        """What the server that answers was started with, and where each value is from. Only a restart changes these."""
        return info.context.services.configuration

    @guarded(Permission.ACCOUNT_SELF, returns=PreferencesType, cost=5)
    async def preferences(self, info: Info) -> Any:
        """What you have saved, such as a theme and views of lists."""
        return await info.context.services.preferences.preferences(info.context.caller)


@strawberry.type
class SettingsMutations:
    """Changing settings."""

    @guarded(Permission.ADMIN_SETTINGS, returns=SettingsType, cost=20)
    async def update_settings(
        self,
        info: Info,
        changes: Annotated[
            SettingsInput, strawberry.argument(name="input", description="What changes; null goes back to the file.")
        ],
        if_match: IfMatch = None,
        if_version: IfVersion = None,
    ) -> Any:
        """Change settings on every server of this database."""
        body = read(RuntimeSettingsUpdate, changes, path="input")
        given = body.model_dump(exclude_unset=True)
        service, wanted = info.context.services.preferences, _conditions(info, if_match, if_version)
        return await service.update(info.context.caller, given, if_version, conditions=wanted)

    @guarded(Permission.ACCOUNT_SELF, returns=PreferencesType, cost=20)
    async def save_preferences(
        self,
        info: Info,
        document: Annotated[
            JSON, strawberry.argument(description="Any object of at most 16 KiB; it replaces the one before.")
        ],
        if_match: IfMatch = None,
        if_version: IfVersion = None,
    ) -> Any:
        """Replace your own preferences."""
        body = PreferencesUpdate.model_validate({"document": document}) if isinstance(document, dict) else None
        if body is None:
            problem = {"path": "document", "message": "must be an object"}
            raise InvalidRequestError("document: must be an object", errors=[problem])
        service, wanted = info.context.services.preferences, _conditions(info, if_match, if_version)
        return await service.save_preferences(info.context.caller, body.document, if_version, conditions=wanted)
