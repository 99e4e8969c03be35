"""Bodies of the endpoints that manage users, roles and sign-ins."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from app.accounts.models import SignInRecord, User
from app.accounts.passwords import MAX_PASSWORD_CHARACTERS, MIN_PASSWORD_CHARACTERS
from app.accounts.permissions import Permission, Role
from app.accounts.roles import Roles
from app.accounts.schemas import Body
from app.accounts.users import UserChanges


class UserCreate(Body):
    """A new user."""

    username: str = Field(min_length=1, max_length=64, description="Name to sign in with.", examples=["alice"])
    password: str | None = Field(
        None,
        min_length=MIN_PASSWORD_CHARACTERS,
        max_length=MAX_PASSWORD_CHARACTERS,
        description="By default one is generated and answered this once.",
    )
    role: str | None = Field(None, max_length=32, description="By default `security.default_role`.", examples=["user"])
    team: str | None = Field(None, max_length=64, description="Whom they share benchmarks with as a team.")
    email: str | None = Field(None, max_length=254, description="For whoever manages users; nothing is sent there.")


class UserUpdate(Body):
    """What is given changes; null takes `team` or `email` away."""

    role: str | None = Field(None, max_length=32, description="Another role.")
    is_active: bool | None = Field(
        None, description="False ends every sign-in and revokes every API key at once; true lets them sign in again."
    )
    team: str | None = Field(None, max_length=64, description="Another team; what is shared with the old one stays so.")
    email: str | None = Field(None, max_length=254, description="Another e-mail address.")

    @model_validator(mode="after")
    def _say_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give role, is_active, team or email")
        for name in ("role", "is_active"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} may not be null; leave it out to keep it")
        return self

    def changes(self) -> UserChanges:
        """As the service takes them."""
        return UserChanges(self.role, self.is_active, self.team, self.email, frozenset(self.model_fields_set))


class PasswordReset(Body):
    """Another password for a user."""

    password: str | None = Field(
        None,
        min_length=MIN_PASSWORD_CHARACTERS,
        max_length=MAX_PASSWORD_CHARACTERS,
        description="By default one is generated and answered this once.",
    )


class PasswordChange(Body):
    """Another password for oneself."""

    old_password: str = Field(min_length=1, max_length=MAX_PASSWORD_CHARACTERS, description="The one in force.")
    new_password: str = Field(
        min_length=MIN_PASSWORD_CHARACTERS, max_length=MAX_PASSWORD_CHARACTERS, description="The one to come."
    )


class UserDetail(BaseModel):
    """A user as those who manage users see them."""

    id: UUID = Field(description="Id of the user.")
    username: str = Field(description="Name to sign in with.")
    role: str = Field(description="Name of the role.")
    team: str | None = Field(description="Whom `team` means when they share a benchmark.")
    email: str | None = Field(description="Their e-mail address.")
    is_active: bool = Field(description="Whether they may sign in.")
    created_at: datetime = Field(description="When they were made.")
    updated_at: datetime = Field(description="When they were last changed.")
    last_login_at: datetime | None = Field(description="When they last signed in.")

    @classmethod
    def of(cls, user: User) -> Self:
        """A stored user."""
        return cls(**{name: getattr(user, name) for name in UserDetail.model_fields})


class UserCreated(UserDetail):
    """A new user."""

    password: str | None = Field(None, description="The generated password, shown this once; null when one was given.")


class GeneratedPassword(BaseModel):
    """The answer to a reset."""

    password: str | None = Field(description="The generated password, shown this once; null when one was given.")


class Ended(BaseModel):
    """How many sign-ins have just ended."""

    sign_ins_ended: int = Field(description="Sign-ins that were not over yet.")


class RoleView(BaseModel):
    """A role."""

    name: str = Field(description="Its name.")
    permissions: list[Permission] = Field(description="What it may do.")
    built_in: bool = Field(description="Whether it is there without configuration.")
    is_default: bool = Field(description="Whether new users get it when none is named.")

    @classmethod
    def all_of(cls, roles: Roles) -> list[Self]:
        """Every role of this installation."""
        return [
            cls(
                name=name,
                permissions=sorted(roles.permissions(name)),
                built_in=name in set(Role),
                is_default=name == roles.default,
            )
            for name in roles.names
        ]


class SessionView(BaseModel):
    """A sign-in on one device."""

    id: UUID = Field(description="Its id.")
    method: str = Field(description="How the user proved who they are.", examples=["password"])
    address: str = Field(description="Where it was last refreshed from; empty for sign-ins older than this column.")
    user_agent: str = Field(description="What the browser or program calls itself.")
    created_at: datetime = Field(description="When they signed in.")
    last_used_at: datetime = Field(description="When it was last refreshed: exact to the life of an access token.")
    expires_at: datetime = Field(description="When it ends unless it is refreshed before.")
    current: bool = Field(description="Whether this very request belongs to it.")

    @classmethod
    def of(cls, record: SignInRecord, current: UUID | None) -> Self:
        """A stored sign-in."""
        fields = {name: getattr(record, name) for name in cls.model_fields if name != "current"}
        return cls(**fields, current=record.id == current)
