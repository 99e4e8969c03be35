"""Joins the cluster: `dask worker tls://scheduler:8786 --preload app.worker`.

Gives the shards that run in this process a database, a bus and the providers, by the same configuration as the server.
"""

from contextlib import AsyncExitStack
from typing import Any

from app.benchmarks.shards import WorkerContext, install, uninstall
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import ConfigError
from app.core.keyring import load_keyring
from app.core.settings import Settings, load_settings
from app.events.redis_bus import RedisBus
from app.providers.wiring import provider_service

_open = AsyncExitStack()


async def dask_setup(_worker: Any) -> None:
    """Called by Dask when the worker starts."""
    install(await build_context(load_settings(), _open))


async def dask_teardown(_worker: Any) -> None:
    """Called by Dask when the worker stops."""
    uninstall()
    await _open.aclose()


async def build_context(settings: Settings, stack: AsyncExitStack) -> WorkerContext:
    """What shards in this process use; `stack` closes it.

    Raises:
        ConfigError: without Redis a worker's ticks and the server's stop would not reach each other.
    """
    if settings.distributed.redis_url is None:
        raise ConfigError("a worker needs distributed.redis_url, the same as the server's", errors=[])
    database = Database(settings.storage)
    stack.push_async_callback(database.close)
    bus = RedisBus(settings.distributed.redis_url)
    stack.push_async_callback(bus.close)
    providers = provider_service(settings, database, SystemClock(), load_keyring(settings))
    return WorkerContext(database, bus, providers)
