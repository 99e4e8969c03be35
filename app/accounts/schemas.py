"""Bodies of the sign-in and API-key endpoints."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.accounts.passwords import MAX_PASSWORD_CHARACTERS
from app.accounts.permissions import Permission
from app.accounts.tokens import MAX_TOKEN_CHARACTERS
from app.core.validation import without_nul


class Body(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LoginBody(Body):
    """Who signs in."""

    username: str = Field(min_length=1, max_length=64, examples=["admin"], description="Name of the user.")
    password: str = Field(
        min_length=1,
        max_length=MAX_PASSWORD_CHARACTERS,
        examples=["correct horse battery staple"],
        description="Their password.",
    )


class RefreshBody(Body):
    """The refresh token, for clients without cookies."""

    refresh_token: str = Field(
        min_length=1, max_length=MAX_TOKEN_CHARACTERS, description="As the sign-in or the last refresh gave it."
    )


class UserView(BaseModel):
    """A user as the API shows it."""

    id: UUID = Field(description="Id of the user.")
    username: str = Field(description="Name to sign in with.")
    role: str = Field(description="Name of the user's role.", examples=["user"])
    team: str | None = Field(description="Whom `team` means when the user shares a benchmark.")
    permissions: list[Permission] = Field(description="In force for this request: an API key may narrow the role's.")


class SignedIn(BaseModel):
    """Tokens of a sign-in. Browsers get both as HttpOnly cookies too and need not read them."""

    access_token: str = Field(description="For `Authorization: Bearer …`.")
    token_type: Literal["bearer"] = "bearer"
    expires_in: int = Field(description="Seconds until the access token expires.", examples=[900])
    refresh_token: str = Field(description="Good for one refresh; using it twice ends the sign-in.")
    user: UserView = Field(description="Who has signed in.")


class ApiKeyCreate(Body):
    """A new API key."""

    name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(without_nul)
    ] = Field(description="What it is for.", examples=["nightly job"])
    scopes: list[Permission] | None = Field(
        None, min_length=1, max_length=len(Permission), description="At most the caller's own; by default all of them."
    )
    expires_in_days: float | None = Field(None, gt=0, le=3650, description="By default it does not expire.")


class ApiKeyView(BaseModel):
    """An API key without its secret."""

    id: UUID = Field(description="Its id.")
    name: str = Field(description="What it is for.")
    prefix: str = Field(description="How the key begins.", examples=["ltb_Ab3dE6gH9j"])
    scopes: list[Permission] = Field(description="What it may do, at most.")
    created_at: datetime = Field(description="When it was made.")
    expires_at: datetime | None = Field(description="Null when it does not expire.")
    last_used_at: datetime | None = Field(description="Exact to a minute.")
    last_used_address: str | None = Field(description="Where that was from.")


class ApiKeyCreated(ApiKeyView):
    """A fresh API key; the only answer that carries the key itself."""

    key: str = Field(description="Shown this once; it cannot be read again.", examples=["ltb_Ab3dE6gH9j_…"])
