"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Configuration file; default $LTB_CONFIG, else config.toml.")
]
DataDirOption = Annotated[Path | None, typer.Option("--data-dir", help="Data folder, instead of storage.data_dir.")]


def examples(*lines: str) -> str:
    """An epilog of commands as they are typed: the mark at its head keeps click from wrapping them."""
    return "\n  ".join(("\b\nExamples:" if len(lines) > 1 else "\b\nExample:", *lines))
