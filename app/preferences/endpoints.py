"""REST: run-time settings, for administrators, and everybody's own preferences."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response

from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.core.conditional import TAGGED_RESPONSES, Preconditions, known_state, preconditions
from app.core.http import API_PREFIX, error_responses
from app.preferences.configured import ConfiguredSetting
from app.preferences.schemas import (
    PreferencesDocument,
    PreferencesUpdate,
    RuntimeSettingsUpdate,
    RuntimeSettingsView,
)
from app.preferences.service import PreferenceService, version_tag

router = APIRouter(prefix=API_PREFIX, tags=["settings"])

Administrator = Annotated[Caller, Depends(require(Permission.ADMIN_SETTINGS))]
Self = Annotated[Caller, Depends(require(Permission.ACCOUNT_SELF))]


async def _service(request: Request) -> PreferenceService:
    return cast("PreferenceService", request.app.state.preferences)


Service = Annotated[PreferenceService, Depends(_service)]


IfMatch = Annotated[Preconditions, Depends(preconditions)]
Known = Annotated[Preconditions, Depends(known_state)]


def _tagged(found: RuntimeSettingsView | PreferencesDocument, known: Preconditions) -> Response:
    return known.respond(version_tag(found.version), found.model_dump_json(by_alias=True).encode())


@router.get(
    "/settings",
    operation_id="getSettings",
    summary="Run-time settings",
    response_model=RuntimeSettingsView,
    responses=TAGGED_RESPONSES | error_responses(401, 403, 422),
)
async def get_settings(caller: Administrator, service: Service, known: Known) -> Response:
    """The settings that can be changed without a restart, as they are in force now."""
    return _tagged(await service.get(caller), known)


@router.patch(
    "/settings",
    operation_id="updateSettings",
    summary="Change run-time settings",
    responses=error_responses(400, 401, 403, 412, 413, 422, 428),
)
async def update_settings(
    body: RuntimeSettingsUpdate, caller: Administrator, service: Service, response: Response, conditions: IfMatch
) -> RuntimeSettingsView:
    """Change what is given, on every server of this database; null goes back to the configuration.

    With `If-Match`, only when nobody has changed the settings since they were read.
    """
    found = await service.update(caller, body.model_dump(exclude_unset=True), conditions=conditions)
    response.headers["ETag"] = version_tag(found.version)
    return found


@router.get(
    "/settings/configuration",
    operation_id="getConfiguration",
    summary="Settings of the configuration",
    responses=error_responses(401, 403),
)
async def get_configuration(request: Request, caller: Administrator) -> list[ConfiguredSetting]:  # noqa: ARG001
    """What the server that answers was started with, and where each value is from. Only a restart changes these.

    Those with a `runtime_name` can be changed by `PATCH /settings` too; what is in force of them is in `GET /settings`.
    """
    return cast("list[ConfiguredSetting]", request.app.state.configuration)


@router.get(
    "/me/preferences",
    operation_id="getPreferences",
    summary="My preferences",
    response_model=PreferencesDocument,
    responses=TAGGED_RESPONSES | error_responses(401, 403, 422),
)
async def get_preferences(caller: Self, service: Service, known: Known) -> Response:
    """What the caller has saved, such as a theme and views of lists."""
    return _tagged(await service.preferences(caller), known)


@router.put(
    "/me/preferences",
    operation_id="savePreferences",
    summary="Save my preferences",
    responses=error_responses(400, 401, 403, 412, 413, 422, 428),
)
async def save_preferences(
    body: PreferencesUpdate, caller: Self, service: Service, response: Response, conditions: IfMatch
) -> PreferencesDocument:
    """Replace the caller's document: any JSON object of at most 16 KiB."""
    found = await service.save_preferences(caller, body.document, conditions=conditions)
    response.headers["ETag"] = version_tag(found.version)
    return found
