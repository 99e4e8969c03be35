"""Parts of a real cluster die in mid-run: every planned request has exactly one stored result.

The tests share one cluster and leave it whole; whether all that they stored was answered is checked at its end.
"""

import time
from datetime import UTC, datetime
from uuid import UUID

import psutil
import pytest

from tests.cluster.conftest import ONE, PLANNED, TWO, Cluster
from tests.cluster.processes import until
from tests.monitoring.otlp_receiver import Received

OF = "llm_test_bench.benchmark.id"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def engines(cluster: Cluster, worker: str) -> list[psutil.Process]:
    process = psutil.Process(cluster.deployment.parts[worker].process.pid)
    return [child for child in process.children() if _is_engine(child)]


def _is_engine(process: psutil.Process) -> bool:
    try:
        return "app.engine" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # it has just ended, or nobody has asked yet how it ended
        return False


def test_workers_and_scheduler_are_scraped(cluster: Cluster) -> None:
    deployment = cluster.deployment
    cluster.client("b")  # both servers are up
    before = sum(deployment.metrics(name)["llm_worker_results_stored_total"] for name in ("one", "two"))
    benchmark = cluster.submit(load={"kind": "closed", "concurrency": 4}, stop={"requests": 300}, propagate_trace=True)
    cluster.is_under_way(benchmark, 20)
    running = [deployment.metrics(name) for name in ("one", "two")]
    assert sum(found["llm_worker_running_shards"] for found in running) == 2
    for found in running:
        assert (found["llm_worker_slots"], found["llm_worker_joined"], found["llm_worker_draining"]) == (2, 1, 0)
        assert found["llm_worker_heartbeat_age_seconds"] < 30
        assert abs(found["llm_worker_clock_offset_seconds"]) < 5  # one machine
        assert found["llm_worker_clock_error_seconds"] > 0
        assert found["llm_memory_usage_bytes"] > 2**20
        assert (found["llm_worker_spool_bytes"], found["llm_worker_spool_results"]) == (0, 0)
    scheduler = deployment.metrics("scheduler")
    assert scheduler['llm_scheduler_workers{status="running"}'] == 2
    assert scheduler["llm_scheduler_slots"] == 4
    assert scheduler["llm_scheduler_running_shards"] == 2
    assert scheduler["llm_scheduler_queued_shards"] == 0
    assert scheduler["llm_scheduler_clients"] == 2
    assert scheduler["llm_scheduler_worker_heartbeat_age_seconds"] < 20
    check_listing(cluster, benchmark)
    assert cluster.ended(benchmark)["status"] == "completed"
    until(lambda: deployment.metrics("scheduler")["llm_scheduler_running_shards"] == 0, "the scheduler to be idle")
    after = sum(deployment.metrics(name)["llm_worker_results_stored_total"] for name in ("one", "two"))
    assert after - before == 300

    def calls() -> list[Received]:
        return [call for call in cluster.traces.named("provider_call") if call.attributes[OF] == UUID(benchmark).hex]

    until(lambda: len(calls()) == 300, "the spans of both workers")
    assert len({call.span_id for call in calls()}) == 300
    assert {call.attributes["llm_test_bench.shard"] for call in calls()} == {0, 1}

    def executions() -> list[Received]:
        return [one for one in cluster.traces.named("benchmark_execution") if one.attributes[OF] == UUID(benchmark).hex]

    (execution,) = until(executions, "the span of the benchmark")
    assert {call.parent_id for call in calls()} == {execution.span_id}
    assert {call.trace_id for call in calls()} == {execution.trace_id}
    assert {one["llm_test_bench.role"] for one in cluster.traces.resources} == {"server", "worker"}


def check_listing(cluster: Cluster, benchmark: str) -> None:
    """What `GET /cluster` says of a cluster that runs one benchmark of two shards."""
    found = cluster.client().get("/cluster").json()
    assert (found["mode"], found["problem"], found["waiting"], found["queue"]) == ("distributed", None, 0, [])
    assert (found["slots"], found["slots_taken"], found["running"], found["max_running"]) == (4, 2, 1, 4)
    assert found["tags"] == ["gpu", "region=eu", "region=us"]
    workers = {worker["name"]: worker for worker in found["workers"]}
    assert {name: worker["tags"] for name, worker in workers.items()} == {
        "one": ["region=eu"],
        "two": ["gpu", "region=us"],
    }
    shards = [one for worker in workers.values() for one in worker["running"]]
    assert sorted(one["shard"] for one in shards) == [0, 1]
    assert {one["benchmark_id"] for one in shards} == {benchmark}
    for worker in workers.values():
        assert (worker["status"], worker["slots"], worker["version"]) == ("running", 2, found["version"])
        assert abs(worker["clock_offset_ms"]) < 5000
        assert worker["clock_error_ms"] > 0
        heard = datetime.fromisoformat(worker["last_heartbeat_at"])
        assert abs((datetime.now(UTC) - heard).total_seconds()) < 60


