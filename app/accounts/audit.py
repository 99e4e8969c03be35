"""The audit trail: who changed what, append-only, each row's hash covering the row and the hash before it.

`record` belongs inside the write transaction of the change itself, as its last statement: from there to the commit it
holds the one lock that orders the chain (an advisory lock on PostgreSQL; on SQLite a write transaction is the lock).
Where the process has the root secret, the end of the chain is sealed too (`audit_seal.py`).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import event, select, text
from sqlalchemy.orm import Mapper

from app.accounts import audit_seal, rights
from app.accounts.audit_seal import End
from app.accounts.caller import Caller
from app.accounts.models import AuditEntry
from app.core.database import WriteSession
from app.core.logging import redact

_CHAIN_LOCK = 0x6C74_625F_6175_6474  # "ltb_audt": the chain's advisory lock
FIRST_HASH = "0" * 64
_MAX_TEXT = 2000


async def record(
    session: WriteSession,
    caller: Caller,
    action: str,
    resource_type: str,
    resource_id: object,
    changes: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Append one row, e.g. `record(session, caller, "provider.update", "provider", row.id, {"before": …, "after": …})`.

    Secrets in `changes` are redacted by name and by shape; long texts are cut.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHAIN_LOCK})
    query = select(AuditEntry.sequence, AuditEntry.hash).order_by(AuditEntry.sequence.desc()).limit(1)
    found = (await session.execute(query)).first()
    last = End(found.sequence, found.hash) if found else None
    keyring = audit_seal.keyring_of(session)
    head = None
    if keyring is not None:
        head = await audit_seal.head_of(session)
        if (wrong := audit_seal.mismatch(keyring, head, last)) is not None:
            service = replace(caller, user_id=UUID(int=0), username="system", role="admin")
            last = _append(session, last, service, wrong.action, "audit", "trail", wrong.facts).end
    appended = _append(session, last, caller, action, resource_type, resource_id, changes)
    if keyring is not None:
        audit_seal.move(session, keyring, head, appended.end)
    await session.flush()
    rights.note(session, action)
    return appended.entry


class _Appended(NamedTuple):
    entry: AuditEntry
    end: End


def _append(
    session: WriteSession,
    last: End | None,
    caller: Caller,
    action: str,
    resource_type: str,
    resource_id: object,
    changes: Mapping[str, Any] | None,
) -> _Appended:
    entry = AuditEntry(
        sequence=(last.sequence if last else 0) + 1,
        at=datetime.now(UTC),
        actor_id=caller.user_id,
        actor_name=caller.username[:64],
        actor_role=str(caller.role)[:32],
        action=action,
        resource_type=resource_type,
        resource_id=str(resource_id)[:128],
        changes=_plain(redact(dict(changes or {}))),
        address=caller.address[:64],
        request_id=caller.request_id[:64],
        previous_hash=last.hash if last else FIRST_HASH,
        hash="",
    )
    entry.hash = hash_of(entry)
    session.add(entry)
    return _Appended(entry, End(entry.sequence, entry.hash))


def hash_of(entry: AuditEntry) -> str:
    """What the hash of a row must be, given the hash before it."""
    covered = (
        entry.previous_hash,
        entry.sequence,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        str(entry.actor_id),
        entry.actor_name,
        entry.actor_role,
        entry.action,
        entry.resource_type,
        entry.resource_id,
        entry.changes,
        entry.address,
        entry.request_id,
    )
    return hashlib.sha256(orjson.dumps(covered, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _plain(value: Any) -> Any:
    """JSON that reads back byte for byte from both dialects: JSONB would rewrite numbers such as 1e30."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return int(value)
    if isinstance(value, Enum | UUID | float | int):
        return str(value)
    return str(value).replace("\0", "")[:_MAX_TEXT]


def _refuse(_mapper: Mapper[Any], _connection: Any, _target: Any) -> None:
    raise RuntimeError("the audit log is append-only")


event.listen(AuditEntry, "before_update", _refuse)
event.listen(AuditEntry, "before_delete", _refuse)
