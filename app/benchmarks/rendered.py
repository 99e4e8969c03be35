"""Answers that were written already, up to a number of bytes; those asked for least recently go first."""

from collections import OrderedDict
from uuid import UUID

MAX_BYTES = 32 * 2**20
MAX_BODY_BYTES = 2 * 2**20

Key = tuple[UUID, int, str | None]
"""The session, its version, and the name of its owner, which is not part of the version."""


class RenderedBodies:
    """JSON bodies by version: a version never changes, so nothing here grows old."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bodies: OrderedDict[Key, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> bytes | None:
        """The body, if it is kept."""
        body = self._bodies.get(key)
        if body is not None:
            self._bodies.move_to_end(key)
        return body

    def put(self, key: Key, body: bytes) -> None:
        """Keep a body, unless it is so large that many others would have to go."""
        if len(body) > min(MAX_BODY_BYTES, self._max_bytes):
            return
        self._bytes += len(body) - len(self._bodies.pop(key, b""))
        self._bodies[key] = body
        while self._bytes > self._max_bytes:
            _, gone = self._bodies.popitem(last=False)
            self._bytes -= len(gone)
