"""`llm-test-bench serve`: runs the service until it is told to stop."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import ConfigOption, DataDirOption, examples

if TYPE_CHECKING:
    from app.core.settings import Settings

serve_app = typer.Typer(add_completion=False, rich_markup_mode=None)


@serve_app.command(
    "serve",
    epilog=examples("llm-test-bench serve", "llm-test-bench serve --port 9090 --data-dir /var/lib/llm-test-bench"),
)
def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind, instead of server.host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to bind, instead of server.port; 0 picks a free one.")
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Run the service: REST API, live events and dashboard. Ctrl-C stops it."""
    from app.core.settings import load_settings  # noqa: PLC0415 - help stays fast

    settings = load_settings(config, **_overrides(host, port, data_dir))
    serve_until_stopped = _import_service()
    serve_until_stopped(settings)


def _overrides(host: str | None, port: int | None, data_dir: Path | None) -> dict[str, Any]:
    server = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    storage = {"data_dir": data_dir} if data_dir is not None else {}
    return {key: value for key, value in (("server", server), ("storage", storage)) if value}


def _import_service() -> "Callable[[Settings], None]":
    """Without collecting: what an import makes stays, and looking at it again and again takes 0.3 s of the start."""
    gc.disable()
    try:
        from app.cli.serving import serve_until_stopped  # noqa: PLC0415 - as above
    finally:
        gc.freeze()  # nor do later collections look at it, which held up every request for 0.2 s
        gc.enable()
    return serve_until_stopped
