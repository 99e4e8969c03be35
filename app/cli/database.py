"""`llm-test-bench database …`: a copy of the whole database in one file, and back."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import ConfigOption, DataDirOption, examples

database_app = typer.Typer(
    help="Back up and restore the database.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples("llm-test-bench database backup monday.db", "llm-test-bench database restore monday.db"),
)


@database_app.command("backup", epilog=examples("llm-test-bench database backup monday.db"))
def backup(
    file: Annotated[Path, typer.Argument(help="The new file.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if there is one.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Write the database, as it is at this moment, into one file. The service may go on running.

    SQLite: a complete database file. PostgreSQL: a dump of `pg_dump`, which must be installed and not be older than
    the server. Keep the file `secret-key` of the data folder (or `security.secret_key`) with it: credentials are
    encrypted with it.
    """
    from app.cli.database_files import back_up, settings_of  # noqa: PLC0415 - help stays fast

    size = back_up(settings_of(config, data_dir), file, force=force)
    print(f"{file}: {size / 1e6:,.1f} MB")


@database_app.command("restore", epilog=examples("llm-test-bench database restore monday.db"))
def restore(
    file: Annotated[Path, typer.Argument(help="What `database backup` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what the database holds now.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Put a backup in place of the database. Stop the service first.

    Nothing changes when the file is damaged or is of another program. A backup of an older version is brought up to
    date by the next start; an SQLite one of a newer version is refused.
    """
    from app.cli.database_files import put_back, settings_of  # noqa: PLC0415 - help stays fast

    print(put_back(settings_of(config, data_dir), file, force=force))
