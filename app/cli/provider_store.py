"""Providers on a server over its REST API, or straight in this machine's database: the same JSON either way."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from app.cli.server_client import ServerClient
from app.core import migrations
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import DatabaseError, InvalidRequestError
from app.core.keyring import load_keyring
from app.core.logging import redact_text
from app.core.settings import Settings, load_settings


class ProviderStore(Protocol):
    """What the commands ask for. Every method raises `TestBenchError` with a message for people."""

    def list(self) -> dict[str, Any]:
        """`items`, all of them, and the `kinds`."""
        ...

    def add(self, body: dict[str, Any]) -> dict[str, Any]:
        """The new provider."""
        ...

    def health(self, name: str, *, completion: bool, model: str | None) -> dict[str, Any]:
        """How a check went."""
        ...

    def models(self, name: str, *, refresh: bool) -> dict[str, Any]:
        """Its models."""
        ...

    def remove(self, name: str) -> None:
        """Forget it."""
        ...


def open_store(server: str | None, api_key: str | None, config: Path | None, data_dir: Path | None) -> ProviderStore:
    """The server's providers, or without one those of the configured database."""
    if server is not None:
        return RemoteProviders(server, api_key)
    overrides: dict[str, Any] = {"storage": {"data_dir": data_dir}} if data_dir is not None else {}
    return LocalProviders(load_settings(config, **overrides))


class RemoteProviders:
    """Over REST."""

    def __init__(self, server: str, api_key: str | None) -> None:
        self._server = server
        self._api_key = api_key

    def list(self) -> dict[str, Any]:
        page = self._call("GET", "?limit=500")
        found = dict(page)
        while page["next_cursor"]:
            page = self._call("GET", "?" + urlencode({"limit": 500, "cursor": page["next_cursor"]}))
            found["items"] += page["items"]
        return {"items": found["items"], "kinds": found["kinds"]}

    def add(self, body: dict[str, Any]) -> dict[str, Any]:
        return dict(self._call("POST", "", body))

    def health(self, name: str, *, completion: bool, model: str | None) -> dict[str, Any]:
        query = {"completion": "true"} if completion else {}
        query |= {"model": model} if model else {}
        return dict(self._call("POST", f"/{quote(name, safe='')}/health?{urlencode(query)}"))

    def models(self, name: str, *, refresh: bool) -> dict[str, Any]:
        return dict(self._call("GET", f"/{quote(name, safe='')}/models" + "?refresh=true" * refresh))

    def remove(self, name: str) -> None:
        self._call("DELETE", f"/{quote(name, safe='')}")

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        with ServerClient(self._server, self._api_key) as client:
            return client.call(method, f"/providers{path}", body)


class LocalProviders:
    """In the database, as the operator of this machine."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def list(self) -> dict[str, Any]:
        async def work(service: Any) -> dict[str, Any]:
            page = await service.list(500, None)
            items = list(page.items)
            while page.next_cursor:
                following = await service.list(500, page.next_cursor)
                items += following.items
                page = following
            kinds = (await service.list(1, None)).kinds
            return {"items": [_json(item) for item in items], "kinds": [_json(kind) for kind in kinds]}

        return self._run(work)

    def add(self, body: dict[str, Any]) -> dict[str, Any]:
        from app.providers.schemas import ProviderCreate  # noqa: PLC0415 - what only one command needs

        try:
            create = ProviderCreate.model_validate_json(_dumped(body))
        except ValidationError as error:
            problems = [
                {"path": ".".join(map(str, item["loc"])), "message": item["msg"].removeprefix("Value error, ")}
                for item in error.errors(include_url=False, include_input=False, include_context=False)
            ]
            text = "; ".join(": ".join(filter(None, (one["path"], one["message"]))) for one in problems)
            raise InvalidRequestError(text, errors=problems) from None
        return self._run(lambda service: _shown(service.create(_operator(), create)))

    def health(self, name: str, *, completion: bool, model: str | None) -> dict[str, Any]:
        return self._run(lambda service: _shown(service.health(_operator(), name, completion=completion, model=model)))

    def models(self, name: str, *, refresh: bool) -> dict[str, Any]:
        return self._run(lambda service: _shown(service.models(name, refresh=refresh)))

    def remove(self, name: str) -> None:
        async def work(service: Any) -> dict[str, Any]:
            await service.delete(_operator(), name)
            return {}

        self._run(work)

    def _run(self, work: Callable[[Any], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        try:
            return asyncio.run(_on_database(self._settings, work))
        except SQLAlchemyError as error:
            raise DatabaseError(f"the database cannot be used: {redact_text(str(error))}") from error


async def _on_database(settings: Settings, work: Callable[[Any], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    from app.accounts.audit_seal import seal_with  # noqa: PLC0415
    from app.providers.wiring import provider_service  # noqa: PLC0415 - `--server` needs none of it

    database = Database(settings.storage)
    try:
        keyring = load_keyring(settings)
        seal_with(database, keyring)
        service = provider_service(settings, database, SystemClock(), keyring)
        if settings.storage.enable_migrations:
            await migrations.upgrade(database.engine)
        return await work(service)
    finally:
        await database.close()


async def _shown(view: Awaitable[BaseModel]) -> dict[str, Any]:
    return _json(await view)


def _json(view: BaseModel) -> dict[str, Any]:
    return view.model_dump(mode="json")


def _dumped(body: dict[str, Any]) -> bytes:
    import orjson  # noqa: PLC0415

    return orjson.dumps(body)


def _operator() -> Any:
    from app.cli.local_accounts import OPERATOR  # noqa: PLC0415

    return OPERATOR
