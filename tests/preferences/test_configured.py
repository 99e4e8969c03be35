"""The settings of the configuration, as administrators see them."""

from pathlib import Path

import pytest

from app.accounts.permissions import Role
from app.core.settings import load_settings
from app.core.settings_catalogue import REDACTED
from app.preferences.configured import OVERRIDDEN, RUNTIME_KEYS, configured
from app.preferences.schemas import RuntimeValues
from tests.service import Running, running

__all__ = ["running"]


def test_each_setting_says_where_it_is_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[server]\nport = 9090\n[[security.roles]]\nname = "auditor"\npermissions = ["admin.audit"]\n')
    monkeypatch.setenv("LTB_SECURITY__SECRET_KEY", "x" * 40)
    monkeypatch.setenv("LTB_DISTRIBUTED__REDIS_URL", "redis://:hunter22@127.0.0.1:6379/0?password=hunter22&db=1")
    found = {one.key: one for one in configured(load_settings(file, storage={"data_dir": tmp_path / "d"}))}
    assert (found["server.port"].value, found["server.port"].source) == (9090, str(file))
    assert (found["server.host"].value, found["server.host"].source) == ("127.0.0.1", "default")
    assert found["storage.data_dir"].source == OVERRIDDEN
    secret = found["security.secret_key"]
    assert (secret.value, secret.source) == (REDACTED, "LTB_SECURITY__SECRET_KEY")
    assert found["distributed.redis_url"].value == f"redis://:{REDACTED}@127.0.0.1:6379/0?password={REDACTED}&db=1"
    assert found["security.roles"].value == [{"name": "auditor", "permissions": ["admin.audit"]}]
    assert {one.key: one.runtime_name for one in found.values() if one.runtime_name} == RUNTIME_KEYS
    assert set(RUNTIME_KEYS.values()) == set(RuntimeValues.model_fields)


async def test_only_administrators_see_it_and_no_secret_is_in_it(running: Running) -> None:
    viewer = await running.user("vera", Role.VIEWER)
    refused = await viewer.get("/api/v1/settings/configuration")
    assert refused.json()["error"]["details"]["permission"] == "admin.settings"
    admin = await running.admin()
    found = {one["key"]: one for one in (await admin.get("/api/v1/settings/configuration")).json()}
    assert found["demo.enable"]["value"] is False
    assert found["demo.enable"]["source"] == OVERRIDDEN
