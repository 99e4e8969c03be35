"""From a provider's claims to what this service wants to know about a person: pure functions.

Claims are what the provider says, so every one is checked for its type; what is not of the right type counts as
missing.
"""

import re
import string
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.accounts.oidc_errors import OidcNotAllowedError
from app.accounts.user_rules import RESERVED_NAMES
from app.core.oidc_settings import OidcSettings

MAX_GROUPS = 2000
_MAX_USERNAME = 64
_MAX_EMAIL = 254
_MAX_TEAM = 64
_MAIL = ("email", "email_verified")
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class ExternalUser:
    """Who somebody is, as their provider says."""

    issuer: str
    subject: str
    usernames: tuple[str, ...]
    """Names to try for a new account, best first; all acceptable as user names."""
    email: str | None
    email_verified: bool
    role: str | None
    """What the groups make of them; None where the configuration leaves roles to this service."""
    team: str | None
    manages_team: bool
    """Whether the configuration leaves teams to the provider."""


def external_user(claims: Mapping[str, Any], settings: OidcSettings, fallback_role: str) -> ExternalUser:
    """Read the claims.

    Raises:
        OidcNotAllowedError: the configuration lets only members of other groups, or of other e-mail domains, in.
    """
    groups = texts_of(claims, settings.group_claim)
    email = _email(claims)
    verified = is_verified(claims)
    _check_allowed(settings, groups, email if verified else None)
    subject = str(claims["sub"])
    return ExternalUser(
        issuer=settings.issuer,
        subject=subject,
        usernames=tuple(_usernames(claims, settings, email if verified else None)),
        email=email,
        email_verified=verified and email is not None,
        role=_role(settings, groups, fallback_role),
        team=_team(claims, settings),
        manages_team=settings.team_claim is not None,
    )


def folded(email: str) -> str:
    """`email` without regard to the case of ASCII letters, and of no others.

    Unicode makes a `k` of the Kelvin sign, so that two people's addresses would become one.
    """
    return email.translate(_ASCII_LOWER)


def lacks(claims: Mapping[str, Any], settings: OidcSettings) -> bool:
    """Whether a claim that matters is missing, so that the user-info endpoint is worth a question."""
    wanted = {settings.username_claim}
    if settings.role_map or settings.allowed_groups:
        wanted.add(settings.group_claim)
    if settings.allowed_domains or settings.link_by_email:
        wanted |= {"email", "email_verified"}
    if settings.team_claim is not None:
        wanted.add(settings.team_claim)
    return any(_at(claims, name) is None for name in wanted)


def is_verified(claims: Mapping[str, Any]) -> bool:
    """Whether the provider has verified the e-mail address that stands in the same claims."""
    given = claims.get("email_verified")
    return given is True or given == "true"  # some providers send text


def joined(id_token: Mapping[str, Any], user_info: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of both; those of the ID token win, as it is signed.

    An address and the word that it is verified come from one source: else one would verify what only the other names.
    """
    own = id_token.get("email")
    confirms = "email_verified" not in id_token and user_info.get("email") == own
    mail = user_info if own is None or confirms else id_token
    others = {name: value for name, value in {**user_info, **id_token}.items() if name not in _MAIL}
    return others | {name: mail[name] for name in _MAIL if name in mail}


def texts_of(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The texts of a claim that is a list, or one text. `a.b` finds `b` inside `a` where no claim is called `a.b`."""
    value = _at(claims, name)
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list):
        return tuple(item for item in value[:MAX_GROUPS] if isinstance(item, str))
    return ()


def _at(claims: Mapping[str, Any], name: str) -> Any:
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def _email(claims: Mapping[str, Any]) -> str | None:
    email = claims.get("email")
    if not isinstance(email, str) or len(email) > _MAX_EMAIL or not email.isprintable() or not _EMAIL.fullmatch(email):
        return None
    return email


def _check_allowed(settings: OidcSettings, groups: tuple[str, ...], verified_email: str | None) -> None:
    if settings.allowed_groups and not set(groups) & set(settings.allowed_groups):
        raise OidcNotAllowedError("the user is in none of the allowed groups")
    if settings.allowed_domains:
        domain = folded(verified_email).rpartition("@")[2] if verified_email else None
        if domain not in {folded(allowed).lstrip("@") for allowed in settings.allowed_domains}:
            raise OidcNotAllowedError("the user has no verified e-mail address in an allowed domain")


def _role(settings: OidcSettings, groups: tuple[str, ...], fallback_role: str) -> str | None:
    if not settings.role_map and settings.default_role is None:
        return None
    members = set(groups)
    for group, role in settings.role_map.items():
        if group in members:
            return role
    return settings.default_role or fallback_role


def _team(claims: Mapping[str, Any], settings: OidcSettings) -> str | None:
    if settings.team_claim is None:
        return None
    values = texts_of(claims, settings.team_claim)
    if settings.team_map:
        return next((team for value, team in settings.team_map.items() if value in values), None)
    return next((value for value in values if 0 < len(value) <= _MAX_TEAM and value.isprintable()), None)


def _usernames(claims: Mapping[str, Any], settings: OidcSettings, email: str | None) -> Iterator[str]:
    for raw in (_at(claims, settings.username_claim), email, claims.get("name")):
        if isinstance(raw, str) and (name := _acceptable(raw)):
            yield name
            yield f"{name[: _MAX_USERNAME - len(settings.name) - 1]}-{settings.name}"
    yield f"user-{settings.name}"


def _acceptable(raw: str) -> str | None:
    plain = unicodedata.normalize("NFKD", raw).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9._@-]+", "-", plain).strip("-._@")[:_MAX_USERNAME].rstrip("-._@")
    return name if name and name.lower() not in RESERVED_NAMES else None
