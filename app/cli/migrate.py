"""`llm-test-bench migrate`: brings the database to this version's tables, or says whether it is there."""

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import ConfigOption, DataDirOption, examples

if TYPE_CHECKING:
    from app.core.database import Database

migrate_app = typer.Typer(add_completion=False, rich_markup_mode=None)

_PAUSE_SECONDS = 0.5


@migrate_app.command(
    "migrate",
    epilog=examples("llm-test-bench migrate", "llm-test-bench migrate --check --wait-seconds 300   # until it is done"),
)
def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 unless the database is up to date.")
    ] = False,
    wait_seconds: Annotated[
        float,
        typer.Option(
            min=0, max=3600, help="Wait so long for the database, and with --check for somebody to migrate it."
        ),
    ] = 0.0,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Bring the database to this version's tables. Any number may do so at once; one works, the others find it done."""
    from app.core.database import Database  # noqa: PLC0415 - help stays fast
    from app.core.settings import load_settings  # noqa: PLC0415

    settings = load_settings(config, **({"storage": {"data_dir": data_dir}} if data_dir is not None else {}))
    typer.echo(asyncio.run(_patiently(Database(settings.storage), wait_seconds, check=check)))


async def _patiently(database: "Database", wait_seconds: float, *, check: bool) -> str:
    from app.core.errors import DatabaseError  # noqa: PLC0415
    from app.core.logging import redact_text  # noqa: PLC0415

    give_up_at = time.monotonic() + wait_seconds
    try:
        while True:
            try:
                return await (_state(database) if check else _upgrade(database))
            except DatabaseError as problem:
                failure = problem
            except Exception as error:  # noqa: BLE001 - drivers raise what they like, and each means the same here
                failure = DatabaseError(f"the database cannot be used: {redact_text(str(error))}")
            if time.monotonic() + _PAUSE_SECONDS > give_up_at:
                raise failure
            await asyncio.sleep(_PAUSE_SECONDS)
    finally:
        await database.close()


async def _state(database: "Database") -> str:
    from app.core import migrations  # noqa: PLC0415
    from app.core.errors import DatabaseError  # noqa: PLC0415

    current, newest = await migrations.revisions(database.engine)
    if current != newest:
        raise DatabaseError(f"the database is at {current or 'nothing'}, this version needs {newest}")
    return f"The database is up to date ({current})."


async def _upgrade(database: "Database") -> str:
    from app.core import migrations  # noqa: PLC0415

    before, newest = await migrations.revisions(database.engine)
    await migrations.upgrade(database.engine)
    if before == newest:
        return f"The database was up to date ({newest})."
    return f"The database was brought from {before or 'nothing'} to {newest}."
