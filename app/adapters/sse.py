"""Server-sent events, incrementally: WHATWG HTML Living Standard, section 9.2.6 "Interpreting an event stream".

Lines end with LF, CR or CRLF, in any mixture and split anywhere; comments, a byte-order mark, multi-line data and events
without data are handled as the standard says. One deviation: data left over when the stream ends without its blank line
is delivered, because servers in the field forget it.
"""

_BOM = b"\xef\xbb\xbf"


class SseParser:
    """Feed bytes, get the `data` of every event that they complete. Event names are not kept: payloads carry a type."""

    __slots__ = ("_data", "_rest", "_skip_lf", "_started")

    def __init__(self) -> None:
        self._rest = bytearray()  # an unfinished line
        self._data: list[bytes] = []  # data lines of the unfinished event
        self._skip_lf = False  # the last line ended with CR: an LF that follows belongs to it
        self._started = False

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads of the events that end within `data`."""
        if (
            self._started
            and not self._rest
            and not self._data
            and not self._skip_lf
            and data.startswith(b"data: ")
            and data.endswith(b"\n\n")
            and data.find(b"\n") == len(data) - 2
            and b"\r" not in data
        ):
            return [data[6:-2]]  # one whole event in one piece, as nearly every server sends it
        return self._feed_any(data)

    def finish(self) -> list[bytes]:
        """The payload of an event that was not closed by a blank line, if any."""
        if self._rest:
            self._take_line(bytes(self._rest))
            self._rest.clear()
        if not self._data:
            return []
        payload = b"\n".join(self._data)
        self._data.clear()
        return [payload]

    def _feed_any(self, data: bytes) -> list[bytes]:
        rest = self._rest
        searched = len(rest)
        rest += data
        if not self._started:
            if len(rest) < len(_BOM) and _BOM.startswith(rest):
                return []
            if rest.startswith(_BOM):
                del rest[: len(_BOM)]
            searched = 0
            self._started = True
        if self._skip_lf and rest:
            if rest[0] == 0x0A:
                del rest[:1]
                searched = max(0, searched - 1)
            self._skip_lf = False
        events: list[bytes] = []
        start = 0
        length = len(rest)
        next_lf = rest.find(b"\n", searched)
        next_cr = rest.find(b"\r", searched)
        while next_lf >= 0 or next_cr >= 0:
            if next_cr < 0 or 0 <= next_lf < next_cr:
                end, start_next = next_lf, next_lf + 1
            else:
                end, start_next = next_cr, next_cr + 1
                if start_next == length:
                    self._skip_lf = True
                elif rest[start_next] == 0x0A:
                    start_next += 1
            if end == start:
                if self._data:
                    events.append(b"\n".join(self._data))
                    self._data.clear()
            else:
                self._take_line(bytes(rest[start:end]))
            start = start_next
            if 0 <= next_lf < start:
                next_lf = rest.find(b"\n", start)
            if 0 <= next_cr < start:
                next_cr = rest.find(b"\r", start)
        del rest[:start]
        return events

    def _take_line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif line == b"data":
            self._data.append(b"")
