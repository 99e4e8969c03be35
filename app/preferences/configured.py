"""The settings of the configuration, as this process started with them: what a restart could change."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from app.core.settings import Settings, config_path
from app.core.settings_catalogue import Setting, Sources, value_of
from app.core.settings_catalogue import settings as catalogue

RUNTIME_KEYS = {
    "server.rate_limit.requests_per_minute": "rate_limit_requests_per_minute",
    "distributed.max_running_benchmarks": "max_running_benchmarks",
    "security.default_visibility": "default_visibility",
    "storage.retention_days": "retention_days",
}
"""Settings that can be changed at run time too, and what they are called there."""

OVERRIDDEN = "command line"


class ConfiguredSetting(BaseModel):
    """One setting of the configuration."""

    key: str = Field(description="Its name in `config.toml`.", examples=["server.port"])
    variable: str = Field(description="The environment variable that sets it.", examples=["LTB_SERVER__PORT"])
    value: Any | None = Field(description="In force since the start; secrets are asterisks.")
    default: Any | None = Field(description="What holds when nothing sets it.")
    source: str = Field(description="What set it: `default`, `command line`, a variable, or the file.")
    description: str = Field(description="What it does.")
    allowed: str = Field(description="What it may be, where there is more to say than its type.")
    runtime_name: str | None = Field(description="What it is called in `/settings`, where it can be changed there.")


def configured(settings: Settings) -> Sequence[ConfiguredSetting]:
    """Every setting. Call it at the start: the file and the environment are read to tell where each value is from."""
    read = type(settings).model_config.get("toml_file")
    sources = Sources(config_path(read if isinstance(read, Path) else None))
    return [_of(settings, setting, sources) for setting in catalogue()]


def _of(settings: Settings, setting: Setting, sources: Sources) -> ConfiguredSetting:
    value = value_of(settings, setting)
    source = sources.of(setting)
    default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
    value = list(value) if isinstance(value, tuple) else value
    if source == "default" and value != default:
        source = OVERRIDDEN
    return ConfiguredSetting(
        key=setting.key,
        variable=setting.variable,
        value=value,
        default=default,
        source=source,
        description=setting.description,
        allowed=setting.allowed,
        runtime_name=RUNTIME_KEYS.get(setting.key),
    )
