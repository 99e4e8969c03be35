"""Keys out of this process's environment and out of files, as far as the configuration lists them."""

import asyncio
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from app.core.settings import ENV_PREFIX
from app.providers.secrets import ReferenceRefusedError, SecretUnavailableError, check_listed

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_MAX_FILE_BYTES = 64 * 1024


class EnvironmentSecrets:
    """`env:NAME`; never the service's own settings, whatever the list says."""

    def __init__(self, allow: tuple[str, ...], environment: Mapping[str, str] | None = None) -> None:
        self._allow = allow
        self._environment = os.environ if environment is None else environment

    def check(self, name: str) -> None:
        if not _VARIABLE.fullmatch(name):
            raise ReferenceRefusedError("env: takes the name of a variable, such as env:OPENAI_API_KEY")
        if name.upper().startswith(ENV_PREFIX):
            raise ReferenceRefusedError(f"{name} is a setting of the service itself")
        check_listed(name, self._allow, "providers.secret_env_allow")

    async def read(self, name: str) -> str:
        value = self._environment.get(name)
        if not value:
            raise SecretUnavailableError("the variable is not set where the server runs")
        return value


class FileSecrets:
    """`file:/PATH` below one of the listed folders, links followed first; never below the service's data folder."""

    def __init__(self, folders: tuple[Path, ...], data_dir: Path) -> None:
        self._folders = folders
        self._data_dir = data_dir

    def check(self, name: str) -> None:
        path = Path(name)
        if not name.startswith("/") or "\0" in name or ".." in path.parts:
            raise ReferenceRefusedError("file: takes an absolute path without '..', such as file:/run/secrets/key")
        if not any(path.is_relative_to(folder) for folder in self._folders):
            self._refuse(path)

    async def read(self, name: str) -> str:
        return await asyncio.to_thread(self._read, Path(name))

    def _read(self, path: Path) -> str:
        try:
            real = path.resolve(strict=True)
            if real.is_relative_to(self._data_dir.resolve()):
                raise ReferenceRefusedError("it is in the service's own data folder")
            if not any(real.is_relative_to(folder.resolve()) for folder in self._folders):
                self._refuse(path)
            # A pipe would block for ever, and a last component that became a link is not what was looked at.
            descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise SecretUnavailableError("it is not a regular file")
                raw = file.read(_MAX_FILE_BYTES + 1)
        except OSError as error:
            raise SecretUnavailableError(error.strerror or "it cannot be opened") from None
        except RuntimeError:  # links that go round in circles, before Python 3.13
            raise SecretUnavailableError("its links go round in circles") from None
        if len(raw) > _MAX_FILE_BYTES:
            raise SecretUnavailableError(f"it is larger than {_MAX_FILE_BYTES} bytes")
        return raw.decode("ascii", "replace")

    def _refuse(self, path: Path) -> None:
        allowed = ", ".join(map(str, self._folders)) or "nothing yet"
        raise ReferenceRefusedError(
            f"{path} is not below a folder of providers.secret_file_dirs (now: {allowed}); "
            "whoever runs the server adds it there"
        )
