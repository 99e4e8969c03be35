"""Server-sent events, incrementally: WHATWG HTML Living Standard, section 9.2.6 "Interpreting an event stream".

Lines end with LF, CR or CRLF, in any mixture and split anywhere; comments, a byte-order mark, multi-line data and
events without data are handled as the standard says. Two deviations: data left over when the stream ends without its
blank line is delivered, because servers in the field forget it; and a field `error` is data that says so, because
llama.cpp's server before 2025 sent failures like that.
"""

import re

import msgspec

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")


class SseParser:
    """Feed bytes, get the `data` of every event that they complete. Event names are not kept: payloads carry a type."""

    __slots__ = ("_data", "_pieces", "_skip_lf", "_started")

    _is_plain = True  # what a payload is follows from its data alone

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # an unfinished line; joined once, so long lines cost linear time
        self._data: list[bytes] = []  # data lines of the unfinished event
        self._skip_lf = False  # the last line ended with CR: an LF that follows belongs to it
        self._started = False

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads of the events that end within `data`."""
        if (
            self._is_plain
            and self._started
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
            return self._ended()
        self._take_field(line)
        return None

    def _take_field(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif line == b"data":
            self._data.append(b"")
        elif line.startswith(b"error:"):
            self._data.append(b'{"error":%b}' % line[6:])

    def _ended(self) -> bytes | None:
        if not self._data:
            return None
        payload = b"\n".join(self._data)
        self._data.clear()
        return payload


class NamedSseParser(SseParser):
    """The same for streams whose event names mean something: payloads are `{"name of the event": its data}`.

    Data that is a JSON object or list is put there as it is, any other as text; an event without a name is a `message`,
    as the standard says. Other than there, an event that has a name but no data counts, with an empty object.
    """

    __slots__ = ("_name",)

    _is_plain = False

    def __init__(self) -> None:
        super().__init__()
        self._name = b""

    def is_idle(self) -> bool:
        return super().is_idle() and not self._name

    def _take_field(self, line: bytes) -> None:
        if line.startswith(b"event:"):
            self._name = line[6:].removeprefix(b" ")
        elif line.startswith(b"error:"):
            self._name = self._name or b"error"
            super()._take_field(b"data:" + line[6:])
        else:
            super()._take_field(line)

    def _ended(self) -> bytes | None:
        name, self._name = self._name, b""
        has_data = bool(self._data)
        data = super()._ended()
        if not has_data and not name:
            return None
        key = msgspec.json.encode(name.decode(errors="replace") or "message")
        return b"{%b:%b}" % (key, _as_json(data or b"") if has_data else b"{}")


def _as_json(data: bytes) -> bytes:
    if data[:1] in {b"{", b"["}:
        try:
            msgspec.json.decode(data)
        except (ValueError, RecursionError):
            pass
        else:
            return data
    return msgspec.json.encode(data.decode(errors="replace"))
