"""The scheduler of a cluster, from its open port to its end."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext

from app.cluster import transport
from app.cluster.standing import ClusterStanding
from app.core.errors import ServiceUnavailableError
from app.core.settings import DistributedSettings

Standing = Callable[[], ClusterStanding]
Beside = Callable[[Standing], AbstractAsyncContextManager[object]]


def _nothing_beside(_standing: Standing) -> AbstractAsyncContextManager[object]:
    return nullcontext()


async def serve_scheduler(
    settings: DistributedSettings,
    host: str,
    port: int,
    on_listening: Callable[[str], None],
    beside: Beside = _nothing_beside,
) -> None:
    """Serve until SIGTERM or SIGINT; `on_listening` is told the address. What `beside` opens is open meanwhile.

    Raises:
        ConfigError: `host` is not loopback and there is no mutual TLS.
        ServiceUnavailableError: the port cannot be used.
    """
    scheme = transport.check_listen(host, settings)
    from app.cluster import dask_parts  # noqa: PLC0415  (takes 0.3 s; refusals need not wait for it)

    dask_parts.log_like_everyone()
    security = dask_parts.security(transport.tls_options(settings))
    scheduler = dask_parts.QuietScheduler(
        host=f"{scheme}://{host}:{port}", security=security, dashboard=False, protocol=f"{scheme}://"
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await scheduler
    except (OSError, RuntimeError) as error:
        reason = error.__cause__ or error
        raise ServiceUnavailableError(f"cannot listen on {host} port {port}: {reason}") from error
    try:
        async with beside(lambda: dask_parts.standing(scheduler)):
            on_listening(scheduler.address)
            await stop.wait()
    finally:
        # Workers must see a connection that broke (they come back), not an order to end.
        for address in list(scheduler.stream_comms):
            scheduler.stream_comms[address].abort()  # type: ignore[no-untyped-call]
        scheduler.workers.clear()
        await scheduler.close(reason="stopped")
