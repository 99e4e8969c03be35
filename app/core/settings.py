"""Settings: `config.toml` plus `LTB_…` environment variables (environment wins), checked as a whole at start.

Nested keys are joined by a double underscore in the environment: `LTB_SERVER__PORT=9090`; with `_FILE` behind it, a
variable names a file with the value (`core.setting_files`). An unknown key or a bad value raises `ConfigError` naming
the key; nothing is guessed. The larger sections have files of their own (`…_settings.py`).
"""

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from app.core.errors import ConfigError
from app.core.live_settings import GraphQLSettings, WebSocketSettings
from app.core.provider_settings import ProviderSettings
from app.core.section import Section
from app.core.security_settings import SecuritySettings
from app.core.server_settings import ServerSettings
from app.core.setting_files import EnvironmentWithFiles
from app.core.storage_settings import StorageSettings
from app.core.telemetry_settings import TelemetrySettings

__all__ = [
    "CONFIG_PATH_VARIABLE",
    "DEFAULT_CONFIG_PATH",
    "ENV_PREFIX",
    "DemoSettings",
    "DistributedSettings",
    "GraphQLSettings",
    "MonitoringSettings",
    "OutboundSettings",
    "SecuritySettings",
    "ServerSettings",
    "Settings",
    "StorageSettings",
    "WebSocketSettings",
    "config_path",
    "load_settings",
]

ENV_PREFIX = "LTB_"
CONFIG_PATH_VARIABLE = "LTB_CONFIG"
DEFAULT_CONFIG_PATH = Path("config.toml")


class MonitoringSettings(Section):
    """`[monitoring]`"""

    enable_metrics: bool = Field(True, description="Serve Prometheus text at /metrics and /api/v1/metrics.")
    metrics_token: SecretStr | None = Field(
        None,
        min_length=24,
        description="Bearer token that may read the metrics and nothing else, without the database.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")
    log_format: Literal["console", "json"] = Field("console", description="Log lines for people or for programs.")


class DistributedSettings(Section):
    """`[distributed]`"""

    enable_distributed: bool = Field(False, description="Use an external Dask scheduler instead of the in-process one.")
    scheduler_url: str | None = Field(None, description="tcp://127.0.0.1:8786 or tls://host:8786.")
    tls_ca: Path | None = Field(None, description="Certificate (PEM) of the cluster's own CA; needed for tls://.")
    tls_cert: Path | None = Field(None, description="Certificate of this part of the cluster, signed by that CA.")
    tls_key: Path | None = Field(None, description="Key of that certificate.")
    worker_count: int = Field(2, ge=1, le=256, description="Slots of the in-process worker pool.")
    worker_patience_seconds: float = Field(
        60.0, gt=0, le=86_400, description="How long a benchmark waits for workers that are not there."
    )
    clock_offset_limit_ms: float = Field(
        100.0, gt=0, le=60_000, description="A worker whose clock is further off makes a result suspect."
    )
    max_running_benchmarks: int = Field(
        1, ge=1, le=256, description="Benchmarks that run at once, over all servers; others wait."
    )
    max_running_per_user: int = Field(
        0, ge=0, le=1024, description="Of these, how many may be of one user; 0 means no such limit."
    )
    max_waiting_benchmarks: int = Field(
        1000, ge=1, le=100_000, description="Benchmarks that may wait, over all servers; more are refused (503)."
    )
    max_waiting_per_user: int = Field(
        500, ge=0, le=100_000, description="Of these, how many may be of one user (429); 0 means no such limit."
    )
    redis_url: str | None = Field(None, description="redis://… shares events and limits between replicas.")

    @model_validator(mode="after")
    def _external_needs_address(self) -> "DistributedSettings":
        if self.enable_distributed and not self.scheduler_url:
            raise ValueError("enable_distributed needs distributed.scheduler_url")
        return self


class OutboundSettings(Section):
    """`[outbound]`: which addresses providers may live at."""

    allow: tuple[str, ...] = Field(
        ("127.0.0.0/8", "::1/128"),
        description="Private or loopback networks (CIDR) that providers may use; public addresses always may.",
    )


class DemoSettings(Section):
    """`[demo]`"""

    enable: bool = Field(True, description="Run a ten-second demo benchmark when the database is empty.")


class Settings(BaseSettings):
    """All settings; build it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    server: ServerSettings = Field(default_factory=ServerSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    monitoring: MonitoringSettings = Field(default_factory=MonitoringSettings)
    distributed: DistributedSettings = Field(default_factory=DistributedSettings)
    security: SecuritySettings = Field(default_factory=SecuritySettings)
    outbound: OutboundSettings = Field(default_factory=OutboundSettings)
    providers: ProviderSettings = Field(default_factory=ProviderSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
    demo: DemoSettings = Field(default_factory=DemoSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Explicit values, then the environment, then the file given as `_toml`."""
        del env_settings, dotenv_settings, file_secret_settings
        toml = settings_cls.model_config.get("toml_file")
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, EnvironmentWithFiles(settings_cls))
        return (*sources, TomlConfigSettingsSource(settings_cls, toml)) if toml else sources


def config_path(explicit: Path | None = None) -> Path:
    """The file that is read: an explicit one, `$LTB_CONFIG`, or `config.toml` here."""
    return explicit or Path(os.environ.get(CONFIG_PATH_VARIABLE) or DEFAULT_CONFIG_PATH)


def load_settings(explicit: Path | None = None, **overrides: Any) -> Settings:
    """Read and check every setting.

    `overrides` are nested dictionaries (`server={"port": 0}`) that win over file and environment.

    Raises:
        ConfigError: naming each wrong key; also when an explicitly named file is missing.
    """
    path = config_path(explicit)
    if not path.is_file() and (explicit or os.environ.get(CONFIG_PATH_VARIABLE)):
        raise ConfigError(f"configuration file {path} does not exist", errors=[])
    _reject_unknown_variables()

    class FileSettings(Settings):
        model_config = SettingsConfigDict(toml_file=path if path.is_file() else None)

    try:
        return FileSettings(**overrides)
    except ValidationError as error:
        problems = [
            {"key": ".".join(str(part) for part in item["loc"]) or "(root)", "message": _plain_message(dict(item))}
            for item in error.errors(include_url=False, include_input=False)
        ]
        raise ConfigError(_as_text(path, problems), errors=problems) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", errors=[]) from None
    except SettingsError as error:  # bad JSON in a variable
        raise ConfigError(f"configuration cannot be read: {error}", errors=[]) from None


def _reject_unknown_variables() -> None:
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    problems = [
        {"key": name, "message": f"unknown; sections are {', '.join(sorted(known))}, joined to a key by '__'"}
        for name in sorted(os.environ)
        if name.startswith(ENV_PREFIX) and name != CONFIG_PATH_VARIABLE and name.split("__", 1)[0] not in known
    ]
    if problems:
        raise ConfigError(_as_text(Path("environment"), problems), errors=problems)


def _plain_message(item: dict[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        return "unknown key"
    return str(item["msg"]).removeprefix("Value error, ")


def _as_text(source: Path, problems: list[dict[str, str]]) -> str:
    lines = "\n".join(f"  {problem['key']}: {problem['message']}" for problem in problems)
    return f"wrong configuration ({source} and {ENV_PREFIX}… variables):\n{lines}"
