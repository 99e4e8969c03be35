"""Settings out of files: `LTB_…_FILE`."""

from pathlib import Path

import pytest

from app.core.errors import ConfigError
from app.core.settings import load_settings
from app.core.settings_catalogue import Sources, settings

KEY = "k" * 40


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(KEY + "\n")
    return path


def test_a_file_stands_for_the_value(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LTB_SECURITY__SECRET_KEY_FILE", str(secret))
    found = load_settings()
    assert found.security.secret_key is not None
    assert found.security.secret_key.get_secret_value() == KEY
    (setting,) = (one for one in settings() if one.key == "security.secret_key")
    assert Sources(Path("none.toml")).of(setting) == "LTB_SECURITY__SECRET_KEY_FILE"


def test_it_goes_for_numbers_lists_and_nested_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"PORT": "9090\n", "ALLOWED_HOSTS": '["a.example"]', "WEBSOCKET__QUEUE_SIZE": "64"}.items():
        (tmp_path / name).write_text(text)
        monkeypatch.setenv(f"LTB_SERVER__{name}_FILE", str(tmp_path / name))
    server = load_settings().server
    assert (server.port, server.allowed_hosts, server.websocket.queue_size) == (9090, ("a.example",), 64)


def test_a_setting_that_is_a_path_is_no_file_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LTB_PROVIDERS__VAULT__TOKEN_FILE", str(tmp_path / "later"))
    assert load_settings().providers.vault.token_file == tmp_path / "later"


def test_a_wrong_value_names_the_setting_and_not_the_secret(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret.write_text("too short")
    monkeypatch.setenv("LTB_SECURITY__SECRET_KEY_FILE", str(secret))
    with pytest.raises(ConfigError, match=r"security\.secret_key") as caught:
        load_settings()
    assert "too short" not in caught.value.message.replace("at least", "")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot read"),
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\xff\xfe", "UTF-8"),
        (b"x" * 70_000, "larger"),
    ],
)
def test_a_file_that_will_not_do_is_named(
    content: bytes | None, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("LTB_SECURITY__SECRET_KEY_FILE", str(path))
    with pytest.raises(ConfigError, match=complaint) as caught:
        load_settings()
    assert "LTB_SECURITY__SECRET_KEY_FILE" in caught.value.message


def test_a_value_given_twice_is_refused(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LTB_SECURITY__SECRET_KEY_FILE", str(secret))
    monkeypatch.setenv("LTB_SECURITY__SECRET_KEY", KEY)
    with pytest.raises(ConfigError, match="LTB_SECURITY__SECRET_KEY is set as well"):
        load_settings()


@pytest.mark.parametrize("name", ["LTB_SECURITY__NO_SUCH_FILE", "LTB_NOTHING__SECRET_KEY_FILE"])
def test_a_file_for_no_setting_is_refused(name: str, secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, str(secret))
    with pytest.raises(ConfigError, match=r"(?i)no_such|nothing"):
        load_settings()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql+asyncpg://u@h/d", "postgresql+asyncpg://u:p%40s%2Fs%3A%23@h/d"),
        ("postgresql+asyncpg://u@h:5433/d?ssl=require", "postgresql+asyncpg://u:p%40s%2Fs%3A%23@h:5433/d?ssl=require"),
    ],
)
def test_the_databases_password_goes_into_its_address(url: str, expected: str) -> None:
    found = load_settings(storage={"database_url": url, "database_password": "p@s/s:#"})
    assert found.storage.url == expected
    assert "p@s" not in repr(found)


@pytest.mark.parametrize(
    "storage",
    [
        {},
        {"database_url": "sqlite+aiosqlite:///x.db"},
        {"database_url": "postgresql+asyncpg://h/d"},
        {"database_url": "postgresql+asyncpg://u:other@h/d"},
    ],
)
def test_a_password_without_a_place_is_refused(storage: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="password"):
        load_settings(storage={**storage, "database_password": "secret-password"})
