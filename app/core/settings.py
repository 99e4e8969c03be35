"""Settings: `config.toml` plus `LTB_…` environment variables (environment wins), checked as a whole at start.

Nested keys are joined by a double underscore in the environment: `LTB_SERVER__PORT=9090`; with `_FILE` behind it, a
variable names a file with the value (`core.setting_files`). An unknown key or a bad value raises `ConfigError` naming
the key; nothing is guessed.
"""

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlsplit

import structlog
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from app.core.errors import ConfigError
from app.core.http_settings import HttpSettings, RateLimitSettings
from app.core.oidc_settings import OidcSettings
from app.core.provider_settings import ProviderSettings
from app.core.setting_files import EnvironmentWithFiles
from app.core.telemetry_settings import TelemetrySettings

ENV_PREFIX = "LTB_"
CONFIG_PATH_VARIABLE = "LTB_CONFIG"
DEFAULT_CONFIG_PATH = Path("config.toml")

OLD_RATE_LIMIT = "rate_limit_requests_per_minute"  # until 0.1; still read, with a note in the log
RATE_LIMIT_KEY = "server.rate_limit.requests_per_minute"

log = structlog.get_logger(__name__)

_DATABASE_SCHEMES = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


def _known_database_url(url: str | None) -> str | None:
    if url is not None and url.split("://", 1)[0] not in _DATABASE_SCHEMES.values():
        allowed = " or ".join(f"{scheme}://…" for scheme in _DATABASE_SCHEMES.values())
        raise ValueError(f"must start with {allowed}")
    return url


def _public_url(url: str | None) -> str | None:
    if url is not None and not re.fullmatch(r"https?://[^/\s?#@]+/?", url):
        raise ValueError("must be http://host[:port] or https://host[:port]")
    return url.rstrip("/") if url is not None else None


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


class GraphQLSettings(Section):
    """`[server.graphql]`"""

    enable_introspection: bool | None = Field(
        None, description="Answer questions about the schema; by default outside production mode."
    )
    enable_graphiql: bool | None = Field(
        None, description="Serve an explorer page at /graphql; by default outside production mode."
    )
    max_depth: int = Field(12, ge=1, le=100, description="Fields within fields.")
    max_aliases: int = Field(
        30, ge=0, le=10_000, description="Aliases, and fields asked for again beside themselves, in a document."
    )
    max_tokens: int = Field(3_000, ge=10, le=100_000, description="Words and signs in a document.")
    max_directives: int = Field(50, ge=0, le=10_000, description="Directives in a document.")
    max_fields: int = Field(500, ge=1, le=100_000, description="Fields in a document, fragments put in.")
    max_complexity: int = Field(
        25_000, ge=1, le=10_000_000, description="Cost of an operation: about one per value in the largest answer."
    )
    max_page_size: int = Field(500, ge=1, le=500, description="Most items that `first` may ask for.")
    timeout_seconds: float = Field(30.0, gt=0, le=600, description="Longest run of a query or mutation.")
    max_connections: int = Field(1_000, ge=1, le=100_000, description="Open GraphQL WebSockets.")
    max_subscriptions_per_connection: int = Field(20, ge=1, le=1000, description="Operations at once, per WebSocket.")
    max_subscriptions_per_user: int = Field(50, ge=1, le=10_000, description="Subscriptions at once, per user.")
    recheck_seconds: float = Field(
        30.0, gt=0, le=300, description="How long after a token expired or a key was revoked its subscriptions end."
    )


class ServerSettings(Section):
    """`[server]`"""

    host: str = Field("127.0.0.1", min_length=1, description="Address to bind.")
    port: int = Field(8080, ge=0, le=65535, description="Port to bind; 0 picks a free one.")
    enable_rest: bool = Field(True, description="Serve the REST API under /api/v1.")
    enable_graphql: bool = Field(True, description="Serve GraphQL under /graphql.")
    enable_websocket: bool = Field(True, description="Serve live events under /ws.")
    enable_dashboard: bool = Field(True, description="Serve the web dashboard at /.")
    public_url: Annotated[str | None, AfterValidator(_public_url)] = Field(
        None, description="Where browsers reach this server, if not at the address they ask for (OIDC redirects)."
    )
    cors_allowed_origins: tuple[str, ...] = Field((), description="Origins allowed by CORS; none by default.")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Host names accepted besides loopback and `host` (guards against DNS rebinding)."
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description="Addresses whose X-Forwarded-For and X-Forwarded-Proto headers are believed; none by default."
    )
    max_body_bytes: int = Field(8 * 2**20, ge=1024, le=2**30, description="Largest accepted request body.")
    websocket: WebSocketSettings = Field(default_factory=WebSocketSettings)
    graphql: GraphQLSettings = Field(default_factory=GraphQLSettings)
    rate_limit: RateLimitSettings = Field(default_factory=RateLimitSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)

    @model_validator(mode="before")
    @classmethod
    def _old_names(cls, values: Any) -> Any:
        if isinstance(values, dict) and OLD_RATE_LIMIT in values:
            values = dict(values)
            per_minute = values.pop(OLD_RATE_LIMIT)
            newer = values.get("rate_limit") or {}
            if isinstance(newer, dict) and "requests_per_minute" in newer:
                raise ValueError(
                    f"{OLD_RATE_LIMIT} is the old name of rate_limit.requests_per_minute: give one of them"
                )
            log.warning("a setting has a new name", old=f"server.{OLD_RATE_LIMIT}", new=RATE_LIMIT_KEY)
            if isinstance(newer, dict):
                values["rate_limit"] = {**newer, "requests_per_minute": per_minute}
        return values


