"""A worker behind a bad network: slow, cut and silent links to the scheduler and to the database lose nothing."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from tests.cluster.conftest import Cluster
from tests.cluster.network import Link
from tests.cluster.processes import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

TTL_SECONDS = 20  # a worker that is not heard of for so long is lost to the scheduler


class Links(NamedTuple):
    scheduler: Link
    database: Link


@pytest.fixture(scope="module")
def links(cluster: Cluster) -> Iterator[Links]:
    """What a third worker, tagged `far`, is connected by."""
    deployment = cluster.deployment
    with ExitStack() as stack:
        found = Links(
            stack.enter_context(Link(deployment.scheduler_port)), stack.enter_context(Link(cluster.postgres.socket))
        )
        part = deployment.worker(
            "far",
            *("--slots", "2", "--tag", "far", "--scheduler", f"tls://127.0.0.1:{found.scheduler.port}"),
            environment={
                "LTB_STORAGE__DATABASE_URL": f"postgresql+asyncpg://postgres@127.0.0.1:{found.database.port}/bench"
            },
        )
        stack.callback(part.close)
        yield found


def is_there(cluster: Cluster) -> bool:
    return any(
        worker["name"] == "far" and worker["status"] == "running"
        for worker in cluster.client().get("/cluster").json()["workers"]
    )


def submit(cluster: Cluster, requests: int = 500) -> str:
    until(lambda: is_there(cluster), "the far worker", 90)
    return cluster.submit(placement=["far"], workers=1, stop={"requests": requests})


def test_slow_links(cluster: Cluster, links: Links) -> None:
    for link in links:
        link.delay(0.1)
    benchmark = submit(cluster, 300)
    found = cluster.ended(benchmark)
    for link in links:
        link.heal()
    cluster.check_nothing_lost(benchmark, found, 300)
    assert min(link.connections for link in links) >= 1


def test_links_that_are_cut_again_and_again(cluster: Cluster, links: Links) -> None:
    benchmark = submit(cluster)
    for stored in (60, 120, 200):
        cluster.is_under_way(benchmark, stored)
        for link in links:
            link.cut()
    cluster.check_nothing_lost(benchmark, cluster.ended(benchmark))


def test_a_database_that_falls_silent(cluster: Cluster, links: Links) -> None:
    benchmark = submit(cluster, 900)
    cluster.is_under_way(benchmark)
    links.database.silence()
    time.sleep(8)  # the fault itself
    links.database.heal()
    cluster.check_nothing_lost(benchmark, cluster.ended(benchmark), 900)


def test_a_worker_that_was_given_up_comes_back(cluster: Cluster, links: Links) -> None:
    benchmark = submit(cluster, 900)
    cluster.is_under_way(benchmark)
    links.scheduler.silence()
    until(lambda: not is_there(cluster), "the scheduler to give the worker up", TTL_SECONDS + 40)
    links.scheduler.heal()
    cluster.check_nothing_lost(benchmark, cluster.ended(benchmark), 900)
