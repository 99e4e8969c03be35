"""REST: run-time settings, for administrators, and everybody's own preferences."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, Request, Response

from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.core.errors import InvalidRequestError
from app.core.http import error_responses
from app.preferences.schemas import (
    PreferencesDocument,
    PreferencesUpdate,
    RuntimeSettingsUpdate,
    RuntimeSettingsView,
)
from app.preferences.service import PreferenceService

router = APIRouter(tags=["settings"])

Administrator = Annotated[Caller, Depends(require(Permission.ADMIN_SETTINGS))]
Self = Annotated[Caller, Depends(require(Permission.ACCOUNT_SELF))]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=100, description="The ETag of what is to be changed.")
]


def _service(request: Request) -> PreferenceService:
    return cast("PreferenceService", request.app.state.preferences)


Service = Annotated[PreferenceService, Depends(_service)]


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidRequestError(
            'If-Match: use the ETag that was answered, such as "3", or *',
            errors=[{"path": "header.If-Match", "message": "is not an ETag of this resource"}],
        )
    return int(text)


@router.get("/settings", operation_id="getSettings", summary="Run-time settings", responses=error_responses(401, 403))
async def get_settings(caller: Administrator, service: Service, response: Response) -> RuntimeSettingsView:
    """The settings that can be changed without a restart, as they are in force now."""
    found = await service.get(caller)
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.patch(
    "/settings",
    operation_id="updateSettings",
    summary="Change run-time settings",
    responses=error_responses(400, 401, 403, 412, 413, 422),
)
async def update_settings(
    body: RuntimeSettingsUpdate, caller: Administrator, service: Service, response: Response, if_match: IfMatch = None
) -> RuntimeSettingsView:
    """Change what is given, on every server of this database; null goes back to the configuration.

    With `If-Match`, only when nobody has changed the settings since they were read.
    """
    found = await service.update(caller, body.model_dump(exclude_unset=True), _version(if_match))
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.get(
    "/me/preferences", operation_id="getPreferences", summary="My preferences", responses=error_responses(401, 403)
)
async def get_preferences(caller: Self, service: Service, response: Response) -> PreferencesDocument:
    """What the caller has saved, such as a theme and views of lists."""
    found = await service.preferences(caller)
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.put(
    "/me/preferences",
    operation_id="savePreferences",
    summary="Save my preferences",
    responses=error_responses(400, 401, 403, 412, 413, 422),
)
async def save_preferences(
    body: PreferencesUpdate, caller: Self, service: Service, response: Response, if_match: IfMatch = None
) -> PreferencesDocument:
    """Replace the caller's document: any JSON object of at most 16 KiB."""
    found = await service.save_preferences(caller, body.document, _version(if_match))
    response.headers["ETag"] = f'"{found.version}"'
    return found
