"""Copies of the database: SQLite's online backup, PostgreSQL's own programs."""

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url

from app.core.errors import ConflictError, DatabaseError, InvalidRequestError, NotFoundError
from app.core.migrations import alembic_config
from app.core.settings import StorageSettings, load_settings

_BUSY_SECONDS = 5.0


def settings_of(config: Path | None, data_dir: Path | None) -> StorageSettings:
    """Which database is configured."""
    overrides: dict[str, Any] = {"storage": {"data_dir": data_dir}} if data_dir is not None else {}
    return load_settings(config, **overrides).storage


def back_up(storage: StorageSettings, file: Path, *, force: bool = False) -> int:
    """Write a backup; its size in bytes. A backup that fails leaves no file, and an older one as it was.

    Raises:
        ConflictError: the file exists.
        NotFoundError: there is no database, or no `pg_dump`.
        DatabaseError: it cannot be read, or the file cannot be written.
    """
    if file.exists() and not force:
        raise ConflictError(f"{file} exists; --force overwrites it")
    part = file.with_name(f"{file.name}.part")
    try:
        if storage.backend == "sqlite":
            _copy_sqlite(_existing(_sqlite_file(storage)), part)
        else:
            options, variables = _login(storage)
            part.touch(0o600)
            dump = ["--format=custom", "--no-owner", "--no-privileges", f"--file={part}"]
            _run(_program("pg_dump"), [*options, *dump], variables)
        part.replace(file)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(f"the backup failed: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return file.stat().st_size


def put_back(storage: StorageSettings, file: Path, *, force: bool = False) -> str:
    """Restore a backup; says what it did.

    Raises:
        ConflictError: the database holds something, or is in use.
        NotFoundError: there is no such file, or no `pg_restore`.
        InvalidRequestError: the file is no backup that this program can use.
        DatabaseError: it cannot be written.
    """
    if not file.is_file():
        raise NotFoundError(f"there is no file {file}")
    if storage.backend != "sqlite":
        return _restore_postgresql(storage, file, force=force)
    version = _check_sqlite(file)
    target = _sqlite_file(storage)
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            if not force:
                raise ConflictError(f"{target} exists; --force replaces it")
            _check_unused(target)
        _copy_sqlite(file, part)
        for ending in ("-wal", "-shm"):  # of the database that goes; SQLite would apply them to the new one
            target.with_name(target.name + ending).unlink(missing_ok=True)
        part.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(f"the backup could not be restored: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return f"{target}: restored (schema {version})"


def _sqlite_file(storage: StorageSettings) -> Path:
    return Path(make_url(storage.url).database or "")


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise NotFoundError(f"there is no database at {file}; name its folder with --data-dir")
    return file


def _copy_sqlite(source: Path, target: Path) -> None:
    """All pages in one step: one reading transaction, so writers neither wait nor make it begin again."""
    target.unlink(missing_ok=True)
    with (
        contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reader,
        contextlib.closing(sqlite3.connect(target)) as writer,
    ):
        target.chmod(0o600)  # it holds password hashes and encrypted credentials
        reader.backup(writer, pages=-1)
        writer.execute("PRAGMA journal_mode=DELETE")  # one file, without -wal and -shm beside it


def _check_sqlite(file: Path) -> str:
    try:
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as reader:
            (verdict,) = reader.execute("PRAGMA quick_check(1)").fetchone()
            row = reader.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise InvalidRequestError(f"{file} is no backup of LLM Test Bench: {error}") from None
    if verdict != "ok" or row is None:
        raise InvalidRequestError(f"{file} is damaged: {verdict}")
    _check_version(file, row[0])
    return str(row[0])


def _check_version(file: Path, version: str) -> None:
    known = {revision.revision for revision in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    if version not in known:
        raise InvalidRequestError(f"{file} is of a newer version of LLM Test Bench (schema {version})")


def _check_unused(target: Path) -> None:
    """Nobody may have it open: a server would go on with the old file."""
    try:
        with contextlib.closing(sqlite3.connect(target, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
            # Leaving WAL needs the only connection, and takes the -wal file into the database.
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    except sqlite3.OperationalError:
        mode = "wal"
    except sqlite3.DatabaseError:
        return  # it is damaged: all the more reason to replace it
    if mode != "delete":
        raise ConflictError(f"{target} is in use; stop the service first")


def _restore_postgresql(storage: StorageSettings, file: Path, *, force: bool) -> str:
    listed = _run(_program("pg_restore"), ["--list", str(file)], {}).stdout
    if " TABLE public results " not in listed and " results " not in listed:
        raise InvalidRequestError(f"{file} is no backup of LLM Test Bench")
    psql = _program("psql")
    try:
        with tempfile.TemporaryDirectory(prefix="ltb-restore-") as folder:
            script, drops = Path(folder, "script.sql"), Path(folder, "drops.sql")
            _run(_program("pg_restore"), ["--no-owner", "--no-privileges", f"--file={script}", str(file)], {})
            # pg_restore's own --clean fails on partitions, whose keys cannot be dropped one by one.
            drops.write_text(_drops(listed) if force else "")
            options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
            _run(
                psql,
                [*options, *_login(storage)[0], f"--file={drops}", f"--file={script}"],
                _login(storage)[1] | {"PGOPTIONS": "-c client_min_messages=warning"},
            )
    except OSError as error:
        raise DatabaseError(f"the backup could not be restored: {error}") from error
    except DatabaseError as error:
        if not force and "already exists" in error.message:
            raise ConflictError("the database holds something; --force replaces it") from None
        raise
    return f"{file}: restored"


def _drops(listed: str) -> str:
    """Drop what the backup holds, and what this version has beside it."""
    found = re.findall(r"TABLE public (\w+) ", listed)
    names = sorted({*found, *_own_tables(), "alembic_version"})
    return f"DROP TABLE IF EXISTS {', '.join(names)} CASCADE;\n"


def _own_tables() -> list[str]:
    import app.accounts.models  # noqa: PLC0415
    import app.accounts.oidc_models  # noqa: PLC0415
    import app.benchmarks.models  # noqa: PLC0415
    import app.idempotency.models  # noqa: PLC0415
    import app.preferences.models  # noqa: PLC0415
    import app.providers.models  # noqa: F401, PLC0415  (importing the models registers their tables)
    from app.core.database import Base  # noqa: PLC0415

    return [*Base.metadata.tables]


def _login(storage: StorageSettings) -> tuple[list[str], dict[str, str]]:
    """How PostgreSQL's programs reach the database: options and variables."""
    url = make_url(storage.url)
    query = {name: value if isinstance(value, str) else value[0] for name, value in url.query.items()}
    # By the environment: arguments can be read by everybody on the machine.
    known = {
        "PGHOST": url.host or query.get("host"),
        "PGPORT": str(url.port) if url.port else query.get("port"),
        "PGUSER": url.username or query.get("user"),
        "PGPASSWORD": url.password or query.get("password"),
        "PGSSLMODE": query.get("ssl") or query.get("sslmode"),
    }
    return ["--no-password", f"--dbname={url.database}"], {name: value for name, value in known.items() if value}


def _program(name: str) -> str:
    if (found := shutil.which(name)) is None:
        raise NotFoundError(f"there is no {name} here; install PostgreSQL's client programs")
    return found


def _run(program: str, options: Sequence[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(  # noqa: S603  (programs by name, no shell)
        [program, *options], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise DatabaseError(f"{Path(program).name} failed: {said[:300]}")
    return done
