"""Results that wait on disk while the database is away: bounded, in order, and still there after a crash.

One file per shard and try, of length-prefixed msgpack batches. A batch that a crash cut off ends the file: nobody was
promised it. Files that an earlier process left behind are delivered when a worker starts.
"""

import contextlib
import logging
import os
import re
import struct
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from uuid import UUID, uuid4

import msgspec

from app.benchmarks.measures import MeasuredResult

log = logging.getLogger(__name__)

LIMIT_BYTES = 512 * 2**20
"""Of one shard: about half a million results without their texts."""
_LENGTH = struct.Struct("<Q")
_NAME = re.compile(r"^([0-9a-f]{32})\.([01])\.[0-9a-f]{32}\.spool$")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[MeasuredResult]).decode


_open: set["Spool"] = set()


def waiting_results() -> int:
    """Results that wait in the spools of running shards of this process."""
    return sum(sum(spool.sizes) for spool in list(_open))


def folder_bytes(folder: Path) -> int:
    """What all spools in a folder take of the disk, also those of processes that have ended."""
    found = 0
    for path in folder.glob("*.spool") if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # delivered in this moment
            found += path.stat().st_size
    return found


class SpoolFullError(Exception):
    """No more fits: on the disk, or into what a shard may use of it."""


class Spool:
    """First in, first out. Leaving the block removes the file when it is empty, and keeps it when it is not."""

    def __init__(self, folder: Path, session_id: UUID, *, keep_gaps: bool, limit_bytes: int = LIMIT_BYTES) -> None:
        self.path = folder / f"{session_id.hex}.{int(keep_gaps)}.{uuid4().hex}.spool"
        self.sizes: deque[int] = deque()  # results in each batch that waits, the oldest first
        self._limit_bytes = limit_bytes
        self._file: BinaryIO | None = None
        self._read_at = 0
        self._end = 0

    @property
    def waiting(self) -> int:
        """Batches that wait."""
        return len(self.sizes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _open.discard(self)
        if self._file is not None:
            self._file.close()
            if not self.waiting:
                self.path.unlink(missing_ok=True)

    def put(self, results: list[MeasuredResult]) -> None:
        """Add a batch; it survives the death of this process.

        Raises:
            SpoolFullError: it does not fit; nothing of it is kept.
        """
        body = _encode(results)
        if self._end + _LENGTH.size + len(body) > self._limit_bytes:
            raise SpoolFullError(f"{self._limit_bytes >> 20} MiB of results wait on disk already")
        try:
            if self._file is None:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                self._file = os.fdopen(descriptor, "r+b", buffering=0)
                _open.add(self)
            self._file.seek(self._end)
            data = _LENGTH.pack(len(body)) + body
            if self._file.write(data) != len(data):
                raise OSError("the disk is full")  # noqa: TRY301
        except OSError as error:
            if self._file is not None:
                self._file.truncate(self._end)
            raise SpoolFullError(f"results cannot wait on disk: {error.strerror or error}") from error
        self._end += len(data)
        self.sizes.append(len(results))

    def first(self) -> list[MeasuredResult]:
        """The oldest batch; `done` takes it away."""
        assert self._file is not None
        assert self.waiting
        self._file.seek(self._read_at)
        (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
        return _decode(self._file.read(length))

    def done(self) -> None:
        """The oldest batch has been delivered."""
        assert self._file is not None
        self._file.seek(self._read_at)
        (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
        self._read_at += _LENGTH.size + length
        self.sizes.popleft()
        if not self.waiting:
            self._file.truncate(0)
            self._read_at = self._end = 0


def left_behind(folder: Path) -> Iterator[tuple[Path, UUID, bool]]:
    """Files of processes that ended before they could deliver: path, benchmark, and whether gaps are kept."""
    for path in sorted(folder.glob("*.spool")) if folder.is_dir() else ():
        if found := _NAME.match(path.name):
            yield path, UUID(found[1]), found[2] == "1"


def batches(path: Path) -> Iterator[list[MeasuredResult]]:
    """Every whole batch of a file."""
    with path.open("rb") as file:
        while len(head := file.read(_LENGTH.size)) == _LENGTH.size:
            (length,) = _LENGTH.unpack(head)
            body = file.read(length)
            if len(body) < length:
                break
            try:
                yield _decode(body)
            except msgspec.DecodeError:
                log.exception("%s holds what is no batch of results", path)
                return
