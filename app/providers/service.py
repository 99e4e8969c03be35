"""Configured providers: what may be stored, what changes need, and what a benchmark gets."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import httpx
from sqlalchemy.exc import IntegrityError

from app.accounts import audit
from app.accounts.caller import Caller
from app.adapters import registry
from app.core.clock import Clock
from app.core.crypto import Cipher
from app.core.database import Database, WriteSession
from app.core.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    ServiceUnavailableError,
    TestBenchError,
    UpstreamTimeoutError,
)
from app.core.ids import new_id
from app.core.keyring import Keyring
from app.core.outbound import AddressUnknownError, OutboundGuard, split_url
from app.core.pagination import Page, decode_cursor, encode_cursor
from app.providers import repository
from app.providers.client import ProviderAnswerError, ProviderClient, ResolvedProvider
from app.providers.models import Provider
from app.providers.schemas import (
    ModelList,
    ModelView,
    ProviderCreate,
    ProviderHealth,
    ProviderOptions,
    ProviderUpdate,
    ProviderView,
)

__all__ = ["ProviderService", "ResolvedProvider"]

_MODELS_KEPT = timedelta(seconds=30)
_MAX_CACHED_LISTS = 1000
_UNAUTHORIZED = {401, 403}


class _CachedModels(NamedTuple):
    updated_at: datetime
    fetched_at: datetime
    models: list[str]


class ProviderService:
    """What can be done with providers. Each method is at most one transaction, and none spans a network call."""

    def __init__(self, database: Database, clock: Clock, keyring: Keyring, guard: OutboundGuard) -> None:
        self._database = database
        self._clock = clock
        self._cipher = Cipher(keyring, "provider-credential")
        self._guard = guard
        self._client = ProviderClient(guard)
        self._models: dict[UUID, _CachedModels] = {}

    async def list(self, limit: int, cursor: str | None) -> Page[ProviderView]:
        """One page of providers, by name."""
        after = decode_cursor(cursor, str)[0] if cursor is not None else None
        async with self._database.read() as session:
            found = await repository.page(session, after, limit + 1)
        items = [_view(provider) for provider in found[:limit]]
        return Page(items=items, next_cursor=encode_cursor(items[-1].name) if len(found) > limit else None)

    async def get(self, name: str) -> ProviderView:
        """One provider; raises `NotFoundError`."""
        async with self._database.read() as session:
            return _view(_found(await repository.by_name(session, name), name))

    async def create(self, caller: Caller, body: ProviderCreate) -> ProviderView:
        """Store a new provider.

        Raises:
            InvalidRequestError: the address is missing, malformed or not allowed.
            ConflictError: the name is taken.
        """
        base_url = body.base_url or registry.kind(body.kind).default_base_url
        if base_url is None:
            raise _invalid("base_url", f"is required: the kind '{body.kind}' has no address of its own")
        base_url = await self._checked_url(base_url)
        now = self._clock.now()
        provider = Provider(
            id=new_id(),
            name=body.name,
            kind=body.kind,
            base_url=base_url,
            default_model=body.default_model,
            options=body.options.model_dump(),
            is_enabled=body.is_enabled,
            created_by=None if caller.via == "system" else caller.user_id,
            created_at=now,
            updated_at=now,
        )
        if body.api_key is not None:
            provider.credential = self._cipher.seal(body.api_key.get_secret_value(), _context(provider.id))
        try:
            async with self._database.write() as session:
                if await repository.by_name(session, body.name):
                    raise _taken(body.name)
                session.add(provider)
                await session.flush()
                after = {"after": _audited(provider)}
                await audit.record(session, caller, "provider.create", "provider", provider.id, after)
        except IntegrityError:
            raise _taken(body.name) from None
        return _view(provider)

    async def update(self, caller: Caller, name: str, body: ProviderUpdate) -> ProviderView:
        """Change what `body` names.

        Raises:
            NotFoundError, ConflictError: no such provider, or the new name is taken.
            InvalidRequestError: the address is not allowed, or it moved without the key being given again.
        """
        base_url = await self._checked_url(body.base_url) if body.base_url is not None else None
        try:
            async with self._database.write() as session:
                provider = _found(await repository.by_name(session, name), name)
                before = _audited(provider)
                await self._apply(session, provider, body, base_url)
                provider.updated_at = self._clock.now()
                await session.flush()
                changes: dict[str, Any] = {"before": before, "after": _audited(provider)}
                if "api_key" in body.model_fields_set:
                    changes["credential_replaced"] = True
                await audit.record(session, caller, "provider.update", "provider", provider.id, changes)
        except IntegrityError:
            raise _taken(body.name or name) from None
        return _view(provider)

    async def delete(self, caller: Caller, name: str) -> None:
        """Forget a provider and its key. Results that were measured on it stay."""
        async with self._database.write() as session:
            provider = _found(await repository.by_name(session, name), name)
            before = {"before": _audited(provider)}
            await session.delete(provider)
            await session.flush()
            await audit.record(session, caller, "provider.delete", "provider", provider.id, before)

    async def check_exists(self, names: Iterable[str]) -> None:
        """Check the providers of a benchmark's targets, given in target order.

        Raises:
            InvalidRequestError: with the path `targets.N.provider` of each that is missing or disabled.
        """
        wanted = list(names)
        async with self._database.read() as session:
            known = await repository.names_among(session, wanted)
        problems = [
            {"path": f"targets.{index}.provider", "message": f"provider '{name}' {reason}"}
            for index, name in enumerate(wanted)
            if (reason := "does not exist" if name not in known else "" if known[name] else "is disabled")
        ]
        if problems:
            raise InvalidRequestError(
                "; ".join(f"{item['path']}: {item['message']}" for item in problems), errors=problems
            )

    async def kinds(self, names: Iterable[str]) -> Sequence[str]:
        """The kind of each provider; raises `NotFoundError`."""
        return [(await self.get(name)).kind for name in names]

    async def resolve(self, name: str) -> ResolvedProvider:
        """Everything a shard needs to reach a provider, with the key opened and the addresses checked now.

        Raises:
            NotFoundError: no such provider.
            ConflictError: it is disabled.
            AddressRefusedError, AddressUnknownError: its address is not allowed or does not resolve.
            EnvelopeError: its key cannot be opened.
        """
        async with self._database.read() as session:
            provider = _found(await repository.by_name(session, name), name)
        if not provider.is_enabled:
            raise ConflictError(f"provider '{name}' is disabled")
        checked = await self._guard.check(provider.base_url)
        return self._resolved(provider, checked.addresses)

    async def models(self, name: str) -> ModelList:
        """The provider's models, at most half a minute old; raises as `ProviderClient.models`."""
        async with self._database.read() as session:
            provider = _found(await repository.by_name(session, name), name)
        now = self._clock.now()
        kept = self._models.get(provider.id)
        if kept is None or kept.updated_at != provider.updated_at or now - kept.fetched_at >= _MODELS_KEPT:
            found, _ = await self._client.models(self._resolved(provider))
            kept = _CachedModels(provider.updated_at, now, found)
            if len(self._models) >= _MAX_CACHED_LISTS:
                self._models.clear()
            self._models[provider.id] = kept
        return ModelList(models=[ModelView(id=model) for model in kept.models], fetched_at=kept.fetched_at)

    async def health(self, name: str) -> ProviderHealth:
        """Ask the provider for its models, which costs nothing, and say how that went."""
        async with self._database.read() as session:
            provider = _found(await repository.by_name(session, name), name)
        now = self._clock.now()
        try:
            found, latency_ms = await self._client.models(self._resolved(provider))
        except TestBenchError as error:
            return ProviderHealth(status=_health(error), latency_ms=None, message=error.message, checked_at=now)
        message = f"{len(found)} model{'' if len(found) == 1 else 's'}"
        return ProviderHealth(status="ok", latency_ms=round(latency_ms, 1), message=message, checked_at=now)

    async def _apply(
        self, session: WriteSession, provider: Provider, body: ProviderUpdate, base_url: str | None
    ) -> None:
        given = body.model_fields_set
        if base_url is not None:
            moved = split_url(base_url) != split_url(provider.base_url)
            if moved and provider.credential is not None and "api_key" not in given:
                raise _invalid(
                    "api_key",
                    "is needed again, because a stored key never goes to another scheme, host or port; "
                    "give null to forget it",
                )
            provider.base_url = base_url
        if body.name is not None and body.name != provider.name:
            if await repository.by_name(session, body.name):
                raise _taken(body.name)
            provider.name = body.name
        if "api_key" in given:
            key = body.api_key
            provider.credential = (
                self._cipher.seal(key.get_secret_value(), _context(provider.id)) if key is not None else None
            )
        if body.options is not None:
            provider.options = body.options.model_dump()
        for field in ("kind", "default_model", "is_enabled"):
            if field in given:
                setattr(provider, field, getattr(body, field))

    async def _checked_url(self, text: str) -> str:
        split_url(text)
        parsed = httpx.URL(text)
        if parsed.query or parsed.fragment or "?" in text or "#" in text:
            raise _invalid("base_url", "must not have a query or a fragment")
        with suppress(AddressUnknownError):  # it may be started later; each use checks again
            await self._guard.check(text)
        return str(parsed).rstrip("/")

    def _resolved(self, provider: Provider, addresses: tuple[str, ...] = ()) -> ResolvedProvider:
        options = ProviderOptions.model_validate(provider.options)
        key = self._cipher.open(provider.credential, _context(provider.id)) if provider.credential else None
        return ResolvedProvider(
            id=provider.id,
            name=provider.name,
            adapter=provider.kind,
            base_url=provider.base_url,
            api_key=key,
            headers=options.headers,
            verify_tls=options.verify_tls,
            options=provider.options,
            addresses=addresses,
        )


