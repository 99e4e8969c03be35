"""Keys by reference: `env:NAME`, `file:/PATH` and secret stores, read when they are used and kept for a moment only.

Each scheme is a `SecretSource`. What a reference may name is decided by whoever runs the server (`[providers]` in the
configuration), not by who adds a provider: a key can be sent to any address, so a free reference would read any
variable or file of the server. Errors name the reference, never what it holds.
"""

import re
import time
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple, Protocol

from app.core.errors import TestBenchError

MAX_KEY_CHARACTERS = 4096
MAX_REFERENCE_CHARACTERS = 1024
_MAX_CACHED = 1000
_KEY = re.compile(r"[\x21-\x7e]+")


class ReferenceRefusedError(ValueError):
    """The reference is malformed or names what the configuration does not list; the message says what is allowed."""


class SecretUnavailableError(TestBenchError):
    """The secret behind a reference cannot be read now, or is no key."""

    code = "SERVICE_UNAVAILABLE"
    http_status = 503
    retryable = True


class SecretSource(Protocol):
    """One place that keeps secrets. Both methods take what stands behind the scheme and the colon."""

    def check(self, name: str) -> None:
        """Look at the reference only, not at the secret.

        Raises:
            ReferenceRefusedError: it is malformed or not allowed.
        """
        ...

    async def read(self, name: str) -> str:
        """The secret as it is now.

        Raises:
            ReferenceRefusedError: as `check`; also when only reading shows it, such as a link that leads elsewhere.
            SecretUnavailableError: it cannot be read. The message says why, and nothing of the secret.
        """
        ...


class _Kept(NamedTuple):
    until: float
    key: str


class SecretReferences:
    """Resolves references of every scheme in `sources`; keeps a key for `cache_seconds` of `clock`."""

    def __init__(
        self,
        sources: Mapping[str, SecretSource],
        cache_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources = sources
        self._cache_seconds = cache_seconds
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    def check(self, reference: str) -> None:
        """Raises `ReferenceRefusedError` when the reference may not be used."""
        source, name = self._source(reference)
        source.check(name)

    async def resolve(self, reference: str, *, fresh: bool = False) -> str:
        """The key behind a reference, read again when it is older than the cache allows or `fresh` is asked for.

        Raises:
            SecretUnavailableError: it cannot be read, is no longer allowed, or is no key.
        """
        now = self._clock()
        kept = self._kept.get(reference)
        if kept is not None and now < kept.until and not fresh:
            return kept.key
        self._kept.pop(reference, None)
        try:
            source, name = self._source(reference)
            source.check(name)
            key = (await source.read(name)).strip("\r\n \t")
        except ReferenceRefusedError as error:
            raise SecretUnavailableError(f"the key {reference!r} may not be read: {error}") from None
        except SecretUnavailableError as error:
            raise SecretUnavailableError(f"the key {reference!r} cannot be read: {error.message}") from None
        if not _KEY.fullmatch(key) or len(key) > MAX_KEY_CHARACTERS:
            what = f"at most {MAX_KEY_CHARACTERS} printable ASCII characters without spaces"
            raise SecretUnavailableError(f"{reference!r} holds no usable key: {what} are")
        if self._cache_seconds > 0:
            if len(self._kept) >= _MAX_CACHED:
                self._kept.pop(next(iter(self._kept)))
            self._kept[reference] = _Kept(now + self._cache_seconds, key)
        return key

    def _source(self, reference: str) -> tuple[SecretSource, str]:
        scheme, colon, name = reference.partition(":")
        source = self._sources.get(scheme) if colon else None
        if source is None:
            known = ", ".join(f"{scheme}:…" for scheme in self._sources)
            raise ReferenceRefusedError(f"is no reference to a key; use one of {known}")
        return source, name


def split_field(name: str) -> tuple[str, str | None]:
    """`path#field` as its two parts; None where no field is named."""
    path, mark, field = name.partition("#")
    return path, field if mark else None


def check_listed(name: str, patterns: tuple[str, ...], setting: str) -> None:
    """Raises `ReferenceRefusedError` unless one of the shell patterns fits."""
    if not any(fnmatchcase(name, pattern) for pattern in patterns):
        allowed = ", ".join(patterns) or "nothing yet"
        raise ReferenceRefusedError(
            f"{name} is not in {setting} (now: {allowed}); whoever runs the server adds it there"
        )
