"""`llm-test-bench health`: one question, one exit code; what containers ask themselves."""

import http.client
import json
import socket
from typing import Annotated
from urllib.parse import urlsplit

import typer

from app.cli.options import ConfigOption, examples
from app.core.errors import ServiceUnavailableError

health_app = typer.Typer(add_completion=False, rich_markup_mode=None)

_LIMIT_BYTES = 64 * 1024
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a server binds is not where one asks it


@health_app.command(
    "health",
    epilog=examples(
        "llm-test-bench health",
        "llm-test-bench health --url http://127.0.0.1:9090 --live",
        "llm-test-bench health --tcp scheduler:8786",
    ),
)
def health(
    url: Annotated[
        str | None, typer.Option(help="Address of the server; by default the one of [server] host and port.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Only whether it answers, not whether its parts do.")] = False,
    tcp: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Instead: whether this port takes connections.")
    ] = None,
    timeout_seconds: Annotated[float, typer.Option(min=0.1, max=300, help="How long an answer may take.")] = 5.0,
    config: ConfigOption = None,
) -> None:
    """Ask whether the service is ready; exit code 0 when it is, 1 when not."""
    if tcp is not None:
        _connect(tcp, timeout_seconds)
        return
    if url is None:
        from app.core.settings import load_settings  # noqa: PLC0415 - help stays fast

        server = load_settings(config).server
        host = _ANY_ADDRESS.get(server.host, server.host)
        url = f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"
    typer.echo(_ask(url.rstrip("/"), "/health/live" if live else "/health/ready", timeout_seconds))


def _ask(base: str, path: str, timeout_seconds: float) -> str:
    parts = urlsplit(base)
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in kinds or not parts.hostname or port == -1:
        raise typer.BadParameter(f"'{base}' is not an address like http://127.0.0.1:8080")
    connection = kinds[parts.scheme](parts.hostname, port, timeout=timeout_seconds)
    try:
        connection.request("GET", parts.path + path)
        with connection.getresponse() as response:
            body = response.read(_LIMIT_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise ServiceUnavailableError(f"{base} does not answer: {error}") from None
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise ServiceUnavailableError(f"{base}{path} answers {response.status}: {_message(body)}")
    return "ok"


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return "no reason was given"


def _connect(address: str, timeout_seconds: float) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= 65535:
        raise typer.BadParameter(f"'{address}' is not HOST:PORT", param_hint="--tcp")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_seconds).close()
    except OSError as error:
        raise ServiceUnavailableError(f"{address} takes no connections: {error}") from None
    typer.echo("ok")
