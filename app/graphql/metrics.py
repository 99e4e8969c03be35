"""Prometheus samples, filtered."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import strawberry
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from app.accounts.permissions import Permission
from app.core.errors import InvalidRequestError
from app.events.payloads import SystemMetrics
from app.graphql.context import Info
from app.graphql.guard import guarded
from app.graphql.scalars import Long
from app.monitoring.metrics import Metrics

MAX_LABELS = 20
MAX_NAMES = 100


@strawberry.type(description="A label of a sample.")
class MetricLabel:
    """A label of a sample."""

    name: str = strawberry.field(description="Its name.")
    value: str = strawberry.field(description="Its value.")


@strawberry.type(description="One sample, as Prometheus would scrape it.")
class MetricSample:
    """One sample."""

    name: str = strawberry.field(description="Its name, such as `llm_api_requests_total`.")
    labels: list[MetricLabel] = strawberry.field(description="Its labels.")
    value: float | None = strawberry.field(description="Its value; null when it is not a number.")
    kind: str = strawberry.field(description="`counter`, `gauge`, `histogram` or `info`.")
    help: str = strawberry.field(description="What the metric is.")


@strawberry.type(description="How a server process is, as told every five seconds in `metrics.system`.")
class SystemFigures:
    """How a server process is."""

    instance: str = strawberry.field(description="Which process, to tell several apart.")
    uptime_s: float = strawberry.field(description="Seconds since it began.")
    cpu_percent: float = strawberry.field(description="Of one core, over the last five seconds.")
    memory_bytes: Long = strawberry.field(description="Resident memory.")
    open_sockets: int = strawberry.field(description="Open WebSockets of `/ws`.")
    running_benchmarks: int = strawberry.field(description="Benchmarks that run here.")
    waiting_benchmarks: int | None = strawberry.field(description="Benchmarks that wait anywhere; null when unknown.")
    database_connections: int | None = strawberry.field(description="Size of the pool; null where it does not tell.")
    database_connections_in_use: int | None = strawberry.field(description="How many of them are in use.")
    disk_free_bytes: Long = strawberry.field(description="Free under the data folder.")
    dropped_events: Long = strawberry.field(description="Events that slow clients have missed.")

    @classmethod
    def of(cls, found: SystemMetrics) -> "SystemFigures":
        """As they were told."""
        pool = found.database_pool
        same = {name: getattr(found, name) for name in found.__struct_fields__ if name != "database_pool"}
        return cls(**same, database_connections=pool.size, database_connections_in_use=pool.in_use)


@strawberry.input(description="A label that a sample must have.")
class MetricLabelInput:
    """A label that a sample must have."""

    name: str = strawberry.field(description="Its name.")
    value: str = strawberry.field(description="Its exact value.")


Labels = Annotated[
    list[MetricLabelInput] | None, strawberry.argument(description="Only samples that have all of these labels.")
]
Names = Annotated[
    list[str] | None,
    strawberry.argument(description="Only samples of these names; a trailing `*` stands for any ending."),
]


@strawberry.type
class MetricQueries:
    """Reading metrics."""

    @guarded(Permission.METRICS_READ, returns=list[MetricSample], cost=50)
    async def metrics(self, info: Info, labels: Labels = None, names: Names = None) -> Any:
        """Counters, histograms and gauges of this server, as at `/metrics`."""
        return await samples(info.context.services.metrics, labels or [], names or [])


async def samples(metrics: Metrics, labels: list[MetricLabelInput], names: list[str]) -> list[MetricSample]:
    """What Prometheus would scrape now, filtered.

    Raises:
        InvalidRequestError: too many filters.
    """
    if len(labels) > MAX_LABELS or len(names) > MAX_NAMES:
        path, most = ("labels", MAX_LABELS) if len(labels) > MAX_LABELS else ("names", MAX_NAMES)
        problem = {"path": path, "message": "are too many", "allowed": f"at most {most}"}
        raise InvalidRequestError(f"{path}: give at most {most}", errors=[problem])
    await metrics.refresh()
    # Read back from the text, because not all of it comes from the client library's registry.
    text = await asyncio.to_thread(metrics.exposition)
    found = list(text_string_to_metric_families(text.decode()))
    wanted = {label.name: label.value for label in labels}
    return list(_chosen(found, wanted, names))


def _chosen(found: Iterable[Metric], labels: dict[str, str], names: list[str]) -> Iterator[MetricSample]:
    exact = {name for name in names if not name.endswith("*")}
    beginnings = tuple(name[:-1] for name in names if name.endswith("*"))
    for metric in found:
        for sample in metric.samples:
            if names and sample.name not in exact and not sample.name.startswith(beginnings):
                continue
            if any(sample.labels.get(name) != value for name, value in labels.items()):
                continue
            value = float(sample.value)
            yield MetricSample(
                name=sample.name,
                labels=[MetricLabel(name=name, value=text) for name, text in sample.labels.items()],
                value=value if value - value == 0 else None,
                kind=metric.type,
                help=metric.documentation,
            )
