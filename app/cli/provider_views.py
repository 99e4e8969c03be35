"""Providers, kinds and models as tables."""

import os
from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from app.cli.plain import plain
from app.cli.terminal import Console

_FEATURES = ("streaming", "vision", "audio", "tools", "json_mode", "embeddings")
_MARKS = {True: "yes", False: "no", None: "?"}
_WIDE_COLUMNS = 132  # what the longest address needs beside the rest
_FILE_COLUMNS = 240  # of output that goes to no terminal: there each row is one line


def show(items: Sequence[dict[str, Any]], *, kinds: bool) -> None:
    """Configured providers, or kinds."""
    if kinds:
        console = _console()
        is_wide = console.width >= _WIDE_COLUMNS
        console.print(_kinds(items, is_wide=is_wide))
        if not is_wide:
            console.print(f"Names and addresses: with {_WIDE_COLUMNS} columns, or with --json.")
    elif not items:
        Console().print("There are no providers yet; `llm-test-bench providers add --help` shows how to add one.")
    else:
        _print(_providers(items))


def show_models(models: Sequence[dict[str, Any]]) -> None:
    """Models, one a line."""
    table = _table("model", "context", "max output", "input $/M", "cached $/M", "output $/M", "prices from")
    for model in models:
        able, price = model["capabilities"], model["price"] or {}
        source = " ".join(filter(None, (price.get("source"), price.get("as_of"))))
        name = model["id"] + ("" if model["is_live"] else " (not listed)")
        table.add_row(
            _safe(name),
            _number(able["context_length"]),
            _number(able["max_output_tokens"]),
            *(_dollars(price.get(field), price.get("is_tiered")) for field in ("input", "cache_read", "output")),
            escape(source or "unknown"),
        )
    _print(table)


def show_health(name: str, health: dict[str, Any]) -> None:
    """One line, and what a completion said."""
    took = f" in {health['latency_ms']:.0f} ms" if health["latency_ms"] is not None else ""
    print(plain(f"{name}: {health['status']}{took}; key {health['auth']}; {health['message']}"))
    if completion := health["completion"]:
        cost = f"${completion['cost_usd']}" if completion["cost_usd"] is not None else "unknown price"
        print(plain(f"{completion['model']} said: {completion['text'] or '(nothing)'} ({cost})"))


def _providers(items: Sequence[dict[str, Any]]) -> Table:
    table = _table("provider", "kind", "address", "key", "default model", "enabled")
    for item in items:
        key = item["api_key_ref"] or ("stored" if item["has_api_key"] else "none")
        model = item["default_model"] or ""
        enabled = "yes" if item["is_enabled"] else "no"
        table.add_row(*map(escape, (item["name"], item["kind"], item["base_url"], key, model, enabled)))
    return table


def _kinds(items: Sequence[dict[str, Any]], *, is_wide: bool) -> Table:
    """Without names and addresses where they would be cut into pieces."""
    table = Table(padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("kind", no_wrap=True)
    for column in ("name", "address") if is_wide else ():
        table.add_column(column, no_wrap=True)
    for column in ("streams", "vision", "audio", "tools", "JSON", "embeds", "prices"):
        table.add_column(column, no_wrap=True)
    for item in items:
        features = (_MARKS[item["capabilities"][name]] for name in _FEATURES)
        about = (item["title"], item["default_base_url"] or "(yours)") if is_wide else ()
        table.add_row(item["kind"], *about, *features, _MARKS[item["has_list_prices"]])
    return table


def _table(*columns: str) -> Table:
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")  # an address that is cut off is of no use
    return table


def _safe(text: str) -> str:
    """Without what a terminal would obey: names come from the provider."""
    return escape("".join(letter if letter.isprintable() else "�" for letter in text))


def _console() -> Console:
    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=_FILE_COLUMNS)


def _print(table: Table) -> None:
    _console().print(table)


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _dollars(value: str | None, is_tiered: bool | None) -> str:
    return "" if value is None else value + "+" * bool(is_tiered)
