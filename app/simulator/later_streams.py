"""Streams that are fetched with a second request: what was asked for, kept until then."""

from app.simulator.formats import Format
from app.simulator.script import Ask

_PREFIX = "/streams/"
_MOST = 10_000  # the oldest are forgotten, as vendors' addresses of streams expire


class LaterStreams:
    """Requests that were accepted, by the path their stream is at."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[Format, Ask]] = {}

    def keep(self, response_id: str, form: Format, ask: Ask) -> str:
        """The path to fetch the stream from, as often as wanted."""
        if len(self._asked) >= _MOST:
            del self._asked[next(iter(self._asked))]
        path = f"{_PREFIX}{response_id}"
        self._asked[path] = form, ask
        return path

    def at(self, path: str) -> tuple[Format, Ask] | None:
        """What is to be streamed there."""
        return self._asked.get(path)
