"""`/metrics` of processes without an API."""

import asyncio
import socket

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from app.cluster.standing import ClusterStanding
from app.core.errors import ConfigError, ServiceUnavailableError
from app.monitoring.node_metrics import NodeMetrics, WorkerFacts, scheduler_readings, worker_readings
from app.monitoring.scrape_server import serving_scrapes

TOKEN = "a token of 24 characters"
FACTS = WorkerFacts(2, 1, False, True, 0.001, 0.0001, None, 10, 3, 7)
STANDING = ClusterStanding({"running": 2}, 4, 1, 5, 1, None)


def exposition() -> bytes:
    return NodeMetrics("1", lambda: [*worker_readings(FACTS), *scheduler_readings(STANDING)]).exposition()


async def test_it_serves_one_page_and_asks_for_the_token() -> None:
    async with (
        serving_scrapes(exposition, "127.0.0.1", 0, SecretStr(TOKEN)) as address,
        httpx.AsyncClient() as client,
    ):
        good = {"Authorization": f"Bearer {TOKEN}"}
        answer = await client.get(address, headers=good)
        assert (answer.status_code, answer.headers["content-type"]) == (
            200,
            "text/plain; version=0.0.4; charset=utf-8",
        )
        head = await client.head(address, headers=good)
        assert (head.status_code, head.content) == (200, b"")
        for headers in ({}, {"Authorization": TOKEN}, {"Authorization": f"Bearer {TOKEN}x"}):
            refused = await client.get(address, headers=headers)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert (await client.post(address, headers=good)).status_code == 405
        assert (await client.get(address.removesuffix("metrics"), headers=good)).status_code == 404
    with pytest.raises(httpx.ConnectError):
        await asyncio.to_thread(httpx.get, address)


async def test_this_machine_needs_no_token_and_others_do() -> None:
    async with serving_scrapes(exposition, "::1", 0, None) as address:
        assert address.startswith("http://[::1]:")
        answer = await asyncio.to_thread(httpx.get, address)
    assert answer.status_code == 200
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["llm_worker_results_stored"].samples[0].value == 7
    assert {sample.labels["status"] for sample in families["llm_scheduler_workers"].samples} == {
        *("running", "draining", "silent")
    }
    assert families["llm_worker_heartbeat_age_seconds"].samples[0].value != 0  # not known: not a number
    with pytest.raises(ConfigError, match=r"0\.0\.0\.0 can be reached .* needs monitoring.metrics_token"):
        async with serving_scrapes(exposition, "0.0.0.0", 0, None):
            pass


async def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceUnavailableError, match=f"cannot serve metrics on 127.0.0.1 port {port}"):
            async with serving_scrapes(exposition, "127.0.0.1", port, None):
                pass
