"""`[security]`: users, roles, tokens and identity providers."""

from typing import Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from app.core.oidc_settings import OidcSettings
from app.core.section import Section


class RoleSettings(Section):
    """`[[security.roles]]`: a role beside admin, user and viewer."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$", description="Its name: lower case, at most 32 characters.")
    permissions: tuple[str, ...] = Field(description="Permissions; `benchmark.*` means a whole family, `*` all.")


class SecuritySettings(Section):
    """`[security]`"""

    admin_username: str = Field("admin", min_length=1, max_length=64, description="Name of the first administrator.")
    admin_password: SecretStr | None = Field(
        None, min_length=10, description="Password of the first administrator; by default one is generated."
    )
    access_token_minutes: float = Field(15, gt=0, le=15, description="Life of an access token.")
    refresh_token_days: float = Field(14, gt=0, le=365, description="Life of a refresh token.")
    secret_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="Root secret, older ones in further lines; by default generated into data_dir with mode 0600.",
    )
    enable_password: bool = Field(
        True, description="Let users sign in with a password; without it, `[[security.oidc]]` is the only way in."
    )
    login_attempts_per_minute: int = Field(10, ge=1, le=1000, description="Login tries per account and address.")
    default_role: str = Field("viewer", description="Role of new users for whom none is named.")
    default_visibility: Literal["private", "team", "all"] = Field(
        "private", description="With whom a new benchmark is shared; `team` means private for users without a team."
    )
    roles: tuple[RoleSettings, ...] = Field(
        (), description="Roles beside admin, user and viewer: tables `[[security.roles]]` of `name` and `permissions`."
    )
    production: bool = Field(False, description="Refuse to generate secrets; hide API documentation pages.")
    oidc: tuple[OidcSettings, ...] = Field(
        (), description="Identity providers to sign in with, as tables `[[security.oidc]]`."
    )

    @field_validator("oidc", mode="before")
    @classmethod
    def _one_table_is_a_list(cls, value: Any) -> Any:
        return [{"name": "oidc", **value}] if isinstance(value, dict) else value

    @field_validator("oidc")
    @classmethod
    def _names_differ(cls, value: tuple[OidcSettings, ...]) -> tuple[OidcSettings, ...]:
        for attribute in ("name", "issuer"):
            found = [getattr(provider, attribute) for provider in value]
            if len(set(found)) != len(found):
                raise ValueError(f"two providers have the same {attribute}")
        return value

    @model_validator(mode="after")
    def _somebody_can_sign_in(self) -> Self:
        if not self.enable_password and not self.oidc:
            raise ValueError(
                "enable_password is false and no [[security.oidc]] is configured, so that nobody could sign in: "
                "configure an identity provider, or allow passwords"
            )
        return self
