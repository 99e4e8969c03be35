"""Settings: `config.toml` plus `LTB_…` environment variables (environment wins), checked as a whole at start.

Nested keys are joined by a double underscore in the environment: `LTB_SERVER__PORT=9090`. An unknown key or a bad
value raises `ConfigError` naming the key; nothing is guessed.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from app.core.errors import ConfigError
from app.core.provider_settings import ProviderSettings

ENV_PREFIX = "LTB_"
CONFIG_PATH_VARIABLE = "LTB_CONFIG"
DEFAULT_CONFIG_PATH = Path("config.toml")

_DATABASE_SCHEMES = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


def _known_database_url(url: str | None) -> str | None:
    if url is not None and url.split("://", 1)[0] not in _DATABASE_SCHEMES.values():
        allowed = " or ".join(f"{scheme}://…" for scheme in _DATABASE_SCHEMES.values())
        raise ValueError(f"must start with {allowed}")
    return url


class Section(BaseModel):
    """One table of `config.toml`; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WebSocketSettings(Section):
    """`[server.websocket]`"""

    ping_interval_seconds: float = Field(20.0, gt=0, le=3600, description="Seconds between server pings.")
    pong_timeout_seconds: float = Field(10.0, gt=0, le=3600, description="Seconds to wait for a pong before closing.")
    max_message_size_mb: float = Field(1.0, gt=0, le=64, description="Largest accepted client message, in MiB.")
    queue_size: int = Field(256, ge=8, le=65536, description="Events kept per slow client before old ones drop.")
    max_connections: int = Field(4096, ge=1, le=100_000, description="Clients per server process.")
    max_connections_per_user: int = Field(64, ge=1, le=100_000, description="Clients of one user per server process.")
    auth_timeout_seconds: float = Field(10.0, gt=0, le=300, description="Seconds to say who one is.")
    recheck_seconds: float = Field(
        15.0, gt=0, le=300, description="A revoked key, a disabled user or another role counts after so many seconds."
    )
    replay_events: int = Field(4096, ge=1, le=100_000, description="Newest events that a client may have missed.")
    replay_seconds: float = Field(300.0, gt=0, le=3600, description="How long events are kept for that.")


class ServerSettings(Section):
    """`[server]`"""

    host: str = Field("127.0.0.1", min_length=1, description="Address to bind.")
    port: int = Field(8080, ge=0, le=65535, description="Port to bind; 0 picks a free one.")
    enable_rest: bool = Field(True, description="Serve the REST API under /api/v1.")
    enable_graphql: bool = Field(True, description="Serve GraphQL under /graphql once that room exists.")
    enable_websocket: bool = Field(True, description="Serve live events under /ws.")
    enable_dashboard: bool = Field(True, description="Serve the web dashboard at /.")
    cors_allowed_origins: tuple[str, ...] = Field((), description="Origins allowed by CORS; none by default.")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Host names accepted besides loopback and `host` (guards against DNS rebinding)."
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description="Addresses whose X-Forwarded-For and X-Forwarded-Proto headers are believed; none by default."
    )
    rate_limit_requests_per_minute: int = Field(
        600, ge=0, le=10_000_000, description="Requests per minute and caller; 0 switches the limit off."
    )
    max_body_bytes: int = Field(8 * 2**20, ge=1024, le=2**30, description="Largest accepted request body.")
    websocket: WebSocketSettings = Field(default_factory=WebSocketSettings)


class StorageSettings(Section):
    """`[storage]`"""

    backend: Literal["sqlite", "postgresql"] = Field("sqlite", description="Database kind; must match database_url.")
    database_url: Annotated[str | None, AfterValidator(_known_database_url)] = Field(
        None, description="sqlite+aiosqlite:///… or postgresql+asyncpg://…; by default SQLite in data_dir."
    )
    data_dir: Path = Field(Path("data"), description="Folder for the database, keys and the generated password.")
    max_connections: int = Field(10, ge=1, le=1000, description="Database connections per process.")
    connection_timeout_seconds: float = Field(10.0, gt=0, le=600, description="Wait for a connection or a lock.")
    enable_migrations: bool = Field(True, description="Migrate the database at start.")
    retention_days: int = Field(
        0, ge=0, le=36_500, description="Ended benchmarks are deleted after so many days; 0 keeps them for ever."
    )

    @model_validator(mode="before")
    @classmethod
    def _backend_follows_url(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(url := values.get("database_url"), str):
            scheme = url.split("://", 1)[0]
            for backend, known in _DATABASE_SCHEMES.items():
                if scheme == known:
                    return {"backend": backend, **values}
        return values

    @model_validator(mode="after")
    def _backend_matches_url(self) -> "StorageSettings":
        if self.database_url is None and self.backend == "postgresql":
            raise ValueError("backend 'postgresql' needs storage.database_url = 'postgresql+asyncpg://…'")
        if self.database_url and not self.database_url.startswith(_DATABASE_SCHEMES[self.backend]):
            raise ValueError(f"backend '{self.backend}' does not match the scheme of storage.database_url")
        return self

    @property
    def url(self) -> str:
        """The database address in force."""
        return self.database_url or f"sqlite+aiosqlite:///{(self.data_dir / 'llm-test-bench.db').absolute()}"


class MonitoringSettings(Section):
    """`[monitoring]`"""

    enable_metrics: bool = Field(True, description="Serve Prometheus text at /metrics and /api/v1/metrics.")
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
    redis_url: str | None = Field(None, description="redis://… shares events and limits between replicas.")

    @model_validator(mode="after")
    def _external_needs_address(self) -> "DistributedSettings":
        if self.enable_distributed and not self.scheduler_url:
            raise ValueError("enable_distributed needs distributed.scheduler_url")
        return self


class RoleSettings(Section):
    """`[[security.roles]]`: a role beside admin, user and viewer."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$", description="Its name: lower case, at most 32 characters.")
    permissions: tuple[str, ...] = Field(description="Permissions; `benchmark.*` means a whole family, `*` all.")


class SecuritySettings(Section):
    """`[security]`"""

    admin_username: str = Field("admin", min_length=1, max_length=64, description="Name of the first administrator.")
    access_token_minutes: float = Field(15, gt=0, le=15, description="Life of an access token.")
    refresh_token_days: float = Field(14, gt=0, le=365, description="Life of a refresh token.")
    secret_key: SecretStr | None = Field(
        None, min_length=32, description="Root secret; by default generated into data_dir with mode 0600."
    )
    login_attempts_per_minute: int = Field(10, ge=1, le=1000, description="Login tries per account and address.")
    default_role: str = Field("viewer", description="Role of new users for whom none is named.")
    default_visibility: Literal["private", "team", "all"] = Field(
        "private", description="With whom a new benchmark is shared; `team` means private for users without a team."
    )
    roles: tuple[RoleSettings, ...] = Field(
        (), description="Roles beside admin, user and viewer: tables `[[security.roles]]` of `name` and `permissions`."
    )
    production: bool = Field(False, description="Refuse to generate secrets; hide API documentation pages.")


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
        del dotenv_settings, file_secret_settings
        toml = settings_cls.model_config.get("toml_file")
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
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
