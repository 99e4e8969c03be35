"""`[[security.oidc]]`: identity providers (OpenID Connect) that users may sign in with.

Whoever runs the server writes these, so the issuer's address and the reference to the client secret are trusted as
far as they go: the addresses that the issuer's discovery document names go through the outbound guard all the same.
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from app.core.loopback import is_loopback
from app.core.section import Section

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]

ASYMMETRIC_ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
"""What an ID token may be signed with; never `none`, and never HS*, whose key an attacker may know."""


def _issuer(url: str) -> str:
    try:
        parsed = urlsplit(url)
        _ = parsed.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parsed.query or parsed.fragment or parsed.username is not None or not parsed.hostname:
        raise ValueError("must be https://host[:port][/path] without credentials, query or fragment")
    if parsed.scheme != "https" and not (parsed.scheme == "http" and is_loopback(parsed.hostname)):
        raise ValueError("must start with https:// (http:// only on this machine)")
    return url


def _reference(reference: str | None) -> str | None:
    if reference is not None:
        scheme, _, name = reference.partition(":")
        if scheme not in {"env", "file"} or not name or (scheme == "file" and not name.startswith("/")):
            raise ValueError("is a reference, env:NAME or file:/PATH, never the secret itself")
    return reference


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        ipaddress.ip_network(text, strict=False)
    return texts


class OidcSettings(Section):
    """One identity provider."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="Part of the redirect address.")
    label: str | None = Field(None, min_length=1, max_length=60, description="What the button says; else the name.")
    issuer: Annotated[str, AfterValidator(_issuer)] = Field(
        max_length=255, description="Exactly as its discovery document says."
    )
    client_id: str = Field(min_length=1, max_length=255)
    client_secret: Annotated[str | None, AfterValidator(_reference)] = Field(
        None, description="env:NAME or file:/PATH; none for a public client."
    )
    client_auth: Literal["client_secret_basic", "client_secret_post"] | None = Field(
        None, description="How the secret is sent; by default what the provider announces."
    )
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    algorithms: tuple[Algorithm, ...] = Field(ASYMMETRIC_ALGORITHMS, min_length=1)
    clock_skew_seconds: float = Field(60.0, ge=0, le=300)
    timeout_seconds: float = Field(10.0, gt=0, le=60, description="For each answer of the provider, as a whole.")
    networks: Annotated[tuple[str, ...], AfterValidator(_networks)] = Field(
        (), description="Private networks (CIDR) that this provider's addresses may be in; public ones always may."
    )
    ca_file: Path | None = Field(None, description="Certificates to trust besides the system's.")

    username_claim: str = "preferred_username"
    group_claim: str = "groups"
    role_map: dict[str, str] = Field({}, description="Group to role; the first entry whose group the user has wins.")
    default_role: str | None = Field(None, description="With no entry of role_map; else security.default_role.")
    team_claim: str | None = None
    team_map: dict[str, str] = Field({}, description="Value of the team claim to team; empty: the value itself.")
    allowed_groups: tuple[str, ...] = Field((), description="Only users in one of these may sign in.")
    allowed_domains: tuple[str, ...] = Field((), description="Only users with a verified e-mail address in one.")
    sign_in_days: float = Field(
        7.0, gt=0, le=365, description="Then users must sign in again, which is when their groups count anew."
    )
    auto_create: bool = Field(True, description="Make an account at the first sign-in.")
    link_by_email: bool = Field(False, description="Adopt the local account with the same verified e-mail address.")

    @model_validator(mode="after")
    def _asks_for_openid(self) -> "OidcSettings":
        if "openid" not in self.scopes:
            raise ValueError("scopes must contain 'openid'")
        return self

    @property
    def title(self) -> str:
        """What people see."""
        return self.label or self.name

    @property
    def is_local(self) -> bool:
        """Whether the issuer is on this machine, where plain http will do."""
        return is_loopback(urlsplit(self.issuer).hostname or "")
