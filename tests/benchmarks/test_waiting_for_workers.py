"""Benchmarks that find no workers: they say so, hold nobody up, can be cancelled, and fail in the end."""

from uuid import UUID

import pytest

from app.accounts.permissions import Role
from app.benchmarks.cluster import Cluster, OnWait, Places, WorkerLostError
from app.benchmarks.cluster_service import ClusterService
from app.benchmarks.shard_task import ShardTask
from app.benchmarks.states import Status
from app.core.errors import ConstraintViolationError
from app.core.settings import StorageSettings
from tests.benchmarks.conftest import Bench, Hosting, fake
from tests.benchmarks.test_lifecycle import stored
from tests.factories import Rows, make_caller, make_session, make_spec


@pytest.fixture
def storage_settings(sqlite_settings: StorageSettings) -> StorageSettings:
    """One database is enough: who waits for what is not its affair."""
    return sqlite_settings


async def listed(bench: Bench) -> dict[UUID | None, tuple[int, str, str | None]]:
    assert isinstance(bench.service.cluster, ClusterService)
    found = await bench.service.cluster.get(make_caller(role=Role.ADMIN))
    return {one.id: (one.position, one.reason, one.missing) for one in found.queue}


async def test_one_that_waits_for_a_slot_says_so_and_is_cancelled_at_once(hosting: Hosting) -> None:
    async with hosting(worker_count=1, max_running_benchmarks=2) as bench:
        first = await bench.submit(workload=fake("hold"), workers=1)
        await bench.until(first, lambda b: b.progress is not None and b.progress.ok > 0)
        second = await bench.submit(workload=fake("hold"), workers=1)
        waits = await bench.until(second, lambda b: b.progress is not None and b.progress.waits_for is not None)
        assert waits.progress is not None
        assert waits.progress.waits_for == "1 worker slot; all of this server's are taken or promised to others"
        assert (waits.status, waits.progress.elapsed_s) == ("running", 0)
        await bench.service.cancel(bench.caller, second)
        assert (await bench.ended(second)).status == "cancelled"
        third = await bench.submit(workload=fake(), workers=1)
        await bench.service.cancel(bench.caller, first)
        ended = await bench.ended(third)
        assert (ended.status, ended.error) == ("completed", None)
        assert ended.progress is None


async def test_time_spent_waiting_is_no_part_of_the_run(hosting: Hosting) -> None:
    async with hosting(worker_count=1, max_running_benchmarks=2) as bench:
        first = await bench.submit(workload=fake(pause_s=0.3), workers=1)
        second = await bench.submit(workload=fake(), workers=1)
        await bench.ended(first)
        await bench.ended(second)
        timeline = await bench.service.timeline(bench.caller, second)
    assert sum(timeline.requests_per_s[:2]) == 10, timeline.requests_per_s


async def test_what_no_worker_could_run_stays_in_the_queue_holds_nobody_up_and_fails_in_the_end(
    hosting: Hosting, rows: Rows
) -> None:
    async with hosting(worker_count=1, worker_patience_seconds=2) as bench:
        # As one that was submitted while there were more workers.
        spec = make_spec(workers=3, load={"kind": "closed", "concurrency": 3}, workload=fake())
        large = make_session(spec=spec, owner_id=bench.caller.user_id)
        tagged = make_session(spec=make_spec(placement=["gpu"], workload=fake()), owner_id=bench.caller.user_id)
        await rows.add([large, tagged])
        found = await listed(bench)
        assert sorted(position for position, _, _ in found.values()) == [1, 2]
        assert found[large.id][1:] == ("no_worker", "this benchmark needs 3 worker slots at once; the cluster has 1")
        assert found[tagged.id][1] == "no_worker"
        assert "1 worker slot tagged gpu at once; the cluster has 0; tags of its workers: none" in str(found[tagged.id])
        assert (await bench.service.cancel(bench.caller, tagged.id)).status == "cancelled"
        later = await bench.submit(workload=fake(), workers=1)
        assert (await bench.ended(later)).status == "completed"
        failed = await bench.ended(large.id)
    assert failed.status == Status.FAILED
    assert failed.error == "this benchmark needs 3 worker slots at once; the cluster has 1, and so it was for 2 s"
    assert failed.summary is None


async def test_what_a_lost_worker_has_stored_counts_when_nobody_goes_on(
    hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_run = Cluster.run

    async def run_and_be_lost(self: Cluster, task: ShardTask, places: Places | None = None) -> bytes:
        await really_run(self, task, places)
        raise WorkerLostError("worker one is gone")

    async def nowhere(self: Cluster, places: Places, shard: int, on_wait: OnWait) -> None:
        raise ConstraintViolationError("no worker is connected")

    monkeypatch.setattr(Cluster, "run", run_and_be_lost)
    monkeypatch.setattr(Cluster, "move", nowhere)
    async with hosting() as bench:
        ended = await bench.ended(await bench.submit(workload=fake(), workers=1))
        counted = await stored(bench.database, ended.id)
    assert (ended.status, ended.error) == ("failed", "no worker is connected")
    assert ended.summary is not None
    assert ended.summary.requests.total == counted == 10
