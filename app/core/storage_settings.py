"""`[storage]`: the database, the data folder, and how long results are kept."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from app.core.section import Section

_DATABASE_SCHEMES = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


def _known_database_url(url: str | None) -> str | None:
    if url is not None and url.split("://", 1)[0] not in _DATABASE_SCHEMES.values():
        allowed = " or ".join(f"{scheme}://…" for scheme in _DATABASE_SCHEMES.values())
        raise ValueError(f"must start with {allowed}")
    return url


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
