"""Settings that change while the service runs, and preferences of users.

A change is one transaction with its audit row; the event `settings.changed` tells every server after the commit, which
then reads the settings anew. Every half a minute they are read in any case, so that a lost event costs that long.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError

from app.accounts import audit
from app.accounts.caller import Caller
from app.accounts.permissions import Permission
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import ConflictError, InvalidRequestError, PayloadTooLargeError
from app.events import outbox
from app.events.bus import Bus, Subscription
from app.events.catalogue import as_payload
from app.events.payloads import SettingsChanged
from app.events.types import Event, Topic
from app.preferences import repository
from app.preferences.models import RuntimeSetting, UserPreferences
from app.preferences.schemas import PreferencesDocument, RuntimeSettingsUpdate, RuntimeSettingsView, RuntimeValues

log = logging.getLogger(__name__)

REREAD_SECONDS = 30.0
MAX_DOCUMENT_BYTES = 16 * 1024
MAX_DEPTH = 16

OnChange = Callable[[RuntimeValues], None]


class VersionConflictError(ConflictError):
    """Somebody else was faster: read again, then change."""

    http_status = 412


class PreferenceService:
    """Serves requests about settings; `current` is what holds in this process. `configured` is what the start found."""

    def __init__(self, database: Database, clock: Clock, bus: Bus, configured: RuntimeValues) -> None:
        self.current = configured
        self._configured = configured
        self._database = database
        self._clock = clock
        self._bus = bus
        self._on_change: list[OnChange] = []
        self._task: asyncio.Task[None] | None = None
        self._subscription: Subscription[Event] | None = None

    async def start(self) -> None:
        """Read the settings, and follow their changes."""
        self._subscription = self._bus.subscribe([Topic.SETTINGS_CHANGED], on_gap=lambda: None)
        await self.reread()
        self._task = asyncio.create_task(self._follow(self._subscription), name="runtime settings")

    async def close(self) -> None:
        """Follow no more."""
        if self._task is not None and self._subscription is not None:
            self._subscription.close()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def apply(self, on_change: OnChange) -> None:
        """Call `on_change` with the values in force, now and after every change."""
        self._on_change.append(on_change)
        on_change(self.current)

    async def get(self, caller: Caller) -> RuntimeSettingsView:
        """The settings in force; raises `ForbiddenError`."""
        caller.check(Permission.ADMIN_SETTINGS)
        async with self._database.read() as session:
            return self._view(list(await repository.runtime_settings(session)))

    async def update(
        self, caller: Caller, changes: Mapping[str, Any], if_version: int | None = None
    ) -> RuntimeSettingsView:
        """Change what is given; null goes back to the configuration.

        Raises:
            ForbiddenError: without `admin.settings`.
            InvalidRequestError: an unknown setting or a bad value, naming what is allowed.
            VersionConflictError: `if_version` is not the version in force.
        """
        caller.check(Permission.ADMIN_SETTINGS)
        given = _checked(changes)
        now = self._clock.now()
        async with self._database.write() as session:
            await repository.lock(session)
            rows = {row.key: row for row in await repository.runtime_settings(session)}
            before = self._view(list(rows.values()))
            if if_version is not None and if_version != before.version:
                raise VersionConflictError(
                    f"the settings are at version {before.version}, not {if_version}; read them again",
                    version=before.version,
                )
            for key, value in given.items():
                row = rows.get(key)
                if row is None:
                    row = rows[key] = RuntimeSetting(key=key)
                    session.add(row)
                row.value, row.version = {"value": value}, before.version + 1
                row.updated_at, row.updated_by = now, caller.username[:64]
            await session.flush()
            after = self._view(list(rows.values()))
            told = SettingsChanged(
                version=after.version, changed=sorted(given), values=RuntimeValues.model_dump(_values_of(after))
            )
            outbox.record(session, Event(Topic.SETTINGS_CHANGED, as_payload(told), now))
            changed = {
                "before": {key: getattr(before, key) for key in given},
                "after": {key: getattr(after, key) for key in given},
            }
            await audit.record(session, caller, "settings.update", "settings", after.version, changed)
        self._use(_values_of(after))
        return after

    async def reread(self) -> None:
        """Use what the database says."""
        async with self._database.read() as session:
            self._use(_values_of(self._view(list(await repository.runtime_settings(session)))))

    async def preferences(self, caller: Caller) -> PreferencesDocument:
        """The caller's own document."""
        async with self._database.read() as session:
            row = await repository.preferences_of(session, caller.user_id)
        return PreferencesDocument(document=row.document if row else {}, version=row.version if row else 0)

    async def save_preferences(
        self, caller: Caller, document: dict[str, Any], if_version: int | None = None
    ) -> PreferencesDocument:
        """Replace the caller's own document.

        Raises:
            PayloadTooLargeError: it has more than 16 KiB.
            InvalidRequestError: it is nested too deeply, or holds what a database cannot.
            VersionConflictError: `if_version` is not its version.
        """
        _check_document(document)
        async with self._database.write() as session:
            await repository.lock_preferences(session, caller.user_id)
            row = await repository.preferences_of(session, caller.user_id)
            version = row.version if row else 0
            if if_version is not None and if_version != version:
                raise VersionConflictError(
                    f"the preferences are at version {version}, not {if_version}; read them again", version=version
                )
            if row is None:
                row = UserPreferences(user_id=_person(caller))
                session.add(row)
            row.document, row.version, row.updated_at = document, version + 1, self._clock.now()
            await session.flush()
            changes = {"version": row.version, "keys": sorted(document)[:50]}
            await audit.record(session, caller, "preferences.update", "user", caller.user_id, changes)
            return PreferencesDocument(document=document, version=row.version)

    def _view(self, rows: list[RuntimeSetting]) -> RuntimeSettingsView:
        known = [row for row in rows if row.key in RuntimeValues.model_fields]
        changed = {row.key: row.value["value"] for row in known if row.value["value"] is not None}
        newest = max(rows, key=lambda row: row.version, default=None)
        return RuntimeSettingsView(
            **(self._configured.model_dump() | changed),
            version=newest.version if newest else 0,
            changed=sorted(changed),
            updated_at=newest.updated_at if newest else None,
            updated_by=newest.updated_by if newest else None,
        )

    def _use(self, values: RuntimeValues) -> None:
        if values == self.current:
            return
        self.current = values
        log.info("settings in force: %s", values)
        for on_change in self._on_change:
            on_change(values)

    async def _follow(self, changes: Subscription[Event]) -> None:
        while True:
            try:
                async with asyncio.timeout(REREAD_SECONDS):
                    await anext(changes)
            except TimeoutError:
                pass
            except StopAsyncIteration:
                return
            try:
                await self.reread()
            except Exception as error:  # noqa: BLE001  (the database is away: the next try is soon)
                log.warning("settings cannot be read now, will try again: %s", error)


