"""`providers …`, in this machine's database."""

import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

KEY = "sk-typed-0123456789abcdef"


def test_a_provider_from_add_to_remove(cli: Cli, simulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    added = cli("providers", "add", "local", "--kind", "openai-compatible", "--base-url", simulator, "--key-env", "K",
                "--header", "X-Team: blue", env={"K": KEY})  # fmt: skip
    assert added.returncode == 0, added.stderr
    assert added.stdout == f"added openai-compatible provider 'local' at {simulator}, with a stored key\n"
    listed = cli("providers", "list")
    assert simulator in listed.stdout
    (item,) = json.loads(cli("providers", "list", "--json").stdout)
    assert item["options"]["headers"] == {"X-Team": "blue"}
    tested = cli("providers", "test", "local")
    assert tested.returncode == 0, tested.stderr
    assert tested.stdout.startswith("local: ok in ")
    models = json.loads(cli("providers", "models", "local", "--json").stdout)
    assert [model["is_live"] for model in models] == [True]
    assert models[0]["id"] in cli("providers", "models", "local").stdout
    paid = cli("providers", "test", "local", "--completion", "--model", models[0]["id"])
    assert f"{models[0]['id']} said: " in paid.stdout
    for outcome in (added, listed, tested, paid):
        assert KEY not in outcome.stdout + outcome.stderr
    assert cli("providers", "remove", "local").returncode == 0
    assert "no providers yet" in cli("providers", "list").stdout
    monkeypatch.setattr("sys.stdin", io.StringIO(KEY + "\n"))
    piped = cli("providers", "add", "o", "--kind", "openai", "--key-stdin")
    assert "with a stored key" in piped.stdout


def test_kinds(cli: Cli) -> None:
    assert "https://api.anthropic.com" in cli("providers", "list", "--kinds").stdout
    kinds = json.loads(cli("providers", "list", "--kinds", "--json").stdout)
    assert {"openai", "bedrock", "ollama"} <= {one["kind"] for one in kinds}
    narrow = cli("providers", "list", "--kinds", env={"COLUMNS": "80"}).stdout.splitlines()
    assert max(map(len, narrow)) <= 80
    for one in kinds:
        assert any(one["kind"] in line for line in narrow), "no name is cut into pieces"
    assert "--json" in narrow[-1], "where the addresses are"


def test_a_key_by_reference(cli: Cli, tmp_path: Path) -> None:
    add = ("providers", "add", "o", "--kind", "openai", "--key-ref", "env:MY_KEY")
    refused = cli(*add)
    assert refused.returncode == 2
    assert "--key-ref: MY_KEY is not in providers.secret_env_allow" in refused.stderr
    (tmp_path / "config.toml").write_text('[providers]\nsecret_env_allow = ["MY_KEY"]\n')
    assert "with env:MY_KEY" in cli(*add).stdout
    health = cli("providers", "test", "o")
    assert health.returncode == 1
    assert "env:MY_KEY" in health.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("add", "x", "--kind", "nope"), 2, "--kind: unknown kind"),
        (("add", "X", "--kind", "openai"), 2, "NAME: must be 1 to 64 lower case letters"),
        (("add", "x", "--kind", "openai-compatible"), 2, "--base-url: is required"),
        (("add", "x", "--kind", "openai", "--base-url", "http://10.0.0.1/v1"), 2, "--base-url: "),
        (("add", "x", "--kind", "openai", "--key-env", "GONE"), 2, "GONE is not set"),
        (("add", "x", "--kind", "openai", "--key-stdin", "--key-prompt"), 2, "one of --key-env"),
        (("add", "x", "--kind", "openai", "--header", "nope"), 2, "--header"),
        (("add", "x", "--kind", "openai", "--header", "Authorization: x"), 2, "--header: "),
        (("test", "gone"), 1, "there is no provider 'gone'"),
        (("test", "gone", "--model", "m"), 2, "--completion"),
        (("models", "gone"), 1, "there is no provider 'gone'"),
        (("remove", "gone"), 1, "there is no provider 'gone'"),
        (("list", "--server", "http://127.0.0.1:1"), 1, "cannot be reached"),
    ],
)
def test_wrong_use(cli: Cli, arguments: tuple[str, ...], code: int, says: str) -> None:
    outcome = cli("providers", *arguments)
    assert outcome.returncode == code, outcome.stderr
    assert says in outcome.stderr
    assert "Traceback" not in outcome.stderr
