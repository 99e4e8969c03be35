import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.benchmarks import cluster as cluster_module
from app.benchmarks.cluster import Cluster
from app.benchmarks.shard_reports import ShardOutcome
from app.benchmarks.shard_task import ShardTask
from app.core.errors import ConstraintViolationError
from app.core.ids import new_id
from app.core.settings import DistributedSettings


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    cluster = await Cluster.start(DistributedSettings(worker_count=3))
    yield cluster
    await cluster.close()


def listening_sockets() -> set[str]:
    """Inodes of this process's listening TCP sockets."""
    own = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            own.add(str(entry.readlink()))
        except FileNotFoundError:
            continue
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and f"socket:[{columns[9]}]" in own:
                found.add(columns[1])
    return found


async def test_the_embedded_cluster_opens_no_port() -> None:
    before = listening_sockets()
    cluster = await Cluster.start(DistributedSettings())
    try:
        await cluster.ready()
        assert listening_sockets() == before
        assert await cluster.capacity() == 2
    finally:
        await cluster.close()


async def test_slots_are_given_whole_and_in_the_order_of_asking(cluster: Cluster) -> None:
    order: list[str] = []
    release = asyncio.Event()

    async def hold(name: str, number: int) -> None:
        async with cluster.slots(number):
            order.append(name)
            await release.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(hold("two", 2))
        await asyncio.sleep(0.05)
        group.create_task(hold("three", 3))
        await asyncio.sleep(0.05)
        group.create_task(hold("one", 1))  # would fit, but came later
        await asyncio.sleep(0.05)
        assert order == ["two"]
        release.set()
    assert order == ["two", "three", "one"]


async def test_too_few_slots_are_an_error_in_the_end(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "_CAPACITY_PATIENCE_SECONDS", 0.05)
    with pytest.raises(ConstraintViolationError, match="needs 4 worker slots at once; the cluster has 3"):
        async with cluster.slots(4):
            pass
    async with cluster.slots(3):
        pass


async def test_a_worker_outside_the_service_refuses_a_shard(cluster: Cluster) -> None:
    outcome = ShardOutcome.decode(await cluster.run(ShardTask("elsewhere", new_id(), 0, 0, 0, 1)))
    assert outcome.status == "failed"
    assert "not part of the service" in (outcome.error or "")
