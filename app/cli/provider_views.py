"""Providers, kinds and models as tables."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_FEATURES = ("streaming", "vision", "audio", "tools", "json_mode", "embeddings")
_MARKS = {True: "yes", False: "no", None: "?"}


def show(items: Sequence[dict[str, Any]], *, kinds: bool) -> None:
    """Configured providers, or kinds."""
    if kinds:
        _print(_kinds(items))
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
    print(f"{name}: {health['status']}{took}; key {health['auth']}; {health['message']}")
    if completion := health["completion"]:
        cost = f"${completion['cost_usd']}" if completion["cost_usd"] is not None else "unknown price"
        print(f"{completion['model']} said: {completion['text'] or '(nothing)'} ({cost})")


def _providers(items: Sequence[dict[str, Any]]) -> Table:
    table = _table("provider", "kind", "address", "key", "default model", "enabled")
    for item in items:
        key = item["api_key_ref"] or ("stored" if item["has_api_key"] else "none")
        model = item["default_model"] or ""
        enabled = "yes" if item["is_enabled"] else "no"
        table.add_row(*map(escape, (item["name"], item["kind"], item["base_url"], key, model, enabled)))
    return table


def _kinds(items: Sequence[dict[str, Any]]) -> Table:
    table = _table("kind", "name", "address", *(name.replace("_", " ") for name in _FEATURES), "list prices")
    for item in items:
        features = (_MARKS[item["capabilities"][name]] for name in _FEATURES)
        address = item["default_base_url"] or "(yours)"
        table.add_row(item["kind"], item["title"], address, *features, _MARKS[item["has_list_prices"]])
    return table


def _table(*columns: str) -> Table:
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")  # an address that is cut off is of no use
    return table


def _safe(text: str) -> str:
    """Without what a terminal would obey: names come from the provider."""
    return escape("".join(letter if letter.isprintable() else "�" for letter in text))


def _print(table: Table) -> None:
    Console().print(table)


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _dollars(value: str | None, is_tiered: bool | None) -> str:
    return "" if value is None else value + "+" * bool(is_tiered)
