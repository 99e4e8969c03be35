"""Checks the whole audit trail: nothing changed, nothing missing, nothing put in or moved, and nothing cut off."""

from typing import NamedTuple

from sqlalchemy import select

from app.accounts import audit_seal
from app.accounts.audit import FIRST_HASH, hash_of
from app.accounts.audit_seal import End
from app.accounts.models import AuditEntry
from app.core.database import Database, ReadSession
from app.core.errors import InvalidRequestError
from app.core.keyring import Keyring

MAX_FINDINGS = 100
_BATCH = 1_000


class Finding(NamedTuple):
    """One thing that is wrong, at the number of the first row that it touches."""

    sequence: int
    problem: str


class Verification(NamedTuple):
    """What a check found; `findings` stop at a hundred."""

    rows: int
    findings: list[Finding]
    warnings: list[str]
    head: End | None


def parse_anchor(text: str) -> End:
    """A head as `verify` printed it, `NUMBER:HASH`.

    Raises:
        InvalidRequestError: it has another form.
    """
    number, _, digest = text.partition(":")
    if not number.isascii() or not number.isdigit() or len(digest) != len(FIRST_HASH):
        raise InvalidRequestError(f"the anchor {text!r} is not NUMBER:HASH, as an earlier check printed it")
    return End(int(number), digest.lower())


async def verify(database: Database, keyring: Keyring | None, anchor: End | None = None) -> Verification:
    """Read the trail from its first row to its last, in batches.

    Without a keyring the seal is not checked. With an `anchor`, kept from an earlier check, the row of that number must
    still be the same.
    """
    check = _Check(anchor)
    while True:
        async with database.read() as session:
            batch = await _after(session, check.last.sequence if check.last else 0)
            for entry in batch:
                check.row(entry)
            if len(batch) == _BATCH:
                continue
            head = await audit_seal.head_of(session)
            # The head is read after the rows, so it can only be ahead of them: by rows written meanwhile, or cut off.
            if head is not None and head.sequence > (check.last.sequence if check.last else 0):
                late = await _after(session, check.last.sequence if check.last else 0)
                for entry in late:
                    check.row(entry)
                if late:
                    continue
        break
    check.end()
    if keyring is not None:
        check.seal(audit_seal.mismatch(keyring, head, check.last))
    return Verification(check.rows, check.findings[:MAX_FINDINGS], check.warnings, check.last)


async def _after(session: ReadSession, sequence: int) -> list[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.sequence > sequence).order_by(AuditEntry.sequence).limit(_BATCH)
    return list(await session.scalars(query))


class _Check:
    def __init__(self, anchor: End | None) -> None:
        self.last: End | None = None
        self.rows = 0
        self.findings: list[Finding] = []
        self.warnings: list[str] = []
        self._anchor = anchor

    def row(self, entry: AuditEntry) -> None:
        expected = self.last.sequence + 1 if self.last else 1
        previous = self.last.hash if self.last else FIRST_HASH
        if entry.sequence != expected:
            missing = (
                f"row {expected} is"
                if entry.sequence == expected + 1
                else f"rows {expected} to {entry.sequence - 1} are"
            )
            self._find(expected, f"{missing} missing")
        elif entry.previous_hash != previous:
            self._find(entry.sequence, "does not follow the row before it: one of them was changed, moved or put in")
        if entry.hash != hash_of(entry):
            self._find(entry.sequence, "was changed or moved after it was written")
        if entry.action == audit_seal.GAP:
            self._find(entry.sequence, f"the service found the end of the trail tampered with: {entry.changes}")
        elif entry.action == audit_seal.SEALED:
            self.warnings.append(
                f"the trail is sealed from row {entry.sequence} on ({entry.at:%Y-%m-%d %H:%M:%S} UTC); rows before it "
                "could have been cut off unnoticed. Expected once, after the upgrade that brought the seal."
            )
        if self._anchor is not None and entry.sequence == self._anchor.sequence and entry.hash != self._anchor.hash:
            self._find(entry.sequence, "is not the row of the anchor")
        self.last = End(entry.sequence, entry.hash)
        self.rows += 1

    def end(self) -> None:
        last = self.last.sequence if self.last else 0
        if self._anchor is not None and self._anchor.sequence > last:
            self._find(last + 1, f"the trail ends before row {self._anchor.sequence} of the anchor")

    def seal(self, wrong: audit_seal.Mismatch | None) -> None:
        last = self.last.sequence if self.last else 0
        if wrong is None:
            return
        if wrong.action == audit_seal.SEALED:
            self.warnings.append("the end of the trail is not sealed yet; the next entry seals it")
            return
        sealed = int(wrong.facts["sealed_sequence"])
        if sealed > last:
            self._find(
                last + 1,
                f"rows {last + 1} to {sealed} at the end are missing"
                if sealed > last + 1
                else "the last row is missing",
            )
        else:
            self._find(max(1, last), f"the end is not as the service left it: {wrong.facts['reason']}")

    def _find(self, sequence: int, problem: str) -> None:
        self.findings.append(Finding(sequence, problem))
