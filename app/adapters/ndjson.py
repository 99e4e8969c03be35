"""Newline-delimited JSON, incrementally: one value a line, blank lines ignored."""


class NdjsonParser:
    """Feed bytes, get every line that they complete."""

    __slots__ = ("_pieces",)

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # an unfinished line; joined once, so long lines cost linear time

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that end within `data`, without their ends."""
        if b"\n" not in data:
            if data:
                self._pieces.append(data)
            return []
        *lines, rest = b"".join([*self._pieces, data]).split(b"\n")
        self._pieces = [rest] if rest else []
        return [line for line in map(bytes.strip, lines) if line]

    def is_idle(self) -> bool:
        """Whether the next byte begins a new line."""
        return not self._pieces

    def finish(self) -> list[bytes]:
        """A last line without its end."""
        line = b"".join(self._pieces).strip()
        self._pieces = []
        return [line] if line else []
