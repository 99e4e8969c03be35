"""What names, passwords, teams and addresses may be, and who may change whom."""

import re

from app.accounts.caller import Caller
from app.accounts.passwords import MAX_PASSWORD_CHARACTERS, MIN_PASSWORD_CHARACTERS, normal
from app.accounts.roles import Roles
from app.core.errors import ForbiddenError, InvalidRequestError

_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_TEAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}[A-Za-z0-9]|[A-Za-z0-9]")
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,187}[A-Za-z0-9])?")
RESERVED_NAMES = {"system", "cli", "anonymous"}
"""Names under which the audit trail tells of what nobody did who had signed in."""


def check_username(username: str) -> None:
    """Raise `InvalidRequestError` for a name that cannot be used."""
    if not _USERNAME.fullmatch(username) or username.lower() in RESERVED_NAMES:
        allowed = "1 to 64 letters, digits, '.', '_', '@' or '-', beginning with a letter or digit; not 'system'"
        raise _wrong("username", "is not acceptable", allowed)


def check_password(password: str, path: str = "password") -> None:
    """Raise `InvalidRequestError` for a password that is too short or too long."""
    if not MIN_PASSWORD_CHARACTERS <= len(normal(password)) <= MAX_PASSWORD_CHARACTERS:
        raise _wrong(path, "has a wrong length", f"{MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters")


def check_team(team: str | None) -> None:
    """Raise `InvalidRequestError` for a team that cannot be called so."""
    if team is not None and not _TEAM.fullmatch(team):
        raise _wrong("team", "is not acceptable", "1 to 64 letters, digits, spaces, '.', '_' or '-'")


def check_email(email: str | None) -> None:
    """Raise `InvalidRequestError` for what is no e-mail address."""
    # What is not printable includes marks that make an address look like another one.
    if email is not None and not (_EMAIL.fullmatch(email) and email.isprintable()):
        raise _wrong("email", "is not an e-mail address", "name@domain")


def check_not_above(roles: Roles, caller: Caller, *role_names: str) -> None:
    """Nobody hands out, or takes over, rights that they do not have themselves.

    Raises:
        ForbiddenError: one of the roles may do more than the caller.
    """
    for name in role_names:
        if excess := sorted(roles.permissions(name) - caller.permissions):
            raise ForbiddenError(
                f"the role '{name}' may do more than you: {', '.join(excess)}", permission=str(excess[0])
            )


def _wrong(path: str, message: str, allowed: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{path}: use {allowed}", errors=[{"path": path, "message": message, "allowed": allowed}]
    )
