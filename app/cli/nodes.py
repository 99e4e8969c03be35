"""`llm-test-bench scheduler` and `llm-test-bench worker`: the parts of a cluster beside the server."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.options import ConfigOption, DataDirOption, examples

scheduler_app = typer.Typer(add_completion=False, rich_markup_mode=None)
worker_app = typer.Typer(add_completion=False, rich_markup_mode=None)

_CaOption = Annotated[Path | None, typer.Option("--tls-ca", help="CA certificate, instead of distributed.tls_ca.")]
_CertOption = Annotated[Path | None, typer.Option("--tls-cert", help="Certificate, instead of distributed.tls_cert.")]
_KeyOption = Annotated[Path | None, typer.Option("--tls-key", help="Its key, instead of distributed.tls_key.")]


@scheduler_app.command(
    "scheduler",
    epilog=examples(
        "llm-test-bench scheduler",
        "llm-test-bench scheduler --host 0.0.0.0 --tls-ca certs/ca.pem "
        "--tls-cert certs/scheduler.pem --tls-key certs/scheduler-key.pem",
    ),
)
def scheduler(
    host: Annotated[str, typer.Option(help="Address to listen on; beyond loopback only with TLS.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8786,
    tls_ca: _CaOption = None,
    tls_cert: _CertOption = None,
    tls_key: _KeyOption = None,
    config: ConfigOption = None,
) -> None:
    """Run the scheduler that workers and servers join. It keeps nothing: restarted, it is joined again."""
    from app.cluster.scheduler import serve_scheduler  # noqa: PLC0415 - help stays fast
    from app.core.logging import configure_logging  # noqa: PLC0415
    from app.core.settings import load_settings  # noqa: PLC0415

    settings = load_settings(config, distributed=_given(tls_ca=tls_ca, tls_cert=tls_cert, tls_key=tls_key))
    configure_logging(settings.monitoring)

    def on_listening(address: str) -> None:
        print(f"the scheduler is ready: {address}", flush=True)

    asyncio.run(serve_scheduler(settings.distributed, host, port, on_listening))


@worker_app.command(
    "worker",
    epilog=examples(
        "llm-test-bench worker --scheduler tcp://127.0.0.1:8786 --slots 2",
        "llm-test-bench worker --scheduler tls://scheduler:8786 --slots 4 --tag region=eu --tag gpu",
    ),
)
def worker(
    scheduler_url: Annotated[
        str | None, typer.Option("--scheduler", help="Address, instead of distributed.scheduler_url.")
    ] = None,
    slots: Annotated[int, typer.Option(min=1, max=256, help="Engines at once; each wants a core of its own.")] = 1,
    tags: Annotated[
        list[str],
        typer.Option("--tag", metavar="TAG", help="gpu, region=eu, …: what benchmarks may ask for. Repeat it."),
    ] = [],  # noqa: B006 - typer copies it
    name: Annotated[str | None, typer.Option(help="Shown in listings; default: host, process and a number.")] = None,
    host: Annotated[str | None, typer.Option(help="Own address, where the usual one is the wrong one.")] = None,
    drain_seconds: Annotated[
        float, typer.Option(min=0, max=86_400, help="After SIGTERM, let shards end for so long, then hand them back.")
    ] = 30.0,
    tls_ca: _CaOption = None,
    tls_cert: _CertOption = None,
    tls_key: _KeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Run a worker, with the server's configuration (database, Redis, secret). SIGTERM drains it."""
    from app.core.errors import ConfigError  # noqa: PLC0415 - help stays fast
    from app.core.settings import load_settings  # noqa: PLC0415

    given: dict[str, Any] = {"distributed": _given(tls_ca=tls_ca, tls_cert=tls_cert, tls_key=tls_key)}
    if data_dir is not None:
        given["storage"] = {"data_dir": data_dir}
    settings = load_settings(config, **given)
    url = scheduler_url or settings.distributed.scheduler_url
    if url is None:
        raise ConfigError("which scheduler? Give --scheduler or distributed.scheduler_url", errors=[])

    from app.cluster.tags import check_tags  # noqa: PLC0415
    from app.core.logging import configure_logging  # noqa: PLC0415
    from app.worker import Node, serve_worker  # noqa: PLC0415

    try:
        checked = check_tags(tags)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--tag") from None
    configure_logging(settings.monitoring)
    node = Node(url, slots=slots, tags=checked, host=host, drain_seconds=drain_seconds)
    if name is not None:
        node.name = name

    def on_joined(address: str) -> None:
        print(f"worker {node.name} has joined {address} with {slots} slot{'s' if slots > 1 else ''}", flush=True)

    asyncio.run(serve_worker(settings, node, on_joined))


def _given(**options: Path | None) -> dict[str, Path]:
    return {name: value for name, value in options.items() if value is not None}