class StorageSettings(Section):
    """`[storage]`"""

    backend: Literal["sqlite", "postgresql"] = Field("sqlite", description="Database kind; must match database_url.")
    database_url: Annotated[str | None, AfterValidator(_known_database_url)] = Field(
        None, description="sqlite+aiosqlite:///… or postgresql+asyncpg://…; by default SQLite in data_dir."
    )
    database_password: SecretStr | None = Field(
        None, min_length=1, description="Password of the user in database_url, so that it may lie in a file."
    )
    data_dir: Path = Field(Path("data"), description="Folder for the database, keys and the generated password.")
    max_connections: int = Field(10, ge=1, le=1000, description="Database connections per process.")
    connection_timeout_seconds: float = Field(10.0, gt=0, le=600, description="Wait for a connection or a lock.")
    statement_timeout_seconds: float = Field(
        60.0, gt=0, le=3600, description="Longest time that one statement may take (PostgreSQL)."
    )
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
        if self.database_password is not None:
            parts = urlsplit(self.database_url or "")
            if self.backend != "postgresql" or not parts.username:
                raise ValueError("database_password needs a database_url like postgresql+asyncpg://user@host/database")
            if parts.password is not None:
                raise ValueError("the password is given twice: in database_url and as database_password")
        return self

    @property
    def url(self) -> str:
        """The database address in force."""
        if self.database_url is None:
            return f"sqlite+aiosqlite:///{(self.data_dir / 'llm-test-bench.db').absolute()}"
        if self.database_password is None:
            return self.database_url
        user, _, rest = self.database_url.partition("@")
        return f"{user.removesuffix(':')}:{quote(self.database_password.get_secret_value(), safe='')}@{rest}"


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


class RoleSettings(Section):
    """`[[security.roles]]`: a role beside admin, user and viewer."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$", description="Its name: lower case, at most 32 characters.")
    permissions: tuple[str, ...] = Field(description="Permissions; `benchmark.*` means a whole family, `*` all.")


class SecuritySettings(Section):
    """`[security]`"""

    admin_username: str = Field("admin", min_length=1, max_length=64, description="Name of the first administrator.")
    admin_password: SecretStr | None = Field(
        None, min_length=10, description="Password of the first administrator; by default one is generated."
    )
    access_token_minutes: float = Field(15, gt=0, le=15, description="Life of an access token.")
    refresh_token_days: float = Field(14, gt=0, le=365, description="Life of a refresh token.")
    secret_key: SecretStr | None = Field(
        None, min_length=32, description="Root secret; by default generated into data_dir with mode 0600."
    )
    enable_password: bool = Field(
        True, description="Let users sign in with a password; without it, `[[security.oidc]]` is the only way in."
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
    oidc: tuple[OidcSettings, ...] = Field(
        (), description="Identity providers to sign in with, as tables `[[security.oidc]]`."
    )

    @field_validator("oidc", mode="before")
    @classmethod
    def _one_table_is_a_list(cls, value: Any) -> Any:
        return [{"name": "oidc", **value}] if isinstance(value, dict) else value

    @field_validator("oidc")
    @classmethod
    def _names_differ(cls, value: tuple[OidcSettings, ...]) -> tuple[OidcSettings, ...]:
        for attribute in ("name", "issuer"):
            found = [getattr(provider, attribute) for provider in value]
            if len(set(found)) != len(found):
                raise ValueError(f"two providers have the same {attribute}")
        return value

    @model_validator(mode="after")
    def _somebody_can_sign_in(self) -> Self:
        if not self.enable_password and not self.oidc:
            raise ValueError(
                "enable_password is false and no [[security.oidc]] is configured, so that nobody could sign in: "
                "configure an identity provider, or allow passwords"
            )
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
