"""The provider's own words out of an error body, whatever shape it has."""

from typing import Any

import msgspec

TEXT_LIMIT = 2000


def error_body_text(status: int, body: bytes) -> str:
    """`error.message`, `error`, `message` or `detail` of a JSON body, else how the body begins."""
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = body[: TEXT_LIMIT * 2].decode(errors="replace").strip()
        return (text or f"status {status} with an empty body")[:TEXT_LIMIT]
    if isinstance(value, list) and value:
        value = value[0]
    found = _message(value)
    return (found if found is not None else msgspec.json.encode(value).decode())[:TEXT_LIMIT]


def _message(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        for key in ("error", "message", "detail", "msg"):
            if key in value and (found := _message(value[key])) is not None:
                return found
    return None
