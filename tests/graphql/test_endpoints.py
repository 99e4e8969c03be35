"""When the types are loaded: with the first operation, and once."""

import asyncio
import subprocess
import sys

from tests.graphql.conftest import data
from tests.service import Running


def test_a_start_does_not_load_the_types() -> None:
    program = (
        "import sys; from app.core.settings import load_settings; from app.main import create_app;"
        "create_app(load_settings()); print('strawberry' in sys.modules, 'graphql' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "False"]


async def test_operations_that_come_first_together_share_one_view(running: Running) -> None:
    admin = await running.admin()
    answers = asyncio.gather(*(data(admin, "{ me { username } }") for _ in range(4)))
    views = await asyncio.gather(*(running.app.state.graphql.view() for _ in range(4)))
    assert len({id(view) for view in views}) == 1
    assert await answers == [{"me": {"username": "admin"}}] * 4
