"""Password hashes: Argon2id through a passlib `CryptContext`, computed in threads of their own.

Parameters are OWASP's (46 MiB, one pass, one lane: about 60 ms). At most two hashes run at once, so that a flood of
sign-ins costs neither the event loop nor more than 92 MiB. Old parameters are rehashed at the next sign-in.
"""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar, TypeVarTuple, Unpack

from passlib.context import CryptContext

Value = TypeVar("Value")
Arguments = TypeVarTuple("Arguments")

MIN_PASSWORD_CHARACTERS = 10
MAX_PASSWORD_CHARACTERS = 1024
MEMORY_KIB = 47_104
_PARALLEL_HASHES = 2


def normal(password: str) -> str:
    """`password` as it is hashed: keyboards and systems write the same accented letter as one character or as two.

    Unicode's form C, as RFC 8265 (section 4.2) asks for; it can be up to three times as long.
    """
    return unicodedata.normalize("NFC", password)


class Verdict(NamedTuple):
    """Whether a password is right, and its hash by today's parameters when the stored one is outdated."""

    is_right: bool
    new_hash: str | None = None


class Passwords:
    """Hashes and verifies; build one per process and `close` it."""

    def __init__(self) -> None:
        self._context = CryptContext(
            schemes=["argon2"],
            argon2__type="ID",
            argon2__memory_cost=MEMORY_KIB,
            argon2__time_cost=1,
            argon2__parallelism=1,
        )
        self._threads = ThreadPoolExecutor(_PARALLEL_HASHES, thread_name_prefix="password")
        self._decoy = ""

    async def warm(self) -> None:
        """Load the backend and make the hash that unknown users are checked against."""
        self._decoy = await self.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """A salted hash to store."""
        return await self._run(self._hash, normal(password))

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Check `password`; with no stored hash (unknown user) it takes as long and is wrong."""
        if not self._decoy:
            await self.warm()
        verdict = await self._run(self._verify, normal(password), stored or self._decoy)
        return verdict if stored is not None else Verdict(is_right=False)

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, function: Callable[[Unpack[Arguments]], Value], *arguments: *Arguments) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    def _hash(self, password: str) -> str:
        return self._context.hash(password)

    def _verify(self, password: str, stored: str) -> Verdict:
        try:
            is_right, new_hash = self._context.verify_and_update(password, stored)
        except ValueError:  # a hash that no scheme of ours made
            return Verdict(is_right=False)
        return Verdict(is_right, new_hash)
