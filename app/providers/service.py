"""Configured providers: what may be stored, what changes need, and what a benchmark gets."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import httpx
from sqlalchemy.exc import IntegrityError

from app.accounts import audit
from app.accounts.caller import Caller
from app.adapters import registry
from app.adapters.capabilities import Capabilities
from app.core.clock import Clock
from app.core.conditional import ANY_STATE, Preconditions
from app.core.database import Database, WriteSession
from app.core.errors import ConflictError, InvalidRequestError, NotFoundError, TestBenchError, invalid_field
from app.core.ids import new_id
from app.core.keyring import Keyring
from app.core.outbound import AddressUnknownError, OutboundGuard, split_url
from app.core.pagination import decode_cursor, encode_cursor
from app.providers import definitions, health, health_history, model_lists, repository
from app.providers.client import ProviderClient, ResolvedProvider
from app.providers.credentials import KEY_FIELDS, Credentials, has_key
from app.providers.health_history import HealthHistory
from app.providers.model_cache import ModelCache
from app.providers.models import Provider
from app.providers.schemas import (
    ModelList,
    ProviderCreate,
    ProviderHealth,
    ProviderPage,
    ProviderUpdate,
    ProviderView,
)
from app.providers.secrets import SecretReferences
from app.providers.views import audited, view

__all__ = ["ProviderService", "ResolvedProvider"]


class ProviderService:
    """What can be done with providers. Each method is at most one transaction, and none spans a network call."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keyring: Keyring,
        guard: OutboundGuard,
        references: SecretReferences | None = None,
        *,
        models_kept_seconds: float = 300.0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._credentials = Credentials(keyring, references)
        self._guard = guard
        self._client = ProviderClient(guard)
        self._models = ModelCache(models_kept_seconds)
        self.on_health: Callable[[str, ProviderHealth], None] = lambda _name, _found: None  # alerts

    async def list(self, limit: int, cursor: str | None) -> ProviderPage:
        """One page of providers, by name; the first also has the known kinds."""
        after = decode_cursor(cursor, str)[0] if cursor else None
        async with self._database.read() as session:
            found = await repository.page(session, after, limit + 1)
        items = [view(provider) for provider in found[:limit]]
        return ProviderPage(
            items=items,
            next_cursor=cursor_of(items[-1]) if len(found) > limit else None,
            kinds=[] if cursor else model_lists.kinds(),
        )

    async def get(self, name: str) -> ProviderView:
        """One provider; raises `NotFoundError`."""
        async with self._database.read() as session:
            return view(_found(await repository.by_name(session, name), name))

    async def find_many(self, names: Iterable[str]) -> dict[str, ProviderView]:
        """Those of these providers that exist."""
        async with self._database.read() as session:
            return {found.name: view(found) for found in await repository.with_names(session, names)}

    async def create(self, caller: Caller, body: ProviderCreate) -> ProviderView:
        """Store a new provider.

        Raises:
            InvalidRequestError: the address is missing, malformed or not allowed; the key's reference is not allowed;
                the definition of a custom provider is missing or wrong.
            ConflictError: the name is taken.
        """
        self._credentials.check(body.api_key_ref)
        definition = definitions.checked(body.kind, body.definition)
        base_url = body.base_url or registry.kind(body.kind, definition).default_base_url
        if base_url is None:
            raise invalid_field("base_url", f"is required: the kind '{body.kind}' has no address of its own")
        base_url = await self._checked_url(base_url)
        now = self._clock.now()
        provider = Provider(
            id=new_id(),
            name=body.name,
            kind=body.kind,
            base_url=base_url,
            default_model=body.default_model,
            options=definitions.kept(body.options, definition),
            is_enabled=body.is_enabled,
            created_by=None if caller.via == "system" else caller.user_id,
            created_at=now,
            updated_at=now,
        )
        self._credentials.put(provider, body)
        try:
            async with self._database.write() as session:
                if await repository.by_name(session, body.name):
                    raise _taken(body.name)
                session.add(provider)
                await session.flush()
                after = {"after": audited(provider)}
                await audit.record(session, caller, "provider.create", "provider", provider.id, after)
        except IntegrityError:
            raise _taken(body.name) from None
        return view(provider)

    async def update(
        self, caller: Caller, name: str, body: ProviderUpdate, conditions: Preconditions = ANY_STATE
    ) -> ProviderView:
        """Change what `body` names.

        Raises:
            PreconditionFailedError: it is not as `conditions` want it.
            NotFoundError, ConflictError: no such provider, or the new name is taken.
            InvalidRequestError: the address or the key's reference is not allowed, or the address moved without the
                key being given again.
        """
        self._credentials.check(body.api_key_ref)
        base_url = await self._checked_url(body.base_url) if body.base_url is not None else None
        try:
            async with self._database.write() as session:
                provider = _found(await repository.by_name(session, name, for_update=True), name)
                conditions.check_view(view(provider))
                before = audited(provider)
                await self._apply(session, provider, body, base_url)
                provider.updated_at = self._clock.now()
                await session.flush()
                changes: dict[str, Any] = {"before": before, "after": audited(provider)}
                if KEY_FIELDS & body.model_fields_set:
                    changes["credential_replaced"] = True
                await audit.record(session, caller, "provider.update", "provider", provider.id, changes)
        except IntegrityError:
            raise _taken(body.name or name) from None
        return view(provider)

    async def delete(self, caller: Caller, name: str, conditions: Preconditions = ANY_STATE) -> None:
        """Forget a provider and its key, as `update`. Results that were measured on it stay."""
        async with self._database.write() as session:
            provider = _found(await repository.by_name(session, name, for_update=True), name)
            conditions.check_view(view(provider))
            before = {"before": audited(provider)}
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

    async def definitions(self, names: Iterable[str]) -> Sequence[Any]:
        """The definition of each provider, None for one that is not custom; raises `NotFoundError`."""
        return [(await self.get(name)).definition for name in names]

    async def capabilities(self, name: str, model: str) -> Capabilities:
        """What the provider says that a model of its can do; nothing where it says nothing, or does not answer."""
        try:
            listed = (await self.models(name)).models
        except TestBenchError:
            return Capabilities()
        found = next((one.capabilities for one in listed if one.id == model), None)
        return Capabilities() if found is None else Capabilities(**found.model_dump())

    async def resolve(self, name: str) -> ResolvedProvider:
        """Everything a shard needs to reach a provider, with the key opened and the addresses checked now.

        Raises:
            NotFoundError: no such provider.
            ConflictError: it is disabled.
            AddressRefusedError, AddressUnknownError: its address is not allowed or does not resolve.
            EnvelopeError: its key cannot be opened.
            SecretUnavailableError: its key is elsewhere and cannot be read there.
        """
        async with self._database.read() as session:
            provider = _found(await repository.by_name(session, name), name)
        if not provider.is_enabled:
            raise ConflictError(f"provider '{name}' is disabled")
        checked = await self._guard.check(provider.base_url)
        return await self._resolved(provider, checked.addresses)

    async def models(self, name: str, *, refresh: bool = False) -> ModelList:
        """The provider's models and what is known of them, from a while ago unless `refresh`.

        Raises:
            TestBenchError: as `ProviderClient.models`, `SecretUnavailableError`, `NotFoundError`.
        """
        async with self._database.read() as session:
            provider = _found(await repository.by_name(session, name), name)
        now = self._clock.now()
        if not refresh and (kept := self._models.get(provider, now)) is not None:
            return kept
        live = await self._client.models(await self._resolved(provider))
        # Tens of milliseconds for a vendor with hundreds of models, and loading the tables takes 0.2 s once.
        kind = registry.kind(provider.kind, definitions.split(provider.options)[1])
        merged = partial(model_lists.merge, provider.kind, live.ids, live.facts, now, kind.capabilities)
        models = await asyncio.to_thread(merged)
        self._models.put(provider, models)
        return models

    async def health(
        self, caller: Caller, name: str, *, completion: bool = False, model: str | None = None
    ) -> ProviderHealth:
        """Ask the provider for its models, which costs nothing, and say how that went; the trail keeps it.

        `completion`: ask `model`, or the provider's default model, for a few tokens too, which is paid for.

        Raises:
            NotFoundError: no such provider.
            InvalidRequestError: a completion of no model.
        """
        async with self._database.read() as session:
            provider = _found(await repository.by_name(session, name), name)
        chosen = (model or provider.default_model) if completion else None
        if completion and chosen is None:
            raise invalid_field("model", f"is required for a completion: {name!r} has no default model")
        now = self._clock.now()
        try:
            resolved = await self._resolved(provider, fresh=True)
        except TestBenchError as error:
            found = health.failed(error, now)
        else:
            found = await health.check(self._client, resolved, now, chosen)
        self.on_health(name, found)
        async with self._database.write() as session:
            kept = health_history.facts(provider.name, found)
            await audit.record(session, caller, health_history.ACTION, "provider", provider.id, kept)
        return found

    async def health_history(self, name: str, limit: int) -> HealthHistory:
        """Its newest `limit` tests, also those before a restart; raises `NotFoundError`."""
        async with self._database.read() as session:
            provider = _found(await repository.by_name(session, name), name)
            return await health_history.read(session, provider.id, limit)

    async def _apply(
        self, session: WriteSession, provider: Provider, body: ProviderUpdate, base_url: str | None
    ) -> None:
        given = body.model_fields_set
        if base_url is not None:
            moved = split_url(base_url) != split_url(provider.base_url)
            if moved and has_key(provider) and not KEY_FIELDS & given:
                path = "api_key" if provider.credential is not None else "api_key_ref"
                raise invalid_field(
                    path,
                    "is needed again, because a stored key never goes to another scheme, host or port; "
                    "give null to forget it",
                )
            provider.base_url = base_url
        if body.name is not None and body.name != provider.name:
            if await repository.by_name(session, body.name):
                raise _taken(body.name)
            provider.name = body.name
        if KEY_FIELDS & given:
            self._credentials.put(provider, body)
        for field in ("kind", "default_model", "is_enabled"):
            if field in given:
                setattr(provider, field, getattr(body, field))
        options, definition = definitions.split(provider.options)
        if "definition" in given or provider.kind != registry.CUSTOM:
            definition = body.definition
        if {"kind", "definition", "options"} & given:
            definition = definitions.checked(provider.kind, definition)
            provider.options = definitions.kept(body.options or options, definition)

    async def _checked_url(self, text: str) -> str:
        split_url(text)
        parsed = httpx.URL(text)
        if parsed.query or parsed.fragment or "?" in text or "#" in text:
            raise invalid_field("base_url", "must not have a query or a fragment")
        with suppress(AddressUnknownError):  # it may be started later; each use checks again
            await self._guard.check(text)
        return str(parsed).rstrip("/")

    async def _resolved(
        self, provider: Provider, addresses: tuple[str, ...] = (), *, fresh: bool = False
    ) -> ResolvedProvider:
        options, definition = definitions.split(provider.options)
        key = await self._credentials.key(provider, fresh=fresh)
        return ResolvedProvider(
            id=provider.id,
            name=provider.name,
            adapter=provider.kind,
            base_url=provider.base_url,
            api_key=key,
            headers=options.headers,
            verify_tls=options.verify_tls,
            options=provider.options,
            definition=definition,
            addresses=addresses,
        )


def cursor_of(provider: ProviderView) -> str:
    """The place of a provider in the listing."""
    return encode_cursor(provider.name)


def _found(provider: Provider | None, name: str) -> Provider:
    if provider is None:
        raise NotFoundError(f"there is no provider '{name}'")
    return provider


def _taken(name: str) -> ConflictError:
    message = f"the provider name '{name}' is taken"
    return ConflictError(message, errors=[{"path": "name", "message": "is taken; choose another"}])