def _values_of(view: RuntimeSettingsView) -> RuntimeValues:
    return RuntimeValues(**{name: getattr(view, name) for name in RuntimeValues.model_fields})


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return RuntimeSettingsUpdate.model_validate(dict(changes)).model_dump(exclude_unset=True)
    except ValidationError as error:
        allowed = ", ".join(RuntimeValues.model_fields)
        problems = [
            {"path": ".".join(str(part) for part in item["loc"]) or "(body)", "message": item["msg"]}
            | ({"allowed": allowed} if item["type"] == "extra_forbidden" else {})
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise InvalidRequestError(f"{problems[0]['path']}: {problems[0]['message']}", errors=problems) from None


def _person(caller: Caller) -> UUID:
    if caller.via == "system":
        raise InvalidRequestError("the service itself has no preferences")
    return caller.user_id


def _check_document(document: dict[str, Any]) -> None:
    try:
        size = len(orjson.dumps(document))
    except (TypeError, ValueError, RecursionError):
        raise _bad_document("is not JSON that can be stored") from None
    if size > MAX_DOCUMENT_BYTES:
        raise PayloadTooLargeError(
            f"document: {size} bytes, and at most {MAX_DOCUMENT_BYTES} are allowed", limit=MAX_DOCUMENT_BYTES
        )
    if _depth(document) > MAX_DEPTH:
        raise _bad_document(f"is nested more than {MAX_DEPTH} deep")
    if b"\\u0000" in orjson.dumps(document):
        raise _bad_document("holds a NUL character")


def _bad_document(message: str) -> InvalidRequestError:
    return InvalidRequestError(f"document: {message}", errors=[{"path": "document", "message": message}])


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((_depth(item) for item in value), default=0)
    return 0
