"""The demo: on an empty database, a short benchmark of the built-in simulator, so that a first look shows life."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import select

from app.accounts.caller import Caller
from app.accounts.permissions import Permission, Role
from app.accounts.visibility import Visibility
from app.benchmarks.models import BenchmarkSession
from app.benchmarks.schemas import BenchmarkSpec
from app.benchmarks.service import BenchmarkService
from app.core.database import Database, ReadSession
from app.core.errors import NotFoundError, ServiceUnavailableError
from app.providers.models import Provider
from app.providers.schemas import ProviderCreate, ProviderUpdate
from app.providers.service import ProviderService

PROVIDER = "demo"
MODEL = "simulated"
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0

SPEC = BenchmarkSpec.model_validate(
    {
        "name": "Demo: the built-in simulator",
        "tags": ["demo"],
        "targets": [{"provider": PROVIDER, "model": MODEL}],
        "workload": {"kind": "synthetic", "input_tokens": 64, "output_tokens": 40},
        "load": {"kind": "closed", "concurrency": 8},
        "stop": {"duration_seconds": 10},
        "slo": {"ttft_ms": 300, "tpot_ms": 40},
    }
)
_OPERATOR = Caller(
    user_id=UUID(int=0), username="system", role=Role.ADMIN, permissions=frozenset(Permission), via="system"
)


@asynccontextmanager
async def simulator() -> AsyncIterator[str]:
    """Run the simulator in a process of its own on a free loopback port; gives its base URL.

    Raises:
        ServiceUnavailableError: when it does not start.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # a folder called `app` where the user stands is not ours
        "-m",
        "app.simulator",
        "--exit-with-stdin",  # a server that was killed sends no signal, but its end of the pipe closes
        *("--port", "0", "--model", MODEL, "--ttft-ms", "180", "--itl-ms", "20", "--jitter", "0.15", "--tokens", "60"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the server, which then ends its children
    )
    try:
        yield f"http://127.0.0.1:{await _port(process)}/v1"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001  (asyncio leaves the pipe to the collector)


async def is_wanted(database: Database) -> bool:
    """Whether the demo has a place here: nothing has been run yet, or its provider is still there."""
    async with database.read() as session:
        has_provider = (await session.execute(select(Provider.id).where(Provider.name == PROVIDER))).first()
        return has_provider is not None or await _is_empty(session)


async def run_demo(
    database: Database, providers: ProviderService, benchmarks: BenchmarkService, base_url: str
) -> UUID | None:
    """Point the provider `demo` at the simulator; on an empty database also submit the demo benchmark.

    The answer is the benchmark's id, None when there have been benchmarks before. A provider `demo` that somebody has
    deleted is made again only on an empty database.
    """
    async with database.read() as session:
        is_empty = await _is_empty(session)
    try:
        await providers.update(_OPERATOR, PROVIDER, ProviderUpdate(base_url=base_url))
    except NotFoundError:
        if not is_empty:
            return None
        await providers.create(
            _OPERATOR,
            ProviderCreate(name=PROVIDER, kind="openai-compatible", base_url=base_url, default_model=MODEL),
        )
    if not is_empty:
        return None
    return (await benchmarks.submit(_OPERATOR, SPEC, visibility=Visibility.ALL)).id


async def _is_empty(session: ReadSession) -> bool:
    return (await session.execute(select(BenchmarkSession.id).limit(1))).first() is None


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START_SECONDS):
            return int(json.loads(await process.stdout.readline())["port"])
    except (TimeoutError, ValueError, KeyError, TypeError) as error:
        raise ServiceUnavailableError("the simulator did not start") from error
