"""Settings whose values lie in files, as container platforms hand out secrets.

`LTB_SECURITY__SECRET_KEY_FILE=/run/secrets/key` is `LTB_SECURITY__SECRET_KEY` with the content of that file. So it goes
for every setting, except where the longer name is a setting itself (`LTB_PROVIDERS__VAULT__TOKEN_FILE`).
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel
from pydantic_settings import EnvSettingsSource

from app.core.errors import ConfigError

SUFFIX = "_file"
_LIMIT_BYTES = 64 * 1024


class EnvironmentWithFiles(EnvSettingsSource):
    """The environment, with the content of every named file in the place of its name."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return with_contents(super()._load_env_vars(), set(_variables(self.settings_cls, self.env_prefix.lower())))


def with_contents(variables: Mapping[str, str | None], known: Collection[str]) -> Mapping[str, str | None]:
    """`variables` (lower case) with contents for file names. `known` are the variables of all settings.

    Raises:
        ConfigError: a file cannot be used, or a setting is given twice.
    """
    found = dict(variables)
    for name, path in variables.items():
        setting = name.removesuffix(SUFFIX)
        if setting == name or name in known or setting not in known:
            continue
        if setting in variables:
            raise _problem(name, f"{setting.upper()} is set as well; give one of them")
        found[setting] = _content(name, path or "")
        del found[name]
    return found


def _variables(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _variables(field.annotation, f"{prefix}{name}__")


def _content(name: str, path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            raw = file.read(_LIMIT_BYTES + 1)
        text = raw.decode().rstrip("\r\n")
    except OSError as error:
        raise _problem(name, f"cannot read {path or '(no path)'}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _problem(name, f"{path} is not text in UTF-8") from None
    if len(raw) > _LIMIT_BYTES:
        raise _problem(name, f"{path} is larger than {_LIMIT_BYTES} bytes")
    if not text.strip():
        raise _problem(name, f"{path} is empty")
    return text


def _problem(name: str, message: str) -> ConfigError:
    key = name.upper()
    return ConfigError(
        f"wrong configuration (environment):\n  {key}: {message}", errors=[{"key": key, "message": message}]
    )
