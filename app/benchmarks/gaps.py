"""Chunk gaps: as engines report them, as the database keeps them, as clients read them.

An engine reports one little-endian int64 of nanoseconds per output chunk after the first, `CENSORED` for a chunk whose
stamp belongs to a later one of the same read (see `loadgen.frames`). Stored are one format byte and then 4 or 8 bytes
a gap: 4 nearly always do, as they reach to 4.29 s.
"""

import numpy as np
from numpy.typing import NDArray

from app.loadgen.frames import CENSORED

_WIDE = b"\x08"
_NARROW = b"\x04"
_NARROW_CENSORED = 2**32 - 1


def joined(blobs: list[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All gaps of many requests one after another, and how many each has."""
    counts = np.array([len(blob) // 8 for blob in blobs], dtype=np.int64)
    return np.frombuffer(b"".join(blobs), dtype="<i8").astype(np.int64, copy=False), counts


def pack(blob: bytes) -> bytes | None:
    """The stored form; None without gaps."""
    if not blob:
        return None
    gaps = np.frombuffer(blob, dtype="<i8")
    if int(gaps.max()) >= _NARROW_CENSORED or int(gaps.min()) < CENSORED:
        return _WIDE + blob
    # CENSORED is -1, which wraps to the narrow mark.
    return _NARROW + gaps.astype("<u4").tobytes()


def pack_all(blobs: list[bytes]) -> list[bytes | None]:
    """`pack` of each, ten times as fast where the narrow form does for all of them."""
    together = np.frombuffer(b"".join(blobs), dtype="<i8")
    if not len(together):
        return [None] * len(blobs)
    if int(together.max()) >= _NARROW_CENSORED or int(together.min()) < CENSORED:
        return [pack(blob) for blob in blobs]
    narrow = together.astype("<u4").tobytes()
    packed: list[bytes | None] = []
    end = 0
    for blob in blobs:
        begin, end = end, end + len(blob) // 2
        packed.append(_NARROW + narrow[begin:end] if blob else None)
    return packed


def unpack(stored: bytes | None) -> bytes:
    """The engine's form again.

    Raises:
        ValueError: when the format byte is unknown.
    """
    if not stored:
        return b""
    mark, body = stored[:1], stored[1:]
    if mark == _WIDE:
        return body
    if mark != _NARROW:
        raise ValueError(f"unknown format {mark!r} of stored gaps")
    gaps = np.frombuffer(body, dtype="<u4").astype("<i8")
    gaps[gaps == _NARROW_CENSORED] = CENSORED
    return gaps.tobytes()


def milliseconds(blob: bytes) -> list[float | None]:
    """One entry per chunk after the first; None where the chunk shared a later one's stamp.

    The entry behind a run of None spans the whole run.
    """
    gaps = np.frombuffer(blob, dtype="<i8")
    return [None if gap < 0 else gap / 1e6 for gap in gaps.tolist()]
