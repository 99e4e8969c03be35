import pytest

from app.accounts.permissions import Role
from app.benchmarks.demo import MODEL, PROVIDER, run_demo, simulator
from app.benchmarks.hosting import host_benchmarks
from app.benchmarks.states import Status
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.keyring import load_keyring
from app.core.outbound import OutboundGuard
from app.core.settings import DistributedSettings, Settings, StorageSettings
from app.events.memory import MemoryBus
from app.events.outbox import publish_on_commit
from app.providers.service import ProviderService
from tests.factories import Rows, make_caller


@pytest.fixture
def providers(database: Database, storage_settings: StorageSettings) -> ProviderService:
    settings = Settings(storage=storage_settings)
    return ProviderService(database, SystemClock(), load_keyring(settings), OutboundGuard(settings.outbound.allow))


async def test_an_empty_database_gets_a_demo_and_another_does_not(
    database: Database, rows: Rows, providers: ProviderService
) -> None:
    bus = MemoryBus()
    unhook = publish_on_commit(database, bus)
    admin = make_caller(role=Role.ADMIN)
    async with (
        simulator() as base_url,
        host_benchmarks(
            DistributedSettings(), database, clock=SystemClock(), bus=bus, providers=providers
        ) as benchmarks,
        bus.subscribe(["benchmark.started"]) as started,
    ):
        session_id = await run_demo(database, providers, benchmarks, base_url)
        assert session_id is not None
        assert (await anext(started)).session_id == session_id
        assert [model.id for model in (await providers.models(PROVIDER)).models] == [MODEL]
        assert await run_demo(database, providers, benchmarks, "http://127.0.0.1:9/v1") is None
        assert (await providers.get(PROVIDER)).base_url == "http://127.0.0.1:9/v1"
        assert (await benchmarks.cancel(admin, session_id)).status in {Status.CANCELLING, Status.CANCELLED}
    unhook()


async def test_a_deleted_demo_provider_stays_deleted(
    database: Database, rows: Rows, providers: ProviderService
) -> None:
    await rows.session()
    bus = MemoryBus()
    async with host_benchmarks(
        DistributedSettings(worker_count=1), database, clock=SystemClock(), bus=bus, providers=providers
    ) as benchmarks:
        assert await run_demo(database, providers, benchmarks, "http://127.0.0.1:9/v1") is None
    assert (await providers.list(10, None)).items == []
