"""The service in this process, from the bound socket to the end.

The socket is bound before anything else starts, so that a port in use is a plain sentence, and port 0 a known number.
"""

import asyncio
import errno
import signal
import socket
import sys
from types import FrameType

import uvicorn
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.engine import make_url
from starlette.types import Message, Receive, Scope, Send

from app.accounts.users import PASSWORD_FILE
from app.core.bind import check_bind
from app.core.database import Database
from app.core.errors import DatabaseError, InternalError, ServiceUnavailableError, TestBenchError
from app.core.http_protocol import bounded_by
from app.core.logging import configure_logging, redact_text
from app.core.settings import Settings
from app.core.websocket_protocol import BoundedWebSocketProtocol
from app.main import create_app

_MEBIBYTE = 2**20


def serve_until_stopped(settings: Settings) -> None:
    """Serve these settings; returns after Ctrl-C.

    Raises:
        TestBenchError: when the port, the database or a part of the service cannot be used.
    """
    check_bind(settings)
    listener = _bind(settings.server.host, settings.server.port)
    try:
        _check_database(settings)
        configure_logging(settings.monitoring)
        _run(settings, listener)
    finally:
        listener.close()


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ServiceUnavailableError(f"cannot bind {host}: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            hint = "something else listens there (perhaps another llm-test-bench); choose another with --port"
            raise ServiceUnavailableError(f"port {port} on {host} is in use: {hint}") from error
        raise ServiceUnavailableError(f"cannot bind {host} port {port}: {error.strerror}") from error
    return listener


def _check_database(settings: Settings) -> None:
    async def ask() -> None:
        database = Database(settings.storage)
        try:
            async with database.read() as session:
                await session.execute(text("SELECT 1"))
        finally:
            await database.close()

    try:
        asyncio.run(ask())
    except Exception as error:  # drivers raise what they like, and each means the same here
        shown = make_url(settings.storage.url).render_as_string(hide_password=True)
        raise DatabaseError(f"the database {shown} cannot be used: {redact_text(str(error))}") from error


def _run(settings: Settings, listener: socket.socket) -> None:
    app = create_app(settings)
    start = _PlainStart(app)
    websocket, http = settings.server.websocket, settings.server.http
    server = _Server(
        uvicorn.Config(
            start,
            loop="uvloop",
            http=bounded_by(http),
            ws=BoundedWebSocketProtocol,
            ws_max_size=int(websocket.max_message_size_mb * _MEBIBYTE),
            ws_ping_interval=websocket.ping_interval_seconds,
            ws_ping_timeout=websocket.pong_timeout_seconds,
            # Compressing would be done anew for each client, and cost it a third of a megabyte.
            ws_per_message_deflate=False,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.server.trusted_proxies),
            forwarded_allow_ips=list(settings.server.trusted_proxies),
            timeout_keep_alive=http.keep_alive_seconds,
            timeout_graceful_shutdown=http.drain_seconds,
        ),
        app,
    )
    # uvicorn raises a caught signal again after its shutdown; then SIGTERM means "done", not "killed".
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:  # Ctrl-C is how a server ends in a terminal, not a failure
        return
    except SystemExit:
        if start.failure is not None:
            raise start.failure from None
        raise


class _PlainStart:
    """Wraps the app: a start that fails for a known reason is one sentence instead of a traceback."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.failure: TestBenchError | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        async def plain(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                error = sys.exception()
                self.failure = InternalError("the service did not start; the log above has the reason")
                if isinstance(error, TestBenchError):
                    self.failure = error
                    message = {**message, "message": ""}
            await send(message)

        await self._app(scope, receive, plain)


class _Server(uvicorn.Server):
    """Says where it listens once it does, and shows the generated password this one time."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if (subscribers := getattr(self._app.state, "subscribers", None)) is not None:
            subscribers.close()  # streams over HTTP would be waited for
        gateway = getattr(self._app.state, "gateway", None)
        if gateway is not None:  # before uvicorn closes them without a word
            await gateway.close()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains: no new connections, requests under way end. The second one cuts."""
        readiness = getattr(self._app.state, "readiness", None)
        if readiness is not None:
            readiness.is_draining = True
        if self.should_exit:
            self.force_exit = True
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.should_exit or not sockets:
            return
        host, port = sockets[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"LLM Test Bench is ready: http://{shown}:{port}", flush=True)
        state = self._app.state
        if state.generated_admin_password is not None:
            security, storage = state.settings.security, state.settings.storage
            print(f"  user name:  {security.admin_username}")
            print(f"  password:   {state.generated_admin_password}")
            print(f"  (shown this once; also in {storage.data_dir / PASSWORD_FILE})", flush=True)
            state.generated_admin_password = None
        if state.demo_runs:
            print("A ten-second demo benchmark is running: sign in to watch it.", flush=True)