def _health(error: TestBenchError) -> Any:
    if isinstance(error, ProviderAnswerError):
        return "unauthorized" if error.status in _UNAUTHORIZED else "error"
    if isinstance(error, ServiceUnavailableError | UpstreamTimeoutError):
        return "unreachable"
    return "error"


def _found(provider: Provider | None, name: str) -> Provider:
    if provider is None:
        raise NotFoundError(f"there is no provider '{name}'")
    return provider


def _taken(name: str) -> ConflictError:
    return ConflictError(f"the provider name '{name}' is taken")


def _invalid(path: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(f"{path}: {message}", errors=[{"path": path, "message": message}])


def _context(provider_id: UUID) -> str:
    return f"provider:{provider_id}"


def _audited(provider: Provider) -> Mapping[str, Any]:
    fields = ("name", "kind", "base_url", "default_model", "options", "is_enabled")
    return {field: getattr(provider, field) for field in fields} | {"has_api_key": provider.credential is not None}


def _view(provider: Provider) -> ProviderView:
    return ProviderView(
        id=provider.id,
        name=provider.name,
        kind=provider.kind,
        base_url=provider.base_url,
        has_api_key=provider.credential is not None,
        default_model=provider.default_model,
        options=ProviderOptions.model_validate(provider.options),
        is_enabled=provider.is_enabled,
        created_at=provider.created_at,
        updated_at=provider.updated_at,
    )
