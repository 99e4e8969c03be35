"""The seal on the end of the audit trail: a keyed hash of the last row's number and hash, in a row of its own.

The chain alone shows what was changed inside it, but whoever writes to the database could compute a new chain, or cut
the end off. The seal needs a key derived from the root secret, which is not in the database. What it cannot show is
that the whole database was put back to an older state, seal and all: for that, keep a head elsewhere (`llm-test-bench
audit verify` prints it) and compare.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, NamedTuple

from app.accounts.models import AuditHead
from app.core.database import Database, WriteSession
from app.core.keyring import Keyring

SEALED = "audit.seal"
"""Action of the row that says: from here on the trail is sealed, what was before it was not."""
GAP = "audit.gap"
"""Action of the row that says: the end of the trail was not as the service left it."""

_KEYRING = "keyring of the audit seal"
_PURPOSE = "audit-seal"
_HEAD_ID = 1


class End(NamedTuple):
    """The last row of a trail."""

    sequence: int
    hash: str


class Mismatch(NamedTuple):
    """Why the end of the trail is not the one that was sealed: the action that says so, and the facts."""

    action: str
    facts: Mapping[str, Any]


def seal_with(database: Database, keyring: Keyring) -> None:
    """Seal what is recorded through `database` from now on."""
    database.write_session_info[_KEYRING] = keyring


def keyring_of(session: WriteSession) -> Keyring | None:
    """The keyring to seal with, if this process has one."""
    found = session.info.get(_KEYRING)
    return found if isinstance(found, Keyring) else None


def is_genuine(keyring: Keyring, head: AuditHead) -> bool:
    """Whether the service sealed this head, with the root secret in force or an older one that is still known."""
    try:
        return hmac.compare_digest(_seal(keyring, End(head.sequence, head.hash), head.key_id), head.seal)
    except KeyError:
        return False


def mismatch(keyring: Keyring, head: AuditHead | None, last: End | None) -> Mismatch | None:
    """What is wrong with the end of the trail, if anything."""
    if head is None:
        return None if last is None else Mismatch(SEALED, {"rows_before": last.sequence})
    found = {"sealed_sequence": head.sequence, "sealed_hash": head.hash, "found_sequence": last.sequence if last else 0}
    if not is_genuine(keyring, head):
        return Mismatch(GAP, found | {"reason": "the seal was not made with this service's secret"})
    if last is None or last != (head.sequence, head.hash):
        return Mismatch(GAP, found | {"reason": "the last row is not the sealed one"})
    return None


async def head_of(session: Any) -> AuditHead | None:
    """The sealed head, read afresh."""
    found = await session.get(AuditHead, _HEAD_ID, populate_existing=True)
    return found if isinstance(found, AuditHead) else None


def move(session: WriteSession, keyring: Keyring, head: AuditHead | None, end: End) -> None:
    """Seal `end`; part of the transaction that wrote it."""
    if head is None:
        head = AuditHead(id=_HEAD_ID)
        session.add(head)
    head.sequence, head.hash, head.key_id = end.sequence, end.hash, keyring.key_id
    head.seal = _seal(keyring, end, keyring.key_id)


def _seal(keyring: Keyring, end: End, key_id: str) -> str:
    key = keyring.derive(_PURPOSE, key_id)
    return hmac.new(key, f"{end.sequence}:{end.hash}".encode(), hashlib.sha256).hexdigest()
