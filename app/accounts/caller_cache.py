"""Who a token stands for, remembered for a second.

Finding that out takes a signature check and a query, more than everything else in a small request together. Revoking
works at once in this process, because every transaction that it commits empties this memory, and after
`KEPT_SECONDS` at most when another replica or the command line did it.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, Protocol

from sqlalchemy import event

from app.accounts.caller import Caller
from app.accounts.service import Visitor
from app.core.database import Database

KEPT_SECONDS = 1.0
MAX_CALLERS = 10_000


class Authenticator(Protocol):
    """What is asked when nothing is remembered."""

    async def caller_from_token(self, token: str, visitor: Visitor | None = None) -> Caller:
        """Who it is; raises `UnauthorizedError`."""
        ...


class _Kept(NamedTuple):
    caller: Caller
    until: float


class CallerCache:
    """Remembers callers by the digest of their token; refusals are never remembered."""

    def __init__(self, accounts: Authenticator, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._clock = clock
        self._kept: dict[bytes, _Kept] = {}
        self._generation = 0
        self._asking: dict[tuple[bytes, int], asyncio.Future[Caller]] = {}

    def watch(self, database: Database) -> Callable[[], None]:
        """Forget everything whenever this process commits; returns how to stop that."""

        def forget(_session: object) -> None:
            self.forget()

        event.listen(database.write_session_class, "after_commit", forget)
        return lambda: event.remove(database.write_session_class, "after_commit", forget)

    def forget(self) -> None:
        """Ask anew for everybody, also for those who are being looked up now."""
        self._generation += 1
        self._kept.clear()

    async def caller_from_token(self, token: str, visitor: Visitor) -> Caller:
        """Who the token stands for; raises what the accounts raise."""
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        kept = self._kept.get(digest)
        if kept is not None and self._clock() < kept.until:
            return replace(kept.caller, address=visitor.address, request_id=visitor.request_id)
        asking = self._asking.get((digest, self._generation))
        if asking is None:  # one looks it up, whoever comes meanwhile waits for that
            asking = asyncio.ensure_future(self._ask(digest, token, visitor))
            self._asking[digest, self._generation] = asking
            generation = self._generation
            asking.add_done_callback(lambda _: self._asking.pop((digest, generation), None))
        caller = await asyncio.shield(asking)
        return replace(caller, address=visitor.address, request_id=visitor.request_id)

    async def _ask(self, digest: bytes, token: str, visitor: Visitor) -> Caller:
        generation = self._generation
        asked_at = self._clock()
        caller = await self._accounts.caller_from_token(token, visitor)
        if generation == self._generation:  # else what was read may be older than the commit
            if len(self._kept) >= MAX_CALLERS:
                self._kept.clear()
            self._kept[digest] = _Kept(caller, asked_at + KEPT_SECONDS)
        return caller
