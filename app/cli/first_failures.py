"""What went wrong, in the server's or the system's own words: the first failure of each class."""

from collections.abc import Iterable, Iterator

from app.benchmarks.measures import MeasuredResult

_CHARACTERS = 300
_CLASSES = 20


class FirstFailures:
    """Keeps the first text of each error class; bounded, and printable whatever a server sent."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def take(self, results: Iterable[MeasuredResult]) -> None:
        """Look at these results."""
        for result in results:
            name = result.error_type
            if name is not None and name not in self._texts and len(self._texts) < _CLASSES:
                self._texts[name] = result.error or "no further words"

    def lines(self) -> Iterator[str]:
        """One line for each class."""
        for name, text in sorted(self._texts.items()):
            shown = "".join(letter if letter.isprintable() else "�" for letter in text[:_CHARACTERS])
            yield f"first {name}: {shown}{'…' if len(text) > _CHARACTERS else ''}"
