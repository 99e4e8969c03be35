"""The owner's side of an engine process: starts it, feeds it the plan, yields its frames, never leaves it behind."""

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from app.loadgen.frames import FRAME_LIMIT_BYTES, Done, Failed, Outgoing, Stop, decode_outgoing, encode_frame
from app.loadgen.plan import Plan

# The engine ticks four times a second even while it opens connections; one that is silent this long is dead or stuck.
_SILENCE_SECONDS = 5.0
_FIRST_SECONDS = 40.0  # before the first tick it starts up and resolves a host name, which can take long
_LOOKS = 10  # into how many parts its silence is cut: when this process itself stood still, one of them has passed
_EXIT_SECONDS = 2.0
_STDERR_LINES = 40
_READ_BYTES = 1 << 20
_LENGTH_BYTES = 4


class EngineDiedError(Exception):
    """The engine ended, or fell silent, without saying `Done` or `Failed`.

    The message carries the last line that it wrote to stderr, such as an exception; `stderr` has all that is left of
    it, which is for logs: a traceback names files of this machine.
    """

    def __init__(self, why: str, stderr: str) -> None:
        last = stderr.rstrip().rpartition("\n")[2].strip()
        super().__init__(f"{why}: {last}" if last else why)
        self.why = why
        self.stderr = stderr


class EngineProcess:
    """One engine. Use it as an async context manager; leaving the block ends the child."""

    def __init__(self, plan: Plan, *, python: str = sys.executable) -> None:
        self._plan = plan
        self._python = python
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._stderr_task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id, once it runs."""
        return self._process.pid if self._process else None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            self._python,
            "-P",  # a folder called `app` where the user stands is not ours
            "-m",
            "app.engine",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_READ_BYTES,
            start_new_session=True,  # Ctrl-C in a terminal is for the owner, which then says Stop
        )
        self._stderr_task = asyncio.create_task(self._collect_stderr())
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):  # it died: frames() says so
            self._process.stdin.write(encode_frame(self._plan))
            await self._process.stdin.drain()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_EXIT_SECONDS):
                await process.wait()
        except TimeoutError:
            pass
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            if self._stderr_task is not None:
                await self._stderr_task
            process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001  (asyncio leaves the pipes to the collector)

    async def stop(self, reason: str, *, drain: bool = False) -> None:
        """Ask it to start nothing more (see `frames.Stop`); a dead engine is no error here."""
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(encode_frame(Stop(reason, drain)))
            await self._process.stdin.drain()

    async def frames(self) -> AsyncIterator[Outgoing]:
        """Every frame, the last being `Done` or `Failed`.

        Raises:
            EngineDiedError: the engine died, spoke nonsense or fell silent for five seconds.
        """
        assert self._process is not None
        stdout = self._process.stdout
        assert stdout is not None
        patience_s = _FIRST_SECONDS
        while True:
            try:
                body = await self._read(stdout, patience_s)
            except asyncio.IncompleteReadError:
                raise EngineDiedError(await self._how_it_died(), self._stderr_tail()) from None
            patience_s = _SILENCE_SECONDS
            frame = decode_outgoing(body)
            yield frame
            if isinstance(frame, Done | Failed):
                return

    async def _read(self, stdout: asyncio.StreamReader, patience_s: float) -> bytes:
        """The next frame. Waiting is counted in looks: a pause of this process is not the engine's."""
        reading = asyncio.create_task(self._read_frame(stdout))
        try:
            for _ in range(_LOOKS):
                done, _ = await asyncio.wait({reading}, timeout=patience_s / _LOOKS)
                if done:
                    return reading.result()
        finally:
            if not reading.cancel() and not reading.cancelled():
                reading.exception()  # seen: it may have ended while this task was being cancelled
        raise EngineDiedError(f"the engine was silent for {patience_s:g} s", self._stderr_tail())

    async def _read_frame(self, stdout: asyncio.StreamReader) -> bytes:
        length = int.from_bytes(await stdout.readexactly(_LENGTH_BYTES), "big")
        if length > FRAME_LIMIT_BYTES:
            raise EngineDiedError(f"the engine announced a frame of {length} bytes", self._stderr_tail())
        return await stdout.readexactly(length)

    async def _how_it_died(self) -> str:
        assert self._process is not None
        try:
            async with asyncio.timeout(_EXIT_SECONDS):
                code = await self._process.wait()
        except TimeoutError:
            return "the engine closed its output"
        return f"the engine was killed by signal {-code}" if code < 0 else f"the engine exited with status {code}"

    def _stderr_tail(self) -> str:
        return "\n".join(self._stderr)

    async def _collect_stderr(self) -> None:
        assert self._process is not None
        stderr = self._process.stderr
        assert stderr is not None
        while True:
            try:
                line = await stderr.readline()
            except ValueError:  # a line above the limit
                continue
            if not line:
                return
            self._stderr.append(line.decode(errors="replace").rstrip()[:2000])
