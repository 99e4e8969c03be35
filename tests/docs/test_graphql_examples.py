"""The GraphQL examples of the README do what they say: each `curl` is taken apart and sent to a real server."""

import asyncio
import json
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from app.core.settings import StorageSettings
from app.events.types import Topic
from tests.factories import Rows
from tests.graphql.conftest import Served, serving
from tests.graphql.test_subscriptions import progress_event
from tests.service import service_settings

README = Path(__file__).parents[2] / "README.md"
EXAMPLE_HOST = "http://127.0.0.1:8080"


class Example(NamedTuple):
    """A `curl` of the README."""

    url: str
    headers: dict[str, str]
    body: str


def _examples(key: str) -> list[Example]:
    section = README.read_text(encoding="utf-8").split("### Over GraphQL", 1)[1].split("\n### ", 1)[0]
    found = []
    for block in re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL):
        for command in re.split(r"\n(?=curl )", block.strip()):
            words = shlex.split(command.replace("\\\n", " ").replace("$KEY", key))
            headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
            found.append(Example(next(word for word in words if "://" in word), headers, words[words.index("-d") + 1]))
    return found


@pytest.fixture
async def served(sqlite_settings: StorageSettings) -> AsyncIterator[Served]:
    async with serving(service_settings(sqlite_settings)) as found:
        yield found


async def test_the_examples_work(served: Served) -> None:
    session = await Rows(served.app.state.database).session(status="pending", name="the one")
    key = await served.running.api_key(await served.running.admin())
    query, subscription = _examples(key.headers["Authorization"].removeprefix("Bearer "))
    async with httpx.AsyncClient(timeout=30) as client:
        url = query.url.replace(EXAMPLE_HOST, f"http://{served.address}")
        assert url == served.url
        answer = (await client.post(url, headers=query.headers, content=query.body)).json()
        assert [node["name"] for node in answer["data"]["benchmarks"]["nodes"]] == ["the one"]

        async with client.stream("POST", url, headers=subscription.headers, content=subscription.body) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            async with asyncio.timeout(20):
                while served.app.state.subscribers.subscriptions == 0:  # noqa: ASYNC110  (nothing tells that it changed)
                    await asyncio.sleep(0.01)
                served.app.state.bus.post(progress_event(session, Topic.BENCHMARK_COMPLETED, status="completed"))
                line = await anext(line async for line in stream.aiter_lines() if line.startswith("data: {"))
        event = json.loads(line.removeprefix("data: "))
        told = event.get("data") or event["payload"]["data"]
        assert told["benchmarkEvents"] == {"topic": "benchmark.completed", "benchmark": {"name": "the one"}}
