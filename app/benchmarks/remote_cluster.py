"""Shards on an external cluster: which worker gets which, over all servers, and what happens when parts go away.

A slot that is taken is a lease row `slot/BENCHMARK/SHARD`, so that all servers count the same ones and everybody can
list what runs where. Placing is done by one server at a time. A shard goes to exactly the worker that was chosen; when
that worker is lost (or the scheduler, which keeps nothing), `run` says so and the coordinator asks for another.
"""

import asyncio
import contextlib
import importlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.benchmarks.cluster import Places, WorkerLostError
from app.benchmarks.probing import ProbeTask
from app.benchmarks.recorder import is_transient
from app.benchmarks.shards import ShardTask
from app.cluster import calls, placement, transport
from app.cluster.clocks import Offset, measure
from app.cluster.placement import Wish, WorkerInfo, WorkerStatus
from app.cluster.tags import of_resources
from app.core import leases
from app.core.database import Database, WriteSession
from app.core.errors import ConstraintViolationError, ServiceUnavailableError
from app.core.settings import DistributedSettings
from app.core.version import service_version

log = logging.getLogger(__name__)

SLOT_PREFIX = "slot/"
_WAIT_PREFIX = "wait/"
_CONNECT_SECONDS = 5.0
_ASK_SECONDS = 5.0
_LOOK_SECONDS = 1.0
_SLOT_SECONDS = 20.0
_RENEW_SECONDS = 4.0
_WAIT_SECONDS = 6.0
_CLOCK_SECONDS = 15.0
_GONE_LOOKS = 2
_LOCK_KEY = 0x6C74_625F_706C_6163  # "ltb_plac"