def test_a_killed_engine_is_replaced_and_shards_of_a_killed_worker_run_elsewhere(cluster: Cluster) -> None:
    benchmark = cluster.submit(name="b")
    cluster.is_under_way(benchmark)
    engines(cluster, "one")[0].kill()
    until(lambda: engines(cluster, "one"), "another engine")
    cluster.is_under_way(benchmark, 120)
    orphans = engines(cluster, "two")
    assert orphans
    cluster.deployment.parts["two"].kill()
    for engine in orphans:  # its input has ended
        engine.wait(60)
    cluster.deployment.worker("two", *TWO, wait=False)
    found = cluster.ended(benchmark)
    cluster.check_nothing_lost(benchmark, found)
    assert found["summary"]["instrument"]["restarts"] >= 2
    assert found["summary"]["instrument"]["verdict"] != "trusted"
    assert "a part of the run was interrupted" in found["summary"]["window"]["reason"]


def test_a_killed_scheduler_is_joined_again_and_another_server_goes_on_when_one_is_killed(cluster: Cluster) -> None:
    cluster.deployment.parts["two"].says("has joined")
    benchmark = cluster.submit()
    cluster.is_under_way(benchmark)
    cluster.deployment.parts["scheduler"].kill()
    cluster.deployment.scheduler(wait=False)
    cluster.is_under_way(benchmark, 200)
    name = cluster.coordinator(benchmark)
    other = "b" if name == "a" else "a"
    cluster.deployment.parts[name].kill()
    cluster.deployment.server(name, wait=False)
    found = cluster.ended(benchmark, other)
    cluster.check_nothing_lost(benchmark, found)
    assert found["summary"]["instrument"]["restarts"] >= 2


def test_results_wait_on_disk_while_the_database_is_away_and_a_redis_that_restarts_costs_nothing(
    cluster: Cluster,
) -> None:
    benchmark = cluster.submit(stop={"requests": 700})
    cluster.is_under_way(benchmark)
    cluster.postgres.halt()
    time.sleep(4)
    cluster.redis.stop()
    time.sleep(3)
    cluster.redis.start()
    time.sleep(3)  # the fault itself: ten seconds are what the brief of a database's restart is
    spools = list(cluster.deployment.folder.glob("data-*/spool/*.spool"))
    told = [cluster.deployment.metrics(name) for name in ("one", "two")]
    cluster.postgres.resume()
    found = cluster.ended(benchmark)
    cluster.check_nothing_lost(benchmark, found, 700)
    assert spools
    assert sum(one["llm_worker_spool_bytes"] for one in told) > 0
    assert sum(one["llm_worker_spool_results"] for one in told) > 0
    assert sum(cluster.deployment.metrics(name)["llm_worker_spool_bytes"] for name in ("one", "two")) == 0
    assert not list(cluster.deployment.folder.glob("data-*/spool/*.spool"))


def test_any_server_cancels(cluster: Cluster) -> None:
    benchmark = cluster.submit(stop={"requests": 100_000})
    cluster.is_under_way(benchmark)
    other = "b" if cluster.coordinator(benchmark) == "a" else "a"
    assert cluster.client(other).post(f"/benchmarks/{benchmark}/cancel").status_code in (200, 202)
    found = cluster.ended(benchmark, other)
    assert found["status"] == "cancelled"
    assert found["summary"]["requests"]["total"] == cluster.stored(benchmark)


def test_everything_is_stopped_and_the_run_is_taken_up_again(cluster: Cluster) -> None:
    benchmark = cluster.submit()
    cluster.is_under_way(benchmark)
    deployment = cluster.deployment
    for name in ("a", "b", "one", "two", "scheduler"):
        deployment.parts[name].process.terminate()
    for name in ("a", "b", "one", "two", "scheduler"):
        assert deployment.parts[name].process.wait(60) == 0, deployment.parts[name].text()[-3000:]
    before = cluster.stored(benchmark)
    deployment.scheduler(wait=False)
    deployment.server("a", wait=False)
    deployment.server("b", wait=False)
    deployment.worker("one", *ONE, wait=False)
    deployment.worker("two", *TWO, wait=False)
    found = cluster.ended(benchmark)
    cluster.check_nothing_lost(benchmark, found)
    assert 60 <= before < PLANNED
