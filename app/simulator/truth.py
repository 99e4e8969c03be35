"""The truth: when each byte really left, one JSON line per request, for checking measurements against.

`response_id`, `request_ns` (kernel stamp of the request's arrival), `first_send_ns`, `chunk_ns` (one per token chunk),
`end_ns` (the last send), all Unix nanoseconds taken just before `send`; and `fault`, null on success. `images`
and `sounds` are how many came, where some did.
"""

from pathlib import Path

import msgspec

_BUFFER_BYTES = 1 << 20


class Truth(msgspec.Struct):
    """One request as it really went."""

    response_id: str
    request_ns: int
    first_send_ns: int = 0
    chunk_ns: list[int] = []
    end_ns: int = 0
    fault: str | None = None
    images: int | msgspec.UnsetType = msgspec.UNSET
    sounds: int | msgspec.UnsetType = msgspec.UNSET


class TruthLog:
    """Appends to a JSONL file; writes nothing when there is no path."""

    def __init__(self, path: str | None) -> None:
        self._file = Path(path).open("wb", buffering=_BUFFER_BYTES) if path else None  # noqa: SIM115  (closed by close)
        self._encode = msgspec.json.Encoder().encode

    def write(self, truth: Truth) -> None:
        """Add one line."""
        if self._file is not None:
            self._file.write(self._encode(truth) + b"\n")

    def write_raw(self, response_id: str, body: bytes) -> None:
        """Add `{"response_id": …, "body": …}` in one line; `body` must be JSON."""
        if self._file is not None:
            self._file.write(self._encode({"response_id": response_id, "body": msgspec.json.decode(body)}) + b"\n")

    def flush(self) -> None:
        """Make what was written visible to readers."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Write what is buffered and close the file."""
        if self._file is not None:
            self._file.close()
