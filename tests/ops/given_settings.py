"""Whether the variables that a deployment sets are settings, and good ones."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from app.cli import COMMANDS, load_command
from app.core.settings import Settings, load_settings
from app.core.settings_catalogue import settings
from app.core.telemetry_settings import TelemetrySettings
from app.worker import _HAND_BACK_SECONDS, _LEAVE_SECONDS

SECRETS = {
    "secret-key": "s" * 64,
    "admin-password": "p" * 24,
    "metrics-token": "t" * 48,
    "database-password": "d" * 48,
    "postgres-password": "d" * 48,
    "redis-url": "redis://:password@redis:6379/0",
}
"""What lies in the files, by name."""

AFTER_DRAIN_SECONDS = _HAND_BACK_SECONDS + _LEAVE_SECONDS + TelemetrySettings().flush_seconds + 5
"""What a worker takes beside its drain: shards are handed back, it leaves the scheduler, spans and results go out."""

_KNOWN = {setting.variable for setting in settings()}


def loaded(variables: Mapping[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that a container with these variables has."""
    for name, value in variables.items():
        if name not in _KNOWN:
            assert name.removesuffix("_FILE") in _KNOWN, f"{name} is no setting"
            secret = Path(value).name
            (folder / secret).write_text(SECRETS[secret] + "\n")
            value = str(folder / secret)  # noqa: PLW2901
        monkeypatch.setenv(name, value)
    return load_settings()


def check_command(arguments: list[str]) -> None:
    """Fail unless `llm-test-bench` takes these arguments."""
    if arguments[0] == "--version":
        return
    assert arguments[0] in COMMANDS, arguments
    load_command(arguments[0]).make_context(arguments[0], arguments[1:]).close()