class RemoteCluster:
    """Implements what `cluster.Cluster` does, with workers elsewhere."""

    is_remote = True

    def __init__(self, settings: DistributedSettings, database: Database, replica: str) -> None:
        self._settings = settings
        self._database = database
        self._replica = replica
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
            await self.ready()
        except ServiceUnavailableError as error:
            log.warning("%s; benchmarks wait until it is there", error.message)

    async def ready(self) -> None:
        """Return once the scheduler answers.

        Raises:
            ServiceUnavailableError: when it does not.
        """
        await self._connected()

    async def workers(self) -> list[WorkerInfo]:
        """Every worker that the scheduler knows, by name.

        Raises:
            ServiceUnavailableError: when the scheduler does not answer.
        """
        client = await self._connected()
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                found = await client.scheduler.identity(n_workers=-1)
                await self._follow_clock(client)
        except (OSError, TimeoutError) as error:
            raise self._away(error) from error
        workers = [self._info(address, told) for address, told in found["workers"].items()]
        self._known |= {worker.address: worker.name for worker in workers}
        return sorted(workers, key=lambda worker: worker.name)

    async def check_possible(self, number: int, tags: Sequence[str]) -> None:
        """Refuse what could not be placed even when all is idle; says nothing while the scheduler is away.

        Raises:
            ConstraintViolationError: naming what there is.
        """
        try:
            workers = await self.workers()
        except ServiceUnavailableError:
            return
        placement.check_possible(workers, number, tags)

    @asynccontextmanager
    async def slots(self, number: int, session_id: UUID, tags: Sequence[str] = ()) -> AsyncIterator[Places]:
        """Hold a slot for each of `number` shards; who came first over all servers is served first.

        Raises:
            ConstraintViolationError: when the cluster could not have run it for `worker_patience_seconds`.
        """
        places = Places([], list(tags), session_id)
        await self._take(places, range(number))
        renewing = asyncio.create_task(self._renew(session_id), name=f"slots of {session_id}")
        try:
            yield places
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            with contextlib.suppress(Exception):  # else they run out by themselves
                async with self._database.write() as session:
                    await leases.forget_all(session, f"{SLOT_PREFIX}{session_id}/")

    async def move(self, places: Places, shard: int) -> None:
        """Find another worker for a shard whose own is lost; raises as `slots`."""
        with contextlib.suppress(OSError, SQLAlchemyError):  # else it runs out by itself
            async with self._database.write() as session:
                await leases.forget_all(session, f"{SLOT_PREFIX}{places.session_id}/{shard}")
        await self._take(places, [shard])

    async def run(self, task: ShardTask, places: Places) -> bytes:
        """Run a shard on its worker; its encoded outcome. Cancelling this cancels it there.

        Raises:
            WorkerLostError: the worker or the scheduler went away.
        """
        return await self._submit("shard", task, places.workers[task.shard])

    async def probe(self, task: ProbeTask, places: Places) -> bytes:
        """Probe a target from where the load will come from; raises as `run`."""
        return await self._submit("probe", task, places.workers[0])

    async def close(self) -> None:
        """Leave the cluster."""
        if self._client is not None:
            await self._forget_client()

    # ---------------------------------------------------------------- the connection

    async def _connected(self) -> Any:
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

    async def _forget_client(self) -> None:
        client, self._client = self._client, None
        with contextlib.suppress(Exception):
            async with asyncio.timeout(2):
                await client.close(timeout=1)

    def _away(self, error: BaseException) -> ServiceUnavailableError:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return ServiceUnavailableError(
            f"the scheduler at {self._settings.scheduler_url} does not answer: {reason[:200]}"
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

    # ---------------------------------------------------------------- slots

    async def _take(self, places: Places, shards: Sequence[int]) -> None:
        """Wait for room for these shards of a stage, and take it."""
        since = time.time()
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._settings.worker_patience_seconds
        name = f"{_WAIT_PREFIX}{places.session_id}"
        try:
            while True:
                try:
                    workers = await self.workers()
                    placement.check_possible(workers, len(shards), places.tags)
                    give_up_at = loop.time() + self._settings.worker_patience_seconds
                    chosen = await self._place(name, since, workers, places, shards)
                except (ConstraintViolationError, ServiceUnavailableError) as error:
                    if loop.time() >= give_up_at:
                        message = f"{error.message}, and so it was for {self._settings.worker_patience_seconds:g} s"
                        raise ConstraintViolationError(message, **error.details) from None
                    chosen = None
                except Exception as error:
                    if not is_transient(error) or loop.time() >= give_up_at:
                        raise
                    chosen = None  # the database is away
                if chosen is not None:
                    break
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            with contextlib.suppress(Exception):
                async with self._database.write() as session:
                    await leases.forget_all(session, name)
        offsets = {worker.address: worker.offset_ns for worker in workers}
        if not places.workers:
            places.workers = [""] * len(shards)
            places.offsets_ns = [None] * len(shards)
        for shard, address in zip(shards, chosen, strict=True):
            places.workers[shard] = address
            places.offsets_ns[shard] = offsets.get(address)

    async def _place(
        self, name: str, since: float, workers: Sequence[WorkerInfo], places: Places, shards: Sequence[int]
    ) -> list[str] | None:
        async with self._database.write() as session:
            await _one_at_a_time(session)
            taken = Counter(str((row.detail or {}).get("worker")) for row in await leases.held(session, SLOT_PREFIX))
            waiting = [row for row in await leases.held(session, _WAIT_PREFIX) if row.name != name]
            wishes = [
                Wish(int(row.detail["number"]), tuple(row.detail["tags"]))
                for row in waiting
                if row.detail and (row.detail["since"], row.name) < (since, name)
            ]
            chosen = placement.place(workers, taken, len(shards), places.tags, wishes)
            if chosen is None:
                lease = await leases.take(session, name, self._replica, _WAIT_SECONDS)
                if lease is not None:
                    detail = {"since": since, "number": len(shards), "tags": list(places.tags)}
                    await leases.keep(session, lease, _WAIT_SECONDS, detail)
                return None
            names = {worker.address: worker.name for worker in workers}
            for shard, address in zip(shards, chosen, strict=True):
                lease = await leases.take(session, f"{SLOT_PREFIX}{places.session_id}/{shard}", self._replica, 0)
                if lease is not None:
                    await leases.keep(session, lease, _SLOT_SECONDS, {"worker": names[address], "shard": shard})
            return chosen

    async def _renew(self, session_id: UUID) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                async with self._database.write() as session:
                    for row in await leases.all_of(session, f"{SLOT_PREFIX}{session_id}/", self._replica):
                        await leases.keep(session, leases.Lease(row.name, row.holder, row.epoch), _SLOT_SECONDS)
            except Exception:  # noqa: BLE001  (the database is away: nobody else can take them either)
                log.warning("the slots of benchmark %s could not be renewed", session_id)

    # ---------------------------------------------------------------- tasks

    async def _submit(self, name: str, task: object, address: str) -> bytes:
        try:
            client = await self._connected()
        except ServiceUnavailableError as error:
            raise WorkerLostError(error.message) from error
        where = self._known.get(address, address)
        future = client.submit(
            calls.call,
            name,
            calls.packed(task),
            key=f"{name}-{uuid4().hex}",
            pure=False,
            workers=[address],
            allow_other_workers=False,
            retries=0,
        )
        asked = asyncio.ensure_future(_result(future))
        try:
            missing = 0
            while not asked.done():
                await asyncio.wait({asked}, timeout=_LOOK_SECONDS)
                if asked.done():
                    break
                missing = missing + 1 if not await self._is_there(address) else 0
                if client.status != "running" or missing >= _GONE_LOOKS:
                    raise _lost(client, where)  # noqa: TRY301  (cancelled below, like everything that fails)
            outcome: bytes = asked.result()
        except (WorkerLostError, asyncio.CancelledError):
            await self._cancel(client, future)
            raise
        except BaseException as error:
            log.warning("a %s on worker %s was lost: %s", name, where, error)
            raise WorkerLostError(f"worker {where} was lost: {str(error).splitlines()[0][:200]}") from error
        finally:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            future.release()
        return outcome

    async def _is_there(self, address: str) -> bool:
        """Whether the scheduler still has this worker; a scheduler that does not answer is for `status` to tell."""
        try:
            return any(worker.address == address for worker in await self.workers())
        except ServiceUnavailableError:
            return True

    async def _cancel(self, client: Any, future: Any) -> None:
        if client.status != "running":
            return
        with contextlib.suppress(Exception):
            async with asyncio.timeout(2):
                await future.cancel()


def _lost(client: Any, where: str) -> WorkerLostError:
    if client.status != "running":
        return WorkerLostError("the connection to the scheduler was lost")
    return WorkerLostError(f"worker {where} is gone")


async def _result(future: Any) -> bytes:
    """As an `Exception` in every case: Dask's own cancellation is none of asyncio's."""
    try:
        outcome: bytes = await future
    except asyncio.CancelledError:
        if future.status == "cancelled":
            raise WorkerLostError("the scheduler has forgotten the shard") from None
        raise
    return outcome


async def _one_at_a_time(session: WriteSession) -> None:
    if session.get_bind().dialect.name == "postgresql":  # on SQLite every writer is alone
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})"))
