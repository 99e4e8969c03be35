"""Bodies of the provider endpoints."""

import re
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from app.adapters import registry
from app.core.validation import without_nul

MAX_HEADERS = 32
MAX_API_KEY_CHARACTERS = 4096

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")  # RFC 9110, section 5.6.2
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]{0,2048}")
_OWN_HEADERS = {"host", "content-length", "content-type", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
_SECRET_HEADER = re.compile(r"(?i)authorization|cookie|api-?key|token|secret|password|credential")


def _known_kind(kind: str) -> str:
    if kind not in registry.names():
        raise ValueError(f"unknown kind; use one of {', '.join(registry.names())}")
    return kind


def _safe_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"{name!r} is not a header: use printable ASCII, at most 128 and 2048 characters")
        if name.lower() in _OWN_HEADERS:
            raise ValueError(f"{name!r} is set by the service itself")
        if _SECRET_HEADER.search(name):
            raise ValueError(f"{name!r} looks like a credential: headers are not kept secret, put it into api_key")
    return headers


def _one_line(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]+", value.get_secret_value()):
        raise ValueError("must be printable ASCII without spaces")
    return value


ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Kind = Annotated[str, StringConstraints(max_length=32), AfterValidator(_known_kind)]
BaseUrl = Annotated[str, StringConstraints(strip_whitespace=True, min_length=8, max_length=2048)]
ApiKey = Annotated[SecretStr, Field(min_length=1, max_length=MAX_API_KEY_CHARACTERS), AfterValidator(_one_line)]
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(without_nul)]


class Body(BaseModel):
    """A request body: unknown fields are refused, values are never converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ProviderOptions(Body):
    """How requests to the provider differ from the plain ones."""

    headers: Annotated[dict[str, str], AfterValidator(_safe_headers)] = Field(
        default_factory=dict, max_length=MAX_HEADERS, description="Further request headers; not for credentials."
    )
    verify_tls: bool = Field(True, description="Check the server's certificate.")


class ProviderCreate(Body):
    """A new provider."""

    name: ProviderName = Field(description="How benchmarks name it.", examples=["local"])
    kind: Kind = Field(description="What speaks there.", examples=["openai-compatible"])
    base_url: BaseUrl | None = Field(
        None,
        description="By default the vendor's own address, where the kind has one.",
        examples=["http://127.0.0.1:9000/v1"],
    )
    api_key: ApiKey | None = Field(None, description="Stored encrypted, never shown again.")
    default_model: ModelName | None = Field(None, description="Offered first in forms.")
    options: ProviderOptions = Field(default_factory=ProviderOptions)
    is_enabled: bool = Field(True, description="Whether benchmarks may use it.")


class ProviderUpdate(Body):
    """Changes to a provider: fields left out stay as they are; `api_key: null` forgets the key."""

    name: ProviderName | None = Field(None, description="Another name.")
    kind: Kind | None = Field(None, description="What speaks there.")
    base_url: BaseUrl | None = Field(
        None, description="Another scheme, host or port needs the API key again (or null), if one is stored."
    )
    api_key: ApiKey | None = Field(None, description="Another key; null forgets the stored one.")
    default_model: ModelName | None = Field(None, description="Offered first in forms; null for none.")
    options: ProviderOptions | None = Field(None, description="All options anew.")
    is_enabled: bool | None = Field(None, description="Whether benchmarks may use it.")

    @model_validator(mode="after")
    def _only_some_may_be_null(self) -> Self:
        nullable = {"api_key", "default_model"}
        for name in self.model_fields_set - nullable:
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null; leave it out to keep it")
        return self


class ProviderView(BaseModel):
    """A provider as the API shows it: without its key."""

    id: UUID = Field(description="Its id.")
    name: str = Field(description="How benchmarks name it.")
    kind: str = Field(description="What speaks there.")
    base_url: str = Field(description="Its address.")
    has_api_key: bool = Field(description="Whether a key is stored.")
    default_model: str | None = Field(description="Offered first in forms.")
    options: ProviderOptions
    is_enabled: bool = Field(description="Whether benchmarks may use it.")
    created_at: datetime = Field(description="When it was made.")
    updated_at: datetime = Field(description="When it was last changed.")


class ModelView(BaseModel):
    """One model of a provider."""

    id: str = Field(description="Name of the model.")


class ModelList(BaseModel):
    """The models that a provider says it has."""

    models: list[ModelView] = Field(description="As the provider orders them.")
    fetched_at: datetime = Field(description="Lists are kept for half a minute.")


class ProviderHealth(BaseModel):
    """Whether a provider answers a free control call with the stored key."""

    status: Literal["ok", "unreachable", "unauthorized", "error"] = Field(description="How it went.")
    latency_ms: float | None = Field(description="Of the control call over a new connection; not a measurement.")
    message: str = Field(description="The same for people.")
    checked_at: datetime = Field(description="When.")
