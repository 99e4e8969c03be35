"""Prompts, conversations and lengths out of files that users bring. Pure: names and bytes in, plain values out.

What is read: `.txt` (a prompt a line), `.csv` and `.tsv` (a column), `.json`, `.jsonl` and `.yaml` (texts, or objects
with a text, with messages, with a ShareGPT conversation, or with the body of an OpenAI batch line), with images and
sounds beside the text or in content parts.
"""

import csv
import io
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import orjson
import yaml

from app.datasets.entries import MAX_TEXT, MAX_TOKENS, TOKEN_KEYS, DatasetError, EntryReader, Item
from app.datasets.entry_media import MEDIA_KEYS, MediaReader, OpenFile

MAX_FILE_BYTES = 2**30
MAX_YAML_BYTES = 32 * 2**20  # its parser takes a minute for more
MAX_ALL_TEXT_BYTES = 128 * 2**20  # of all prompts: they travel to an engine in one piece
MAX_ITEMS = 100_000

SUFFIXES = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml")
_LIST_KEYS = ("prompts", "data", "items", "rows")
_csv_dialects = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a file holds. `is_sharegpt`: its entries are whole recorded chats."""

    items: tuple[Item, ...]
    is_sharegpt: bool = False


def read_dataset(
    name: str,
    data: bytes,
    *,
    column: str | None = None,
    limit: int | None = None,
    shuffle_seed: int | None = None,
    open_file: OpenFile | None = None,
) -> Dataset:
    """The entries of a file; `name` decides how it is read, `column` which column or key holds the text.

    Entries of recorded chats in which nobody asks anything are left out. `open_file` reads images and sounds that
    entries name by path; without it there are none.

    Raises:
        DatasetError: naming the file, the place in it, and what was expected there.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise DatasetError(f"{name}: must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    if column is not None and suffix == ".txt":
        raise DatasetError(f"{name}: has no columns, each line is a prompt; leave the column out")
    text = _decoded(name, data, MAX_YAML_BYTES if suffix in {".yaml", ".yml"} else MAX_FILE_BYTES)
    entries = _entries(name, suffix, text, column)
    if shuffle_seed is not None:
        listed = list(entries)
        random.Random(f"dataset-{shuffle_seed}").shuffle(listed)  # noqa: S311  (reproducible, not a secret)
        entries = iter(listed)
    return _taken(name, entries, column, limit, MediaReader(open_file))


def read_lengths(name: str, data: bytes) -> tuple[list[int], list[float] | None]:
    """Observed lengths, one a line, each with a weight behind a comma or a blank if it has one.

    Raises:
        DatasetError: naming the line.
    """
    values: list[int] = []
    weights: list[float] = []
    for number, line in enumerate(_decoded(name, data, MAX_FILE_BYTES).split("\n"), 1):
        parts = line.replace(",", " ").split()
        if not parts or parts[0].startswith("#"):
            continue
        try:
            value, weight = int(parts[0]), float(parts[1]) if len(parts) == 2 else 1.0
        except ValueError:
            value, weight = 0, 0.0
        if len(parts) > 2 or not 1 <= value <= MAX_TOKENS or not 0 <= weight < 1e300:
            raise DatasetError(
                f"{name}, line {number}: must be a length of 1 to {MAX_TOKENS}, and a weight if you like"
            )
        values.append(value)
        weights.append(weight)
        if len(values) > MAX_ITEMS:
            raise DatasetError(f"{name}: holds more than {MAX_ITEMS} lengths")
    if not values or not sum(weights):
        raise DatasetError(f"{name}: holds no length")
    return values, None if set(weights) == {1.0} else weights


# -------------------------------------------------------------------- from bytes to entries


def _decoded(name: str, data: bytes, limit: int) -> str:
    if len(data) > limit:
        raise DatasetError(f"{name}: is larger than {limit // 2**20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{name}: is not UTF-8 text (byte {error.start})") from None


def _entries(name: str, suffix: str, text: str, column: str | None) -> Iterator[tuple[str, Any]]:
    """`(place, entry)`, the entry as its format gives it."""
    if suffix == ".txt":
        lines = enumerate(text.split("\n"), 1)
        return ((f"line {number}", line.rstrip("\r")) for number, line in lines if line.strip())
    if suffix in _csv_dialects:
        return _csv_entries(name, text, _csv_dialects[suffix], column or "prompt")
    if suffix == ".jsonl":
        lines = enumerate(text.split("\n"), 1)
        return ((f"line {number}", _json(name, f"line {number}", line)) for number, line in lines if line.strip())
    whole = _json(name, "file", text) if suffix == ".json" else _yaml(name, text)
    if isinstance(whole, dict):
        whole = next((whole[key] for key in _LIST_KEYS if isinstance(whole.get(key), list)), whole)
    if not isinstance(whole, list):
        raise DatasetError(f"{name}: must hold a list of prompts")
    return ((f"item {number}", entry) for number, entry in enumerate(whole, 1))


def _json(name: str, place: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise DatasetError(f"{name}, {place}: not JSON ({error})") from None


def _yaml(name: str, text: str) -> Any:
    # The base loader makes texts, lists and mappings only: no objects, and a prompt `yes` or `2024` stays a text.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506  (safer than the safe loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}" if mark else "file"
        raise DatasetError(f"{name}, {place}: not YAML ({error.problem})") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DatasetError(f"{name}: not YAML ({str(error).splitlines()[0] if str(error) else 'too deep'})") from None


def _csv_entries(name: str, text: str, delimiter: str, column: str) -> Iterator[tuple[str, Any]]:
    csv.field_size_limit(max(csv.field_size_limit(), 4 * MAX_TEXT))
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [title.strip() for title in next(rows, [])]
        if column not in header:
            raise DatasetError(
                f"{name}: has no column {column!r}; there are {', '.join(header) or 'none'} (choose with the column)"
            )
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            place = f"line {rows.line_num}"
            cells = dict(zip(header, row, strict=False))
            if not cells.get(column, "").strip():
                raise DatasetError(f"{name}, {place}: column {column!r} is empty")
            more = {key: cells[key] for key in (*TOKEN_KEYS, *MEDIA_KEYS) if cells.get(key, "").strip()}
            yield place, {**more, column: cells[column]}
    except csv.Error as error:
        raise DatasetError(f"{name}, line {rows.line_num}: not CSV ({error})") from None


# -------------------------------------------------------------------- from entries to items


def _taken(
    name: str, entries: Iterable[tuple[str, Any]], column: str | None, limit: int | None, media: MediaReader
) -> Dataset:
    items: list[Item] = []
    text_bytes = 0
    chats = 0
    for place, entry in entries:
        if limit is not None and len(items) >= limit:
            break
        if len(items) >= MAX_ITEMS:
            raise DatasetError(f"{name}: holds more than {MAX_ITEMS} entries; limit how many are taken")
        reader = EntryReader(f"{name}, {place}", column, media)
        item = reader.item(entry)
        chats += reader.is_chat
        if item is None:
            continue
        text_bytes += sum(len(message.content.encode()) for message in item.messages)
        text_bytes += sum(len(one.data) for one in item.media)
        if text_bytes > MAX_ALL_TEXT_BYTES:
            limit_mib = MAX_ALL_TEXT_BYTES // 2**20
            raise DatasetError(
                f"{name}: holds more than {limit_mib} MiB of text, images and audio; limit how many entries are taken"
            )
        items.append(item)
    if not items:
        raise DatasetError(f"{name}: holds no prompt")
    return Dataset(tuple(items), is_sharegpt=chats > 0)
