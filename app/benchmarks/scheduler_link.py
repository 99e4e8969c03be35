"""The connection to an external scheduler: made again when it breaks; what is heard over it of workers and clocks."""

import asyncio
import contextlib
import importlib
import logging
import time
from typing import Any

from app.cluster import transport
from app.cluster.clocks import Offset, measure
from app.cluster.placement import WorkerInfo, WorkerStatus
from app.cluster.tags import of_resources
from app.core.errors import ServiceUnavailableError
from app.core.settings import DistributedSettings
from app.core.version import service_version

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 5.0
_ASK_SECONDS = 5.0
_CLOCK_SECONDS = 15.0


class SchedulerLink:
    """One for a server; whoever asks first after a loss connects again, and the others wait for that."""

    def __init__(self, settings: DistributedSettings) -> None:
        self._settings = settings
        self._client: Any = None
        self._dask: Any = None
        self._connecting = asyncio.Lock()
        self._offset: Offset | None = None
        self._offset_at = 0.0
        self._known: dict[str, str] = {}  # address → name, of every worker ever seen

    async def start(self) -> None:
        """Check the address, and connect if the scheduler is there; a server starts without it, too.

        Raises:
            ConfigError: plain TCP beyond loopback, or wrong TLS files.
        """
        assert self._settings.scheduler_url is not None
        transport.check_scheduler_url(self._settings.scheduler_url, self._settings)
        # Imported in a thread: the server goes on answering meanwhile.
        self._dask = await asyncio.to_thread(importlib.import_module, "app.cluster.dask_parts")
        self._dask.log_like_everyone()
        try:
            await self.connected()
        except ServiceUnavailableError as error:
            log.warning("%s; benchmarks wait until it is there", error.message)

    async def connected(self) -> Any:
        """A Dask client whose scheduler answers.

        Raises:
            ServiceUnavailableError: it does not, or has another version.
        """
        async with self._connecting:
            if self._client is not None and self._client.status == "running":
                return self._client
            if self._client is not None:
                await self._forget_client()
            security = self._dask.security(transport.tls_options(self._settings))
            try:
                async with asyncio.timeout(_CONNECT_SECONDS + 1):
                    self._client = await self._dask.connect(
                        self._settings.scheduler_url, timeout=_CONNECT_SECONDS, security=security
                    )
                    told = await self._client.scheduler.ltb_clock()
            except Exception as error:
                if self._client is not None:
                    await self._forget_client()
                raise self._away(error) from error
            if told["version"] != service_version():
                await self._forget_client()
                raise ServiceUnavailableError(
                    f"the scheduler at {self._settings.scheduler_url} has version {told['version']}, "
                    f"this server {service_version()}"
                )
            self._offset = None
            return self._client

    async def workers(self) -> list[WorkerInfo]:
        """Every worker that the scheduler knows, by name; raises as `connected`."""
        client = await self.connected()
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                found = await client.scheduler.identity(n_workers=-1)
                await self._follow_clock(client)
        except (OSError, TimeoutError) as error:
            raise self._away(error) from error
        workers = [self._info(address, told) for address, told in found["workers"].items()]
        self._known |= {worker.address: worker.name for worker in workers}
        return sorted(workers, key=lambda worker: worker.name)

    async def has(self, address: str) -> bool:
        """Whether the scheduler still has this worker; True while it does not answer, for then nobody knows."""
        try:
            return any(worker.address == address for worker in await self.workers())
        except ServiceUnavailableError:
            return True

    def name_of(self, address: str) -> str:
        """What the worker at an address is called, also when it is gone."""
        return self._known.get(address, address)

    async def close(self) -> None:
        """Leave the cluster."""
        if self._client is not None:
            await self._forget_client()

    async def _forget_client(self) -> None:
        client, self._client = self._client, None
        with contextlib.suppress(Exception):
            async with asyncio.timeout(2):
                await client.close(timeout=1)

    def _away(self, error: BaseException) -> ServiceUnavailableError:
        return ServiceUnavailableError(
            f"the scheduler at {self._settings.scheduler_url} does not answer: {first_line(error)}"
        )

    async def _follow_clock(self, client: Any) -> None:
        if self._offset is not None and time.monotonic() - self._offset_at < _CLOCK_SECONDS:
            return

        async def ask() -> int:
            return int((await client.scheduler.ltb_clock())["ns"])

        self._offset = await measure(ask)
        self._offset_at = time.monotonic()

    def _info(self, address: str, told: dict[str, Any]) -> WorkerInfo:
        first = told.get(self._dask.ABOUT) or {}
        now = told.get("metrics", {}).get(self._dask.ABOUT) or {}
        offset = None
        if now.get("offset_ns") is not None and self._offset is not None:
            offset = Offset(now["offset_ns"], now["offset_error_ns"]).to(self._offset)
        version = str(first.get("version", "unknown"))
        status: WorkerStatus = "draining" if now.get("draining") or told.get("status") != "running" else "running"
        return WorkerInfo(
            name=str(told["name"]),
            address=address,
            tags=of_resources(told.get("resources", {})),
            slots=int(told["nthreads"]),
            version=version,
            status=status if version == service_version() else "mismatch",
            offset_ns=offset.offset_ns if offset else None,
            offset_error_ns=offset.error_ns if offset else None,
            last_seen=float(told.get("last_seen", 0.0)),
            running=int(now.get("running", 0)),
        )


def first_line(error: BaseException) -> str:
    """What an error says, short; its kind when it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
