"""Turns pydantic's validation errors into `{path, message, allowed?}` in the words of the request.

pydantic's `loc` names the tags of unions that it tried (`load.closed.concurrency`); the path that a user wrote is
found by walking the request itself along it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

MAX_PROBLEMS = 100
MAX_CHARACTERS = 500
"""Of a path or message: both can quote what the request wrote, which may be megabytes."""

_NOT_AN_OBJECT = {"model_attributes_type", "model_type", "dict_type"}
_OTHER_TYPES = {*_NOT_AN_OBJECT, "int_type", "float_type", "string_type", "bool_type", "list_type"}
_SOURCES = {"body", "query", "path", "header", "cookie"}
_BOUNDS = {
    "ge": "≥ {}",
    "gt": "> {}",
    "le": "≤ {}",
    "lt": "< {}",
    "min_length": "at least {} long",
    "max_length": "at most {} long",
    "multiple_of": "a multiple of {}",
    "pattern": "matches {}",
    "expected": "{}",
    "expected_tags": "{}",
    "expected_schemes": "{}",
}


def without_nul(text: str) -> str:
    """A pydantic validator: PostgreSQL cannot store the character NUL, so no dialect gets one."""
    if "\0" in text:
        raise ValueError("must not contain the character NUL")
    return text


def describe_problems(exception: RequestValidationError) -> list[dict[str, str]]:
    """One entry per wrong field, in the order of the request; of very many only the first ones."""
    return [_describe(item, exception.body) for item in _meant(exception.errors()[:MAX_PROBLEMS], exception.body)]


def problems_of(
    error: ValidationError, document: Any, *, spelled: Callable[[str], str] | None = None
) -> list[dict[str, str]]:
    """The same for a document that was checked without FastAPI.

    With `spelled` the paths are those of a typed input: each name as `spelled` writes it, and the kind of an object
    as a part of its own (`load.closed.concurrency`).
    """
    items = [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)[:MAX_PROBLEMS]]
    found = []
    for item in _meant(items, document):
        problem = _describe(item, document)
        if spelled is not None:
            parts = _walk(list(item["loc"][1:]), document, missing=item["type"] == "missing", kinds=True)
            problem["path"] = _shortened(".".join(spelled(part) for part in parts))
        elif problem["path"] == "(body)":
            problem["path"] = ""
        found.append(problem)
    return found


def _meant(items: Sequence[Mapping[str, Any]], body: Any) -> list[Mapping[str, Any]]:
    """Without what a union says about the members that the value never wanted to be.

    pydantic reports every member that it tried: an object among them that is wrong inside is also "not an integer".
    """
    paths = [_path(item, body) for item in items]

    def is_said_better(position: int) -> bool:
        path, item = paths[position], items[position]
        return item["type"] in _OTHER_TYPES and any(
            (path == other or other.startswith(f"{path}.")) and items[number]["type"] not in _OTHER_TYPES
            for number, other in enumerate(paths)
        )

    return [item for position, item in enumerate(items) if not is_said_better(position)]


def _describe(item: Mapping[str, Any], body: Any) -> dict[str, str]:
    if item["type"] in _NOT_AN_OBJECT and isinstance(body, bytes):  # FastAPI parses nothing else
        message = "is not declared as JSON; send it with the header Content-Type: application/json"
        return {"path": "(body)", "message": message}
    problem = {"path": _shortened(_path(item, body)), "message": _shortened(_message(item))}
    context = item.get("ctx") or {}
    allowed = ", ".join(text.format(context[key]) for key, text in _BOUNDS.items() if context.get(key) is not None)
    if allowed:
        problem["allowed"] = allowed
    return problem


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"


def _message(item: Mapping[str, Any]) -> str:
    kind = item["type"]
    if kind == "extra_forbidden":
        return "unknown field"
    if kind == "missing":
        return "is required"
    if kind == "json_invalid":
        return f"is not valid JSON: {(item.get('ctx') or {}).get('error', 'syntax error')}"
    return str(item["msg"]).removeprefix("Value error, ")


def _path(item: Mapping[str, Any], body: Any) -> str:
    loc: Sequence[Any] = item["loc"]
    source = loc[0] if loc and loc[0] in _SOURCES else ""
    rest = list(loc[1:] if source else loc)
    if source != "body":
        return ".".join(map(str, rest)) or source or "(request)"
    if item["type"] == "json_invalid":
        return "(body)"
    return ".".join(_walk(rest, body, missing=item["type"] == "missing")) or "(body)"


def _walk(parts: list[Any], value: Any, *, missing: bool, kinds: bool = False) -> list[str]:
    """The parts of `parts` that are really in `value`, plus the last one when it is what is missing.

    With `kinds` also those that name the kind of an object.
    """
    path: list[str] = []
    for position, part in enumerate(parts):
        in_list = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if in_list or (isinstance(value, Mapping) and part in value):
            value = value[part]
        elif not (missing and position == len(parts) - 1) and not (
            kinds and isinstance(value, Mapping) and part == value.get("kind")
        ):
            continue  # the tag of a union, or a key marker such as `[key]`
        path.append(str(part))
    return path
