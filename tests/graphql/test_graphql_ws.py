"""The npm package graphql-ws, in node, against a real server."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from app.events.types import Topic
from tests.factories import Rows
from tests.graphql.conftest import Served
from tests.graphql.test_subscriptions import progress_event

WEB = Path(__file__).parents[2] / "web"


async def test_graphql_ws_asks_follows_and_is_refused(served: Served) -> None:
    node = shutil.which("node")
    if node is None or not (WEB / "node_modules" / "graphql-ws").is_dir():
        pytest.skip("needs node and the web packages: make setup")
    session = await Rows(served.app.state.database).session(status="pending")
    script = WEB / "scripts" / "graphql-ws-check.mjs"
    process = await asyncio.create_subprocess_exec(
        *(node, str(script), served.socket_url, await served.token(), str(session.id)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            said = (await process.stderr.readline()).decode()
            assert said.strip() == "following", said + (await process.stderr.read()).decode()
            served.app.state.bus.post(progress_event(session, Topic.BENCHMARK_COMPLETED, status="completed"))
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    found = json.loads(output)
    assert (found["query"], found["progress"]) == ("admin", ["PENDING", "COMPLETED"])
    assert found["errors"][0]["extensions"]["code"] == "INVALID_REQUEST"
    assert found["refused"] == 4403
