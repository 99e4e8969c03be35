"""`llm-test-bench scheduler` and `llm-test-bench worker`: the parts of a cluster beside the server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import ConfigOption, DataDirOption, examples

if TYPE_CHECKING:
    from app.cluster.standing import ClusterStanding
    from app.monitoring.node_metrics import Reading

_READ_SECONDS = 5.0

scheduler_app = typer.Typer(add_completion=False, rich_markup_mode=None)
worker_app = typer.Typer(add_completion=False, rich_markup_mode=None)

_CaOption = Annotated[Path | None, typer.Option("--tls-ca", help="CA certificate, instead of distributed.tls_ca.")]
_CertOption = Annotated[Path | None, typer.Option("--tls-cert", help="Certificate, instead of distributed.tls_cert.")]
_KeyOption = Annotated[Path | None, typer.Option("--tls-key", help="Its key, instead of distributed.tls_key.")]


_MetricsPortOption = Annotated[
    int | None,
    typer.Option("--metrics-port", min=0, max=65535, help="Serve /metrics for Prometheus here; 0 picks a free one."),
]
_MetricsHostOption = Annotated[
    str,
    typer.Option("--metrics-host", help="Address of that port; beyond loopback only with monitoring.metrics_token."),
]


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
    metrics_port: _MetricsPortOption = None,
    metrics_host: _MetricsHostOption = "127.0.0.1",
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

    if metrics_port is None:
        asyncio.run(serve_scheduler(settings.distributed, host, port, on_listening))
        return
    from app.core.version import service_version  # noqa: PLC0415
    from app.monitoring.node_metrics import NodeMetrics, scheduler_readings  # noqa: PLC0415
    from app.monitoring.scrape_server import check_scrape_host, serving_scrapes  # noqa: PLC0415

    token = settings.monitoring.metrics_token
    check_scrape_host(metrics_host, token)

    @asynccontextmanager
    async def beside(standing: "Callable[[], ClusterStanding]") -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()

        async def ask() -> "ClusterStanding":
            return standing()

        def read() -> "list[Reading]":  # in a thread; what it reads belongs to the loop
            return scheduler_readings(asyncio.run_coroutine_threadsafe(ask(), loop).result(_READ_SECONDS))

        metrics = NodeMetrics(service_version(), read)
        async with serving_scrapes(metrics.exposition, metrics_host, metrics_port, token) as address:
            _tell_metrics(address)
            yield

    asyncio.run(serve_scheduler(settings.distributed, host, port, on_listening, beside))


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
    metrics_port: _MetricsPortOption = None,
    metrics_host: _MetricsHostOption = "127.0.0.1",
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
    if metrics_port is not None:
        node.metrics = (metrics_host, metrics_port)

    def on_joined(address: str) -> None:
        print(f"worker {node.name} has joined {address} with {slots} slot{'s' if slots > 1 else ''}", flush=True)

    asyncio.run(serve_worker(settings, node, on_joined, _tell_metrics))


def _tell_metrics(address: str) -> None:
    print(f"metrics are at {address}", flush=True)


def _given(**options: Path | None) -> dict[str, Path]:
    return {name: value for name, value in options.items() if value is not None}
