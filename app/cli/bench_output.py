"""The files of a local benchmark. Knows rows as dictionaries, not how they were measured.

`results.jsonl` grows while the run goes on, so a crash keeps what was measured; the others are made from it at the end.
"""

import contextlib
import csv
import json
import os
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import orjson

from app.cli.usage import UsageProblem
from app.core.errors import TestBenchError
from app.reports.exports import safe_cell

FORMATS = ("jsonl", "csv", "json")
JOURNAL = "results.jsonl"


class OutputError(TestBenchError):
    """A file cannot be written."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"{path}: {error.strerror or error}")


def parse_formats(text: str) -> tuple[str, ...]:
    """`jsonl,csv` as a tuple; `jsonl` is always written.

    Raises:
        UsageProblem: for anything else.
    """
    formats = [part.strip() for part in text.split(",") if part.strip()]
    if unknown := [part for part in formats if part not in FORMATS]:
        raise UsageProblem([f"--export: unknown format {', '.join(unknown)}; known are {', '.join(FORMATS)}"])
    return tuple(dict.fromkeys(formats))


def check_needs_output(given: Container[str], output: Path | None) -> None:
    """Options that say what files hold mean nothing without files.

    Raises:
        UsageProblem: naming each of them.
    """
    names = {"export": "--export", "save_gaps": "--save-gaps"}
    if output is None and (problems := [f"{names[name]}: needs --output" for name in names if name in given]):
        raise UsageProblem(problems)


class ResultFiles:
    """Writes into one folder; what an earlier run left there under the same names is replaced."""

    def __init__(self, folder: Path, formats: Iterable[str], fields: tuple[str, ...]) -> None:
        self.folder = folder
        self._formats = tuple(formats)
        self._fields = fields
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("summary.json", "bundle.json", "bundle.json.gz", *(f"results.{other}" for other in FORMATS)):
                (folder / name).unlink(missing_ok=True)
            self._journal = (folder / JOURNAL).open("wb", buffering=0)
        except OSError as error:
            raise UsageProblem([f"--output: {error.filename or folder}: {error.strerror}"]) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()

    def write(self, rows: Iterable[dict[str, Any]]) -> None:
        """Append rows and hand them to the system, which keeps them should this process die.

        Raises:
            OutputError: the system does not take them, such as when the disk is full; whole lines stay.
        """
        data = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
        view = memoryview(data)
        before = self._journal.tell()
        taken = 0
        try:
            while taken < len(data):
                taken += self._journal.write(view[taken:]) or 0
        except OSError as error:
            end = before + data.rfind(b"\n", 0, taken) + 1
            self._journal.truncate(end)
            self._journal.seek(end)
            raise OutputError(self.folder / JOURNAL, error) from None

    def finish(self, summary: dict[str, Any]) -> list[Path]:
        """Write the summary and the other formats; returns every file that was written.

        Raises:
            OutputError: one of them cannot be written; what there is of it is removed.
        """
        written = []
        for name, write in self._at_the_end(summary):
            path = self.folder / name
            try:
                write(path)
            except OSError as error:
                path.unlink(missing_ok=True)
                raise OutputError(path, error) from None
            written.append(path)
        with contextlib.suppress(OSError):  # what cannot be synchronised, such as a pipe, is written all the same
            os.fsync(self._journal.fileno())
        return [*written[:1], self.folder / JOURNAL, *written[1:]]

    def _at_the_end(self, summary: dict[str, Any]) -> Iterator[tuple[str, Callable[[Path], object]]]:
        text = json.dumps(summary, indent=2) + "\n"
        yield "summary.json", lambda path: path.write_text(text, encoding="utf-8")
        if "csv" in self._formats:
            yield "results.csv", self._write_csv
        if "json" in self._formats:
            yield "results.json", self._write_json

    def _rows(self) -> Iterator[bytes]:
        with (self.folder / JOURNAL).open("rb") as journal:
            yield from journal

    def _write_csv(self, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self._fields, extrasaction="ignore")
            writer.writeheader()
            writer.writerows({name: _cell(value) for name, value in orjson.loads(row).items()} for row in self._rows())

    def _write_json(self, path: Path) -> None:
        with path.open("wb") as file:
            separator = b"[\n"
            for row in self._rows():
                file.write(separator + row.rstrip(b"\n"))
                separator = b",\n"
            file.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return safe_cell(value) if isinstance(value, str) else value
