"""Users and API keys on a server over its REST API, or straight in this machine's database: the same JSON."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode
from uuid import UUID

from app.cli.server_client import ServerClient
from app.cli.usage import UsageProblem
from app.core.errors import InvalidRequestError


class AccountStore(Protocol):
    """What the commands ask for. Every method raises `TestBenchError` with a message for people."""

    def create_user(self, body: dict[str, Any]) -> dict[str, Any]:
        """The new user; `password` when one was generated."""
        ...

    def users(self) -> list[dict[str, Any]]:
        """All of them."""
        ...

    def update_user(self, username: str, changes: dict[str, Any]) -> dict[str, Any]:
        """The user as changed."""
        ...

    def delete_user(self, username: str) -> None:
        """Remove a user."""
        ...

    def reset_password(self, username: str, password: str | None) -> str | None:
        """The generated password, if none was given."""
        ...

    def new_key(self, username: str, body: dict[str, Any]) -> dict[str, Any]:
        """The new key, with its text as `key`."""
        ...

    def keys(self, username: str) -> list[dict[str, Any]]:
        """Those of a user that are not revoked."""
        ...

    def revoke_key(self, key_id: str) -> None:
        """End a key."""
        ...


def open_accounts(server: str | None, api_key: str | None, config: Path | None, data_dir: Path | None) -> AccountStore:
    """The server's accounts, or without one those of the configured database."""
    return RemoteAccounts(server, api_key) if server is not None else LocalAccounts(config, data_dir)


class RemoteAccounts:
    """Over REST, with the rights of the API key."""

    def __init__(self, server: str, api_key: str | None) -> None:
        self._server = server
        self._api_key = api_key

    def create_user(self, body: dict[str, Any]) -> dict[str, Any]:
        return dict(self._call("POST", "/users", body))

    def users(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            query = {"limit": "500"} | ({"cursor": cursor} if cursor else {})
            page = self._call("GET", "/users?" + urlencode(query))
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return sorted(found, key=lambda user: str(user["username"]))

    def update_user(self, username: str, changes: dict[str, Any]) -> dict[str, Any]:
        return dict(self._call("PATCH", f"/users/{_quoted(username)}", changes))

    def delete_user(self, username: str) -> None:
        self._call("DELETE", f"/users/{_quoted(username)}")

    def reset_password(self, username: str, password: str | None) -> str | None:
        answer = self._call("POST", f"/users/{_quoted(username)}/password", {"password": password})
        found = answer["password"]
        return None if found is None else str(found)

    def new_key(self, username: str, body: dict[str, Any]) -> dict[str, Any]:
        raise UsageProblem(
            ["--server: a key is made by its owner, who has signed in; on the server's machine leave --server out"]
        )

    def keys(self, username: str) -> list[dict[str, Any]]:
        return list(self._call("GET", f"/users/{_quoted(username)}/apikeys"))

    def revoke_key(self, key_id: str) -> None:
        self._call("DELETE", "/auth/apikey?" + urlencode({"id": key_id}))

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        with ServerClient(self._server, self._api_key) as client:
            return client.call(method, path, body)


class LocalAccounts:
    """In the configured database, as its operator."""

    def __init__(self, config: Path | None, data_dir: Path | None) -> None:
        self._config = config
        self._data_dir = data_dir

    def create_user(self, body: dict[str, Any]) -> dict[str, Any]:
        from app.accounts.users import new_password  # noqa: PLC0415 - `--server` needs none of it

        password = body.get("password") or new_password()
        details = {name: body.get(name) for name in ("team", "email")}

        async def work(accounts: Any) -> dict[str, Any]:
            user = await accounts.users.create(_operator(), body["username"], password, body.get("role"), **details)
            return _shown(user) | {"password": None if body.get("password") else password}

        return dict(self._run(work))

    def users(self) -> list[dict[str, Any]]:
        async def work(accounts: Any) -> list[dict[str, Any]]:
            return [_shown(user) for user in await accounts.users.list()]

        return list(self._run(work))

    def update_user(self, username: str, changes: dict[str, Any]) -> dict[str, Any]:
        from app.accounts.users import UserChanges  # noqa: PLC0415

        async def work(accounts: Any) -> dict[str, Any]:
            wanted = UserChanges(**changes, given=frozenset(changes))
            return _shown(await accounts.users.update(_operator(), username, wanted))

        return dict(self._run(work))

    def delete_user(self, username: str) -> None:
        self._run(lambda accounts: accounts.users.delete(_operator(), username))

    def reset_password(self, username: str, password: str | None) -> str | None:
        from app.accounts.users import new_password  # noqa: PLC0415

        wanted = password or new_password()
        self._run(lambda accounts: accounts.users.reset_password(_operator(), username, wanted))
        return None if password else wanted

    def new_key(self, username: str, body: dict[str, Any]) -> dict[str, Any]:
        from app.cli.local_accounts import new_key  # noqa: PLC0415

        async def work(accounts: Any) -> dict[str, Any]:
            text = await new_key(accounts, username, body["name"], body.get("scopes"), body.get("expires_in_days"))
            return {"key": text}

        return dict(self._run(work))

    def keys(self, username: str) -> list[dict[str, Any]]:
        from app.accounts.views import api_key_view  # noqa: PLC0415

        async def work(accounts: Any) -> list[dict[str, Any]]:
            return [api_key_view(key).model_dump(mode="json") for key in await accounts.api_keys.of(username)]

        return list(self._run(work))

    def revoke_key(self, key_id: str) -> None:
        try:
            wanted = UUID(key_id)
        except ValueError:
            raise InvalidRequestError(f"{key_id!r} is not the id of a key; `auth list-keys USER` shows them") from None
        self._run(lambda accounts: accounts.api_keys.revoke(_operator(), wanted))

    def _run(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        from app.cli.local_accounts import with_accounts  # noqa: PLC0415

        return with_accounts(work, self._config, self._data_dir)


def _shown(user: Any) -> dict[str, Any]:
    from app.accounts.user_views import UserDetail  # noqa: PLC0415

    return UserDetail.of(user).model_dump(mode="json")


def _operator() -> Any:
    from app.cli.local_accounts import OPERATOR  # noqa: PLC0415

    return OPERATOR


def _quoted(username: str) -> str:
    return quote(username, safe="")
