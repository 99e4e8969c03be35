"""Keys by reference: what may be read, when it is read again, and that errors hold no secret."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.accounts.permissions import Role
from app.core.settings import StorageSettings
from app.providers.local_secrets import EnvironmentSecrets, FileSecrets
from app.providers.secrets import ReferenceRefusedError, SecretReferences, SecretUnavailableError
from tests.providers.conftest import Upstream
from tests.service import Running, running_service, service_settings

SECRET = "sk-secret-value-0123456789"
MOVED = {"base_url": "http://127.0.0.2:9000/v1"}


def _environment(allow: tuple[str, ...], **values: str) -> SecretReferences:
    return SecretReferences({"env": EnvironmentSecrets(allow, values)})


async def test_variables_that_are_listed() -> None:
    found = _environment(("OPENAI_API_KEY", "LLM_*"), OPENAI_API_KEY=SECRET, LLM_X=f"  {SECRET}\n")
    assert await found.resolve("env:OPENAI_API_KEY") == SECRET
    assert await found.resolve("env:LLM_X") == SECRET
    with pytest.raises(SecretUnavailableError, match="env:LLM_GONE"):
        await found.resolve("env:LLM_GONE")


@pytest.mark.parametrize("name", ["PATH", "OPENAI_API_KEY2", "openai_api_key", "", "A B", "A=B", "$HOME", "A\nB"])
def test_variables_that_are_not_listed(name: str) -> None:
    with pytest.raises(ReferenceRefusedError):
        _environment(("OPENAI_API_KEY",)).check(f"env:{name}")


@pytest.mark.parametrize("name", ["LTB_SECURITY__SECRET_KEY", "ltb_security__secret_key"])
async def test_the_services_own_settings_are_never_read(name: str) -> None:
    found = _environment(("*",), **{name: SECRET})
    with pytest.raises(ReferenceRefusedError, match="the service itself"):
        found.check(f"env:{name}")
    with pytest.raises(SecretUnavailableError):
        await found.resolve(f"env:{name}")


@pytest.mark.parametrize("reference", ["", "env", "nope:x", "ENV:X", ":x", "http://127.0.0.1/"])
def test_what_is_no_reference(reference: str) -> None:
    with pytest.raises(ReferenceRefusedError):
        _environment(("*",)).check(reference)


class Files:
    """An allowed folder, one beside it, and the data folder of the service inside the allowed one."""

    def __init__(self, root: Path) -> None:
        self.allowed, self.other = root / "secrets", root / "secrets-other"
        self.data = self.allowed / "data"
        for folder in (self.allowed, self.other, self.data):
            folder.mkdir()
            (folder / "key").write_text(SECRET + "\n")
        self.references = SecretReferences({"file": FileSecrets((self.allowed,), self.data)})

    async def read(self, path: Path | str) -> str:
        return await self.references.resolve(f"file:{path}")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


async def test_files_below_a_listed_folder(files: Files) -> None:
    assert await files.read(files.allowed / "key") == SECRET
    (files.allowed / "..data").symlink_to("key")  # as Kubernetes mounts secrets
    assert await files.read(files.allowed / "..data") == SECRET


async def test_files_that_may_not_be_read(files: Files) -> None:
    (files.allowed / "leak").symlink_to(files.other / "key")
    (files.allowed / "loop").symlink_to(files.allowed / "loop")
    (files.allowed / "folder").symlink_to(files.other)
    os.mkfifo(files.allowed / "pipe")
    (files.allowed / "large").write_bytes(b"x" * 70_000)
    (files.allowed / "wide").write_text("two words")
    (files.allowed / "empty").write_text("\n")
    (files.allowed / "binary").write_bytes(bytes(range(256)))
    wrong: list[Path | str] = [
        files.other / "key", files.data / "key", f"{files.allowed}/../secrets-other/key", "/etc/passwd", "key", "",
        *(files.allowed / name for name in (
            "leak", "loop", "folder/key", "pipe", "large", "wide", "empty", "binary", "gone", "", "key/x"
        )),
    ]  # fmt: skip
    for path in wrong:
        with pytest.raises(SecretUnavailableError) as caught:
            await files.read(path)
        assert f"file:{path}" in caught.value.message
        assert SECRET not in caught.value.message
        assert "two words" not in caught.value.message


async def test_a_rotated_key_is_used_when_the_cache_is_over(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("first")
    now = [0.0]
    source = FileSecrets((tmp_path,), tmp_path / "data")
    references = SecretReferences({"file": source}, cache_seconds=10, clock=lambda: now[0])
    assert await references.resolve(f"file:{path}") == "first"
    path.write_text("second")
    now[0] = 9.9
    assert await references.resolve(f"file:{path}") == "first"
    assert await references.resolve(f"file:{path}", fresh=True) == "second"
    path.write_text("third")
    now[0] = 20.0
    assert await references.resolve(f"file:{path}") == "third"
    path.unlink()
    now[0] = 31.0
    with pytest.raises(SecretUnavailableError):
        await references.resolve(f"file:{path}")


@pytest.fixture
async def service(
    sqlite_settings: StorageSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Running]:
    (tmp_path / "keys").mkdir()
    monkeypatch.setenv("MY_KEY", SECRET)
    monkeypatch.setenv("OTHER_KEY", "sk-another-secret")
    providers = {"secret_env_allow": ["MY_KEY"], "secret_file_dirs": [tmp_path / "keys"], "secret_cache_seconds": 0}
    async with running_service(service_settings(sqlite_settings, providers=providers)) as found:
        yield found


async def _create(client: httpx.AsyncClient, base_url: str, **fields: Any) -> httpx.Response:
    body = {"name": "local", "kind": "openai-compatible", "base_url": base_url, **fields}
    return await client.post("/api/v1/providers", json=body)


async def test_a_referenced_key_is_sent_and_never_shown(
    service: Running, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await service.admin()
    created = await _create(admin, upstream.base_url, api_key_ref="env:MY_KEY")
    assert created.status_code == 201, created.text
    assert (created.json()["has_api_key"], created.json()["api_key_ref"]) == (True, "env:MY_KEY")
    assert (await admin.post("/api/v1/providers/local/health")).json()["status"] == "ok"
    assert f"Bearer {SECRET}" in upstream.heads[0]
    monkeypatch.setenv("MY_KEY", "sk-rotated")
    assert (await service.app.state.providers.resolve("local")).api_key == "sk-rotated"
    monkeypatch.delenv("MY_KEY")
    health = (await admin.post("/api/v1/providers/local/health")).json()
    assert (health["status"], health["reachable"], health["auth"]) == ("error", None, "unknown")
    assert "env:MY_KEY" in health["message"]
    gone = await admin.get("/api/v1/providers/local/models")
    assert gone.status_code == 503
    for response in (created, gone, await admin.get("/api/v1/providers")):
        assert SECRET not in response.text
        assert "sk-rotated" not in response.text


async def test_nobody_reads_what_is_not_listed(service: Running, tmp_path: Path) -> None:
    admin = await service.admin()
    (tmp_path / "beside").write_text(SECRET)
    for reference in (
        "env:OTHER_KEY", "env:PATH", "env:LTB_SECURITY__SECRET_KEY", "file:/etc/passwd", f"file:{tmp_path}/beside",
        f"file:{tmp_path}/keys/../beside", "vault:secret/data/x#y", "aws:x", "kubernetes:a/b#c", "nope:x", "env:",
    ):  # fmt: skip
        refused = await _create(admin, "http://127.0.0.1:9000/v1", api_key_ref=reference)
        assert refused.status_code == 422, reference
        assert refused.json()["error"]["details"]["errors"][0]["path"] == "api_key_ref", reference
    assert (await admin.get("/api/v1/providers")).json()["items"] == []
    user = await service.user("alice", Role.USER)
    assert (await _create(user, "http://127.0.0.1:9000/v1", api_key_ref="env:MY_KEY")).status_code == 403


async def test_by_default_nothing_may_be_read(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    refused = await _create(await running.admin(), "http://127.0.0.1:9000/v1", api_key_ref="env:OPENAI_API_KEY")
    assert refused.status_code == 422
    assert "providers.secret_env_allow" in refused.text


async def test_what_is_no_longer_listed_is_no_longer_read(
    service: Running, sqlite_settings: StorageSettings, upstream: Upstream
) -> None:
    await _create(await service.admin(), upstream.base_url, api_key_ref="env:MY_KEY")
    async with running_service(service_settings(sqlite_settings)) as stricter:
        with pytest.raises(SecretUnavailableError, match="secret_env_allow"):
            await stricter.app.state.providers.resolve("local")


async def test_a_reference_never_follows_an_address(service: Running) -> None:
    admin = await service.admin()
    await _create(admin, "http://127.0.0.1:9000/v1", api_key_ref="env:MY_KEY")
    refused = await admin.patch("/api/v1/providers/local", json=MOVED)
    assert refused.status_code == 422
    assert refused.json()["error"]["details"]["errors"][0]["path"] == "api_key_ref"
    assert (await admin.patch("/api/v1/providers/local", json=MOVED | {"api_key_ref": "env:MY_KEY"})).status_code == 200
    forgotten = await admin.patch("/api/v1/providers/local", json={"api_key_ref": None})
    assert (forgotten.json()["has_api_key"], forgotten.json()["api_key_ref"]) == (False, None)


async def test_a_key_and_a_reference_replace_each_other(service: Running) -> None:
    admin = await service.admin()
    both = await _create(admin, "http://127.0.0.1:9000/v1", api_key="sk-x", api_key_ref="env:MY_KEY")
    assert both.status_code == 422
    await _create(admin, "http://127.0.0.1:9000/v1", api_key="sk-stored")
    await admin.patch("/api/v1/providers/local", json={"api_key_ref": "env:MY_KEY"})
    providers = service.app.state.providers
    assert (await providers.resolve("local")).api_key == SECRET
    changed = await admin.patch("/api/v1/providers/local", json={"api_key": "sk-again"})
    assert changed.json()["api_key_ref"] is None
    assert (await providers.resolve("local")).api_key == "sk-again"
    await admin.patch("/api/v1/providers/local", json={"default_model": "m"})
    assert (await providers.resolve("local")).api_key == "sk-again"
