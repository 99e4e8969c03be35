import json
import tomllib
from pathlib import Path

import pytest

from app.cli import EXIT_USAGE
from app.cli.config import template
from app.core.settings import Settings, load_settings
from app.core.settings_catalogue import REDACTED, settings
from tests.cli.conftest import Cli


def test_init_writes_a_private_file_that_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    made = cli("config", "init")
    path = tmp_path / "config.toml"
    assert made.returncode == 0, made.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_settings(path).model_dump() == Settings.model_construct().model_dump()

    again = cli("config", "init")
    assert again.returncode == EXIT_USAGE
    assert "--force" in again.stderr
    assert cli("config", "init", "--force").returncode == 0


def test_the_template_names_every_setting_with_its_default() -> None:
    active = "\n".join(
        line.removeprefix("#")
        for line in template().splitlines()
        if not line.startswith("# ") and not line.endswith("# not set")
    )
    written = tomllib.loads(active)
    for setting in settings():
        value = written
        for part in setting.key.split("."):
            value = value.get(part, {}) if part != setting.name or setting.default is not None else {}
        if setting.default is None:
            assert f"#{setting.name} = " in template()
        else:
            assert value == (list(setting.default) if isinstance(setting.default, tuple) else setting.default)


def test_every_setting_says_what_it_means() -> None:
    assert [setting.key for setting in settings() if not setting.description] == []


def test_show_hides_secrets_and_names_sources(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[server]\nport = 9090\n")
    variables = {
        "LTB_SECURITY__SECRET_KEY": "k" * 40,
        "LTB_STORAGE__DATABASE_URL": "postgresql+asyncpg://bench:hunter2@db/bench",
        "LTB_TELEMETRY__HEADERS": '{"authorization": "Bearer hunter2"}',
        "LTB_TELEMETRY__RESOURCE_ATTRIBUTES": '{"deployment.environment.name": "lab"}',
    }
    shown = cli("config", "show", "--json", env=variables)
    assert shown.returncode == 0, shown.stderr
    values = json.loads(shown.stdout)
    assert values["server.port"] == {"value": 9090, "source": "config.toml"}
    assert values["server.host"]["source"] == "default"
    assert values["security.secret_key"] == {"value": REDACTED, "source": "LTB_SECURITY__SECRET_KEY"}
    assert values["storage.database_url"]["value"] == f"postgresql+asyncpg://bench:{REDACTED}@db/bench"

    assert values["telemetry.headers"]["value"] == {"authorization": REDACTED}

    text = cli("config", "show", env=variables).stdout
    assert "hunter2" not in text
    assert "kkkk" not in text
    assert tomllib.loads(text)["server"]["port"] == 9090
    assert tomllib.loads(text)["telemetry"]["resource_attributes"] == {"deployment.environment.name": "lab"}


@pytest.mark.parametrize(
    ("toml", "variables", "named"),
    [
        ("[server]\nprt = 1\n", {}, "server.prt: unknown key"),
        ("[server]\nport = 70000\n", {}, "server.port"),
        ("[sever]\n", {}, "sever: unknown key"),
        ("[server]\nport = \n", {}, "not valid TOML"),
        ("", {"LTB_SERVER__PORT": "many"}, "server.port"),
        ("", {"LTB_SREVER__PORT": "1"}, "LTB_SREVER__PORT"),
        ("", {"LTB_STORAGE__DATABASE_URL": "mysql://x"}, "storage.database_url"),
        ("", {"LTB_CONFIG": "absent.toml"}, "absent.toml"),
    ],
)
def test_a_wrong_configuration_names_the_key_and_exits_with_2(
    cli: Cli, tmp_path: Path, toml: str, variables: dict[str, str], named: str
) -> None:
    (tmp_path / "config.toml").write_text(toml)
    for command in ("validate", "show"):
        result = cli("config", command, env=variables)
        assert result.returncode == EXIT_USAGE, result.stderr
        assert named in result.stderr
        assert "Traceback" not in result.stderr


def test_validate_and_path_say_which_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("[demo]\nenable = false\n")
    assert "other.toml" in cli("config", "validate", "-c", "other.toml").stdout
    assert cli("config", "path", env={"LTB_CONFIG": "other.toml"}).stdout.strip() == str(tmp_path / "other.toml")
