"""Server-sent events, incrementally: WHATWG HTML Living Standard, section 9.2.6 "Interpreting an event stream".

Lines end with LF, CR or CRLF, in any mixture and split anywhere; comments, a byte-order mark, multi-line data and
events without data are handled as the standard says. Two deviations: data left over when the stream ends without its
blank line is delivered, because servers in the field forget it; and a field `error` is data that says so, because
llama.cpp's server before 2025 sent failures like that.
"""

import re

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")


class SseParser:
    """Feed bytes, get the `data` of every event that they complete. Event names are not kept: payloads carry a type."""

    __slots__ = ("_data", "_pieces", "_skip_lf", "_started")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # an unfinished line; joined once, so long lines cost linear time
        self._data: list[bytes] = []  # data lines of the unfinished event
        self._skip_lf = False  # the last line ended with CR: an LF that follows belongs to it
        self._started = False

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads of the events that end within `data`."""
        if (
            self._started
            and not self._pieces
            and not self._data
            and data.startswith(b"data: ")
            and data.endswith(b"\n\n")
            and data.find(b"\n") == len(data) - 2
            and b"\r" not in data
        ):
            self._skip_lf = False
            return [data[6:-2]]  # one whole event in one piece, as nearly every server sends it
        if self._skip_lf:
            data = data.removeprefix(b"\n")
        if not data:
            return []
        self._skip_lf = data.endswith(b"\r")
        if b"\n" not in data and b"\r" not in data:
            self._pieces.append(data)
            return []
        self._pieces.append(data)
        *lines, rest = _LINE_END.split(b"".join(self._pieces))
        self._pieces = [rest] if rest else []
        return [payload for line in lines if (payload := self._take_line(line)) is not None]

    def is_idle(self) -> bool:
        """Whether the next byte begins a new event."""
        return not self._pieces and not self._data

    def finish(self) -> list[bytes]:
        """The payload of an event that was not closed by a blank line, if any."""
        if self._pieces:
            self._take_line(b"".join(self._pieces))
            self._pieces = []
        payload = self._take_line(b"")
        return [] if payload is None else [payload]

    def _take_line(self, line: bytes) -> bytes | None:
        if not self._started:
            self._started = True
            line = line.removeprefix(_BOM)
        if not line:
            if not self._data:
                return None
            payload = b"\n".join(self._data)
            self._data.clear()
            return payload
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif line == b"data":
            self._data.append(b"")
        elif line.startswith(b"error:"):
            self._data.append(b'{"error":%b}' % line[6:])
        return None
