"""What happens to a request that carries an `Idempotency-Key`."""

import base64
import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from sqlalchemy.exc import IntegrityError

from app.accounts.caller import Caller
from app.core.clock import Clock
from app.core.crypto import Cipher
from app.core.database import Database
from app.core.errors import ConflictError, InvalidRequestError, MalformedRequestError, RateLimitedError
from app.core.ids import new_id
from app.core.keyring import Keyring
from app.idempotency import repository
from app.idempotency.models import IdempotencyKey

KEPT = timedelta(hours=24)
LOCKED = timedelta(seconds=60)
"""A request that has not ended by then died with its process; the next one with its key runs."""
MAX_KEYS_PER_USER = 10_000
MAX_KEY_CHARACTERS = 255
_PURGE_EVERY = timedelta(minutes=1)
_RETRY_SECONDS = 1
_NOT_OF_THE_OPERATION = frozenset({401, 403, 408, 412, 413, 415, 428, 429})
_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


class IdempotencyMismatchError(InvalidRequestError):
    """The key was used for another request."""


class InProgressError(ConflictError):
    """The first request with this key has not ended yet."""

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(_RETRY_SECONDS)}


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it was sent."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to run a request, until `locked_until`."""

    key_id: UUID
    locked_until: datetime


class IdempotencyService:
    """Keeps answers in the database, so that they survive restarts and hold over replicas."""

    def __init__(self, database: Database, clock: Clock, keyring: Keyring) -> None:
        self._database = database
        self._clock = clock
        self._cipher = Cipher(keyring, "idempotency")
        self._fingerprint_key = keyring.derive("idempotency-fingerprint")
        self._purged_at: datetime | None = None

    async def begin(self, caller: Caller, route: str, key: str, request: bytes) -> Ticket | Answer:
        """The right to run this request, or the answer that it got before.

        `request` is everything that makes two requests the same. An answer may hold what only its first reader should
        know (a new API key): it is for the same user with a password, or for the same API key, and nobody else.

        Raises:
            IdempotencyMismatchError: the key was used for another request.
            InProgressError: the first one still runs.
            RateLimitedError: too many keys of this user are kept.
        """
        user_id = caller.user_id
        credential = "" if caller.key_id is None else f"{caller.key_id}\0"
        key_hash = hashlib.sha256(f"{credential}{key}".encode()).hexdigest()
        # Keyed, because a request may hold a password: without the key nobody can try passwords against the database.
        fingerprint = hmac.new(self._fingerprint_key, request, hashlib.sha256).hexdigest()
        await self._purge()
        for _ in range(3):  # a key may expire, or its request fail, between the two looks
            async with self._database.read() as session:
                found = await repository.find(session, user_id, route, key_hash)
                kept = 0 if found else await repository.count_of(session, user_id)
            now = self._clock.now()
            if found is not None and found.expires_at <= now:
                async with self._database.write() as session:
                    await repository.purge(session, now)
                continue
            if found is not None:
                outcome = await self._known(found, fingerprint, now)
            elif kept >= MAX_KEYS_PER_USER:
                raise _too_many()
            else:
                outcome = await self._insert(user_id, route, key_hash, fingerprint, now)
            if outcome is not None:
                return outcome
        raise _in_progress()

    async def end(self, ticket: Ticket, answer: Answer | None) -> None:
        """Keep the answer when it is the operation's own; else the key may be used again."""
        async with self._database.write() as session:
            if answer is None or answer.status >= 500 or answer.status in _NOT_OF_THE_OPERATION:
                await repository.forget(session, ticket.key_id, ticket.locked_until)
            else:
                sealed = self._cipher.seal(_packed(answer), _context(ticket.key_id))
                await repository.finish(session, ticket.key_id, ticket.locked_until, answer.status, sealed)

    async def _known(self, found: IdempotencyKey, fingerprint: str, now: datetime) -> Ticket | Answer | None:
        if found.fingerprint != fingerprint:
            raise IdempotencyMismatchError(
                "this Idempotency-Key was used for another request: use a new key for each new request",
                errors=[{"path": "Idempotency-Key", "message": "was used for another request"}],
            )
        if found.status is not None and found.answer is not None:
            return _unpacked(found.status, self._cipher.open(found.answer, _context(found.id)))
        if found.locked_until > now:
            raise _in_progress()
        async with self._database.write() as session:
            until = now + LOCKED
            return Ticket(found.id, until) if await repository.take_over(session, found, until) else None

    async def _insert(self, user_id: UUID, route: str, key_hash: str, fingerprint: str, now: datetime) -> Ticket | None:
        row = IdempotencyKey(
            id=new_id(),
            user_id=user_id,
            route=route,
            key_hash=key_hash,
            fingerprint=fingerprint,
            created_at=now,
            expires_at=now + KEPT,
            locked_until=now + LOCKED,
        )
        try:
            async with self._database.write() as session:
                session.add(row)
        except IntegrityError:  # another request with this key was first
            return None
        return Ticket(row.id, row.locked_until)

    async def _purge(self) -> None:
        now = self._clock.now()
        if self._purged_at is None or now - self._purged_at >= _PURGE_EVERY:
            self._purged_at = now
            async with self._database.write() as session:
                await repository.purge(session, now)


def checked_key(text: str) -> str:
    """The key inside the header: a quoted string as the draft has it, or the bare text that most clients send.

    Raises:
        MalformedRequestError: it is empty, too long, or has characters that are not printable ASCII.
    """
    key = text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
    if len(key) > MAX_KEY_CHARACTERS or not _KEY.fullmatch(key):
        allowed = f"1 to {MAX_KEY_CHARACTERS} printable ASCII characters, such as a UUID"
        raise MalformedRequestError(
            f"Idempotency-Key: must be {allowed}",
            errors=[{"path": "Idempotency-Key", "message": "is not a key", "allowed": allowed}],
        )
    return key


def _packed(answer: Answer) -> str:
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.headers]
    body = base64.b64encode(zlib.compress(answer.body)).decode()
    return orjson.dumps({"headers": headers, "body": body}).decode()


def _unpacked(status: int, text: str) -> Answer:
    kept = orjson.loads(text)
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in kept["headers"])
    return Answer(status, headers, zlib.decompress(base64.b64decode(kept["body"])))


def _context(key_id: UUID) -> str:
    return f"idempotency:{key_id}"


def _in_progress() -> InProgressError:
    return InProgressError(
        "the first request with this Idempotency-Key has not ended yet; try again in a second",
        retry_after_seconds=_RETRY_SECONDS,
    )


def _too_many() -> RateLimitedError:
    return RateLimitedError(
        f"{MAX_KEYS_PER_USER} Idempotency-Keys of yours are kept; each is forgotten after 24 hours",
        retry_after_seconds=3600,
    )
