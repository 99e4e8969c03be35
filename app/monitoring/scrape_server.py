"""`/metrics` of processes that have no API: workers and schedulers. Nothing else is served."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager

import uvicorn
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from app.core.errors import ConfigError, ServiceUnavailableError
from app.core.loopback import is_loopback
from app.monitoring.metrics import CONTENT_TYPE

_CONNECTIONS = 32
_KEEP_ALIVE_SECONDS = 65
_STARTED_LOOK_SECONDS = 0.01


def check_scrape_host(host: str, token: SecretStr | None) -> None:
    """Refuse to tell a network about this process without asking who wants to know.

    Raises:
        ConfigError: `host` is not loopback and there is no `monitoring.metrics_token`.
    """
    if not is_loopback(host) and token is None:
        message = (
            f"{host} can be reached from other machines, which needs monitoring.metrics_token (at least 24 random "
            "characters, which the scraper sends as a bearer token); or use 127.0.0.1"
        )
        raise ConfigError(f"--metrics-host: {message}", errors=[{"key": "--metrics-host", "message": message}])


@asynccontextmanager
async def serving_scrapes(
    exposition: Callable[[], bytes], host: str, port: int, token: SecretStr | None
) -> AsyncIterator[str]:
    """Serve while the block runs; gives the address. `exposition` is called in a thread.

    Raises:
        ConfigError: as `check_scrape_host`.
        ServiceUnavailableError: the port cannot be used.
    """
    check_scrape_host(host, token)
    bare = host.strip("[]")
    try:
        family = socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((bare, port), family=family)
    except OSError as error:
        raise ServiceUnavailableError(f"cannot serve metrics on {host} port {port}: {error.strerror}") from error
    with listener:
        server = _Server(
            uvicorn.Config(
                _Scrapes(exposition, token),
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=_CONNECTIONS,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=1,
            )
        )
        running = asyncio.create_task(server.serve(sockets=[listener]), name="metrics")
        try:
            while not server.started and not running.done():  # noqa: ASYNC110  (uvicorn has no event for it)
                await asyncio.sleep(_STARTED_LOOK_SECONDS)
            shown = f"[{bare}]" if ":" in bare else bare
            yield f"http://{shown}:{listener.getsockname()[1]}/metrics"
        finally:
            server.should_exit = True
            await asyncio.gather(running, return_exceptions=True)


class _Server(uvicorn.Server):
    """Leaves signals to the process that it is part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _Scrapes:
    """The app."""

    def __init__(self, exposition: Callable[[], bytes], token: SecretStr | None) -> None:
        self._exposition = exposition
        self._expected = None if token is None else f"Bearer {token.get_secret_value()}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, body = await self._answer(scope)
        headers = [
            (b"content-type", (CONTENT_TYPE if status == 200 else "text/plain; charset=utf-8").encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if status == 405:
            headers.append((b"allow", b"GET, HEAD"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, scope: Scope) -> tuple[int, bytes]:
        if scope["path"] != "/metrics":
            return 404, b"only /metrics is here\n"
        if scope["method"] not in {"GET", "HEAD"}:
            return 405, b"only GET\n"
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if self._expected is not None and not secrets.compare_digest(given, self._expected):
            return 401, b"the bearer token of monitoring.metrics_token is needed\n"
        return 200, await asyncio.to_thread(self._exposition)
