"""The engine's end of its pipes: frames in without blocking, frames out without ever making the loop wait.

What the pipe does not take at once is buffered and sent when it has room. A reader that stays away long enough to fill
the bound makes the engine wait for it: records are never dropped.
"""

import contextlib
import fcntl
import os
import select
import sys
from collections.abc import Callable

from app.loadgen.frames import FRAME_LIMIT_BYTES, Incoming, Outgoing, decode_incoming, encode_frame
from app.loadgen.poller import WRITABLE, Poller

_READ_BYTES = 1 << 20
_PIPE_BYTES = 1 << 20
_BUFFER_LIMIT_BYTES = 64 * 2**20
_F_SETPIPE_SZ = 1031
_LENGTH_BYTES = 4
ORPHANED = 3
"""Exit status of an engine whose owner went away."""


class FramePipe:
    """Length-prefixed frames over two file descriptors."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self.read_fd = read_fd
        self._write_fd = write_fd
        self._incoming = bytearray()
        self._waiting: list[Incoming] = []  # frames that came together with the first
        self._outgoing = bytearray()
        self._poller: Poller | None = None
        self._is_waiting = False
        os.set_blocking(write_fd, False)
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # not a pipe, or above the user's limit: the default size does
                fcntl.fcntl(write_fd, _F_SETPIPE_SZ, _PIPE_BYTES)

    def read_first(self) -> Incoming:
        """Block for the first frame; the process exits when the owner is gone."""
        while not self._waiting:
            self._waiting = self._take(os.read(self.read_fd, _READ_BYTES))
        os.set_blocking(self.read_fd, False)
        return self._waiting.pop(0)

    def read(self) -> list[Incoming]:
        """The frames that have arrived; the process exits when the owner is gone."""
        frames, self._waiting = self._waiting, []
        try:
            return frames + self._take(os.read(self.read_fd, _READ_BYTES))
        except BlockingIOError:
            return frames

    def attach(self, poller: Poller, watch: dict[int, Callable[[int], None]]) -> None:
        """Let `poller` say when the pipe has room."""
        self._poller = poller
        watch[self._write_fd] = lambda _mask: self._flush()

    def write(self, frame: Outgoing) -> None:
        """Send a frame as far as the pipe takes it, and the rest later."""
        self._outgoing += encode_frame(frame)
        self._flush()
        while len(self._outgoing) > _BUFFER_LIMIT_BYTES:
            select.select([], [self._write_fd], [])
            self._flush()

    def write_last(self, frame: Outgoing) -> None:
        """Send a frame and wait until everything is out."""
        self._outgoing += encode_frame(frame)
        os.set_blocking(self._write_fd, True)
        while self._outgoing:
            self._flush()

    def _take(self, data: bytes) -> list[Incoming]:
        if not data:
            os._exit(ORPHANED)
        self._incoming += data
        frames: list[Incoming] = []
        while len(self._incoming) >= _LENGTH_BYTES:
            length = int.from_bytes(self._incoming[:_LENGTH_BYTES], "big")
            if length > FRAME_LIMIT_BYTES:
                raise ValueError(f"a frame of {length} bytes is above the limit of {FRAME_LIMIT_BYTES}")
            if len(self._incoming) < _LENGTH_BYTES + length:
                break
            frames.append(decode_incoming(bytes(self._incoming[_LENGTH_BYTES : _LENGTH_BYTES + length])))
            del self._incoming[: _LENGTH_BYTES + length]
        return frames

    def _flush(self) -> None:
        try:
            while self._outgoing:
                del self._outgoing[: os.write(self._write_fd, self._outgoing)]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            os._exit(ORPHANED)
        self._wait_for_room()

    def _wait_for_room(self) -> None:
        if self._poller is None or self._is_waiting == bool(self._outgoing):
            return
        self._is_waiting = bool(self._outgoing)
        if self._is_waiting:
            self._poller.register(self._write_fd, WRITABLE)
        else:
            self._poller.unregister(self._write_fd)
