"""A worker behind a bad network, which comes and goes: nothing is lost, and who waits for its tag is told so.

The scheduler gives up a worker that it has not heard of for 20 seconds.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from tests.cluster.conftest import Cluster
from tests.cluster.network import Link
from tests.cluster.processes import Process, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

FAR: dict[str, Any] = {"workers": 1, "placement": ["far"]}


class Links(NamedTuple):
    scheduler: Link
    database: Link


def join(cluster: Cluster, links: Links) -> Process:
    """Start a third worker, tagged `far`, with one slot, behind the links."""
    options = ("--slots", "1", "--tag", "far", "--drain-seconds", "0")
    database = f"postgresql+asyncpg://postgres@127.0.0.1:{links.database.port}/bench"
    return cluster.deployment.worker(
        "far",
        *options,
        *("--scheduler", f"tls://127.0.0.1:{links.scheduler.port}"),
        environment={"LTB_STORAGE__DATABASE_URL": database},
    )


@pytest.fixture(scope="module")
def links(cluster: Cluster) -> Iterator[Links]:
    """What the far worker is connected by."""
    with ExitStack() as stack:
        found = Links(
            stack.enter_context(Link(cluster.deployment.scheduler_port)),
            stack.enter_context(Link(cluster.postgres.socket)),
        )
        join(cluster, found)
        yield found
        cluster.deployment.parts.pop("far").close()


@pytest.fixture(autouse=True)
def _the_far_worker_is_connected(cluster: Cluster, links: Links) -> None:
    """Whatever the test before, or the first try of this one, left behind."""
    for link in links:
        link.heal()
    if cluster.deployment.parts["far"].process.poll() is not None:
        join(cluster, links)


def is_there(cluster: Cluster) -> bool:
    return any(
        worker["name"] == "far" and worker["status"] == "running"
        for worker in cluster.client().get("/cluster").json()["workers"]
    )


def submit(cluster: Cluster, name: str = "a", requests: int = 400) -> str:
    until(lambda: is_there(cluster), "the far worker", 90)
    return cluster.submit(name, **FAR, stop={"requests": requests})


def waits_for(cluster: Cluster, benchmark: str, words: str) -> None:
    """Wait until a running benchmark says, at either server, that it waits for this."""

    def look(name: str) -> bool:
        progress = cluster.client(name).get(f"/benchmarks/{benchmark}").json()["progress"] or {}
        return words in (progress.get("waits_for") or "")

    until(lambda: look("a") and look("b"), f"{benchmark} to wait for {words!r}")


def test_slow_links_that_are_cut_again_and_again(cluster: Cluster, links: Links) -> None:
    for link in links:
        link.delay(0.1)
    benchmark = submit(cluster)
    for stored in (60, 120, 200):
        cluster.is_under_way(benchmark, stored)
        for link in links:
            link.cut()
    cluster.check_nothing_lost(benchmark, cluster.ended(benchmark))
    for link in links:
        link.heal()
    assert min(link.connections for link in links) >= 2


def test_a_worker_that_is_given_up_comes_back_and_its_tag_is_waited_for(cluster: Cluster, links: Links) -> None:
    benchmark = submit(cluster, requests=700)
    cluster.is_under_way(benchmark)
    behind = submit(cluster, requests=10)
    cancelled = submit(cluster, "b")
    waits_for(cluster, behind, "1 worker slot tagged far, of which 0 are free now")
    for link in links:
        link.silence()
    time.sleep(8)  # the fault itself: a database that falls silent for a while
    links.database.heal()
    until(lambda: not is_there(cluster), "the scheduler to give the worker up")
    why = (
        "this benchmark needs 1 worker slot tagged far at once; the cluster has 0; tags of its workers: gpu, region=eu"
    )
    waits_for(cluster, behind, why)
    spec = cluster.client().get(f"/benchmarks/{behind}").json()["spec"]
    refused = cluster.client("b").post("/benchmarks", json=spec)
    assert refused.status_code == 422
    assert why in refused.json()["error"]["message"]
    assert cluster.client().post(f"/benchmarks/{cancelled}/cancel").status_code in (200, 202)
    assert cluster.ended(cancelled, "b", 20)["status"] == "cancelled"
    links.scheduler.heal()
    cluster.check_nothing_lost(behind, cluster.ended(behind), 10)
    cluster.check_nothing_lost(benchmark, cluster.ended(benchmark), 700)


def test_a_worker_that_is_told_to_leave_hands_its_shard_back_each_time(cluster: Cluster, links: Links) -> None:
    planned = 600  # so many that whoever looks late still sees the run in its middle
    benchmark = submit(cluster, requests=planned)
    for stored in (40, 160):
        cluster.is_under_way(benchmark, stored)
        part = cluster.deployment.parts["far"]
        assert part.terminate() == 0, part.text()[-3000:]
        assert stored <= cluster.stored(benchmark) < planned, "what was in flight is stored, and the rest is not sent"
        join(cluster, links)
    found = cluster.ended(benchmark)
    cluster.check_nothing_lost(benchmark, found, planned)
    assert found["summary"]["instrument"]["restarts"] >= 2  # once more where a link was slow
    assert found["summary"]["requests"]["failed"] == 0, "requests in flight ended by themselves"
