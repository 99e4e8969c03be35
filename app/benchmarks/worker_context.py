"""What a worker process, or the server itself, gives to the shards that run in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.benchmarks.spans import SpanSink
from app.benchmarks.supervisor import EngineFactory, engine_process
from app.core.database import Database
from app.core.errors import NotFoundError
from app.events.bus import Bus
from app.providers.client import ResolvedProvider


class ProviderResolver(Protocol):
    """What a shard asks of providers: `providers.service.ProviderService` and fakes in tests."""

    async def resolve(self, name: str) -> ResolvedProvider:
        """Address and key; raises `NotFoundError` or `ConflictError`."""
        ...


@dataclass(frozen=True)
class WorkerContext:
    """What a worker process gives to the shards that run in it."""

    database: Database
    bus: Bus
    providers: ProviderResolver
    new_engine: EngineFactory = engine_process
    is_shared: bool = False
    """Whether other processes could run the same shards: then each has a lease."""
    spool_folder: Path | None = None
    """Where results wait on disk while the database is away."""
    spans: SpanSink | None = None
    """Who exports traces."""


DEFAULT_CONTEXT = "worker"
_contexts: dict[str, WorkerContext] = {}


def install(context: WorkerContext, name: str = DEFAULT_CONTEXT) -> None:
    """Let shards run in this process. An embedded cluster uses a name of its own."""
    _contexts[name] = context


def uninstall(name: str = DEFAULT_CONTEXT) -> None:
    """Undo `install`."""
    _contexts.pop(name, None)


def installed(name: str) -> WorkerContext:
    """The context of that name; raises `NotFoundError`."""
    try:
        return _contexts[name]
    except KeyError:
        raise NotFoundError("this worker is not part of the service that submitted the shard") from None
