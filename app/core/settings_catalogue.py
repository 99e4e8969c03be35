"""Every setting as the models declare it: key, default, meaning, what is allowed, and where its value came from.

The configuration template, `config show` and the documentation test are all made from this list, so nothing is
written down twice.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin
from urllib.parse import urlsplit, urlunsplit

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from app.core.setting_files import SUFFIX
from app.core.settings import ENV_PREFIX, Settings

_LIMITS = (
    (Ge, "ge", "at least {}"),
    (Gt, "gt", "above {}"),
    (Le, "le", "at most {}"),
    (Lt, "lt", "below {}"),
    (MinLen, "min_length", "at least {} characters"),
    (MaxLen, "max_length", "at most {} characters"),
)
REDACTED = "********"
_PASSWORD_IN_QUERY = re.compile(r"((?:^|[&;])[^=&;]*(?:password|passwd|secret|token)[^=&;]*=)[^&;]*", re.IGNORECASE)


class Setting(NamedTuple):
    """One key of one section."""

    section: str
    name: str
    default: Any
    description: str
    allowed: str

    @property
    def key(self) -> str:
        """As in messages: `server.websocket.queue_size`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it: `LTB_SERVER__WEBSOCKET__QUEUE_SIZE`."""
        return ENV_PREFIX + self.key.replace(".", "__").upper()


def settings() -> Iterator[Setting]:
    """Every setting, section by section; a section's own keys come before its sub-sections."""
    for name, field in Settings.model_fields.items():
        yield from _of_section(name, _model(field))


def value_of(values: BaseModel, setting: Setting) -> Any:
    """The value in force, with secrets and passwords inside addresses replaced by asterisks."""
    found: Any = values
    for part in setting.key.split("."):
        found = getattr(found, part)
    if isinstance(found, SecretStr):
        return REDACTED
    if isinstance(found, str) and "://" in found:
        return _without_password(found)
    if isinstance(found, tuple):
        return tuple(_plain(item) for item in found)
    if isinstance(found, Mapping):
        return {name: REDACTED if isinstance(item, SecretStr) else item for name, item in found.items()}
    return _plain(found)


class Sources:
    """Where values came from: an environment variable, the file at `path`, or the default; both are read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._environment = {name.upper(): value for name, value in os.environ.items()}
        self._file = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def of(self, setting: Setting) -> str:
        """What set this one."""
        if (named := setting.variable + SUFFIX.upper()) in self._environment:
            return named
        parts, keys = setting.variable.split("__"), setting.key.split(".")
        for depth in range(len(parts), 0, -1):  # LTB_SERVER may hold the whole section as JSON
            raw = self._environment.get(name := "__".join(parts[:depth]))
            if raw is not None and (depth == len(parts) or _in_json(raw, keys[depth:])):
                return name
        return str(self._path) if _contains(self._file, keys) else "default"


def toml_value(value: Any) -> str:
    """`value` as TOML; JSON and TOML agree on strings, numbers, booleans and arrays of them, not on tables."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, Mapping):
        pairs = (f"{_toml_key(name)} = {toml_value(item)}" for name, item in value.items())
        return f"{{ {', '.join(pairs)} }}"
    return json.dumps(value, ensure_ascii=False)


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    return str(value) if isinstance(value, Path) else value


def _of_section(section: str, model: type[BaseModel]) -> Iterator[Setting]:
    nested = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            nested.append((name, field))
            continue
        default = field.get_default(call_default_factory=True)
        yield Setting(
            section,
            name,
            str(default) if isinstance(default, Path) else default,
            field.description or "",
            _allowed(field),
        )
    for name, field in nested:
        yield from _of_section(f"{section}.{name}", _model(field))


def _model(field: FieldInfo) -> type[BaseModel]:
    assert isinstance(field.annotation, type)
    assert issubclass(field.annotation, BaseModel)
    return field.annotation


def _allowed(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return " | ".join(toml_value(choice) for choice in get_args(field.annotation))
    texts = []
    for kind, attribute, text in _LIMITS:
        texts += [text.format(getattr(item, attribute)) for item in field.metadata if isinstance(item, kind)]
    return ", ".join(texts).replace("at least 1 characters", "not empty")


def _without_password(address: str) -> str:
    parts = urlsplit(address)
    if parts.password:
        user, _, host = parts.netloc.rpartition("@")
        address = urlunsplit(parts._replace(netloc=f"{user.split(':', 1)[0]}:{REDACTED}@{host}"))
    # Database and Redis clients take one from the query, too.
    before, mark, query = address.partition("?")
    return before + mark + _PASSWORD_IN_QUERY.sub(rf"\1{REDACTED}", query)


def _in_json(raw: str, path: list[str]) -> bool:
    try:
        return _contains(json.loads(raw), path)
    except ValueError:
        return False


def _contains(tree: Any, path: list[str]) -> bool:
    for part in path:
        if not isinstance(tree, Mapping) or part not in tree:
            return False
        tree = tree[part]
    return True
