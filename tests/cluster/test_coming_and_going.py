"""A worker that joins and leaves again and again, and with it a tag that benchmarks wait for."""

from typing import Any

import httpx
import pytest

from tests.cluster.conftest import Cluster
from tests.cluster.processes import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

OPTIONS = ("--slots", "1", "--tag", "rare", "--drain-seconds", "0")
RARE: dict[str, Any] = {"workers": 1, "placement": ["rare"]}


def waits_for(cluster: Cluster, benchmark: str, words: str, name: str = "a") -> None:
    """Wait until a running benchmark says that it waits for this; any server knows it."""

    def look() -> bool:
        progress = cluster.client(name).get(f"/benchmarks/{benchmark}").json()["progress"] or {}
        return words in (progress.get("waits_for") or "")

    until(look, f"{benchmark} to wait for {words!r}")


def refused(answer: httpx.Response) -> str:
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"]["message"])


def test_a_tag_that_vanishes_is_waited_for(cluster: Cluster) -> None:
    deployment = cluster.deployment
    deployment.worker("three", *OPTIONS)
    until(lambda: len(cluster.client().get("/cluster").json()["workers"]) == 3, "the third worker")
    benchmark = cluster.submit(**RARE, stop={"requests": 500})
    cluster.is_under_way(benchmark)
    behind = cluster.submit(**RARE, stop={"requests": 10})
    cancelled = cluster.submit(name="b", **RARE)
    waits_for(cluster, behind, "1 worker slot tagged rare, of which 0 are free now", "b")

    assert deployment.parts["three"].terminate() == 0, deployment.parts["three"].text()[-3000:]
    before = cluster.stored(benchmark)
    assert 60 <= before < 500, "what was in flight is stored, and the rest is not sent"
    waits_for(
        cluster, benchmark, "needs 1 worker slot tagged rare at once; the cluster has 0; tags of its workers: gpu,"
    )
    spec = cluster.client().get(f"/benchmarks/{behind}").json()["spec"]
    assert "the cluster has 0" in refused(cluster.client().post("/benchmarks", json=spec))
    assert cluster.client().post(f"/benchmarks/{cancelled}/cancel").status_code in (200, 202)
    assert cluster.ended(cancelled, "b", 20)["status"] == "cancelled"
    free = cluster.submit(stop={"requests": 20})
    cluster.check_nothing_lost(free, cluster.ended(free), 20)

    # It comes back, and goes and comes again.
    deployment.worker("three", *OPTIONS)
    cluster.is_under_way(benchmark, before + 60)
    assert deployment.parts["three"].terminate() == 0, deployment.parts["three"].text()[-3000:]
    deployment.worker("three", *OPTIONS)
    found = cluster.ended(benchmark)
    cluster.check_nothing_lost(benchmark, found)
    assert found["summary"]["instrument"]["restarts"] == 2
    assert found["summary"]["requests"]["failed"] == 0, "requests in flight ended by themselves"
    cluster.check_nothing_lost(behind, cluster.ended(behind), 10)
    assert deployment.parts.pop("three").terminate() == 0
