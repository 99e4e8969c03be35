"""Bodies of the provider endpoints."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from app.adapters import registry
from app.adapters.errors import ErrorKind
from app.core.pagination import Page
from app.core.validation import without_nul
from app.providers.definition_text import DefinitionField
from app.providers.secrets import MAX_REFERENCE_CHARACTERS

MAX_HEADERS = 32
MAX_API_KEY_CHARACTERS = 4096

_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")  # RFC 9110, section 5.6.2
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]{0,2048}")
_OWN_HEADERS = {"host", "content-length", "content-type", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
_SECRET_HEADER = re.compile(r"(?i)authorization|cookie|api-?key|token|secret|password|credential")


def _speaking_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            "must be 1 to 64 lower case letters, digits, '.', '_' and '-', and begin with a letter or a digit"
        )
    return name


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


def _reference(value: str) -> str:
    if not re.fullmatch(r"[a-z]+:[\x21-\x7e]+", value):
        raise ValueError(
            "must be env:NAME, file:/PATH, vault:PATH#FIELD, aws:NAME#FIELD or kubernetes:NAMESPACE/NAME#KEY"
        )
    return value


ProviderName = Annotated[
    str, AfterValidator(_speaking_name), WithJsonSchema({"type": "string", "pattern": _NAME.pattern, "maxLength": 64})
]
Kind = Annotated[str, StringConstraints(max_length=32), AfterValidator(_known_kind)]
BaseUrl = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2048)]
ApiKey = Annotated[SecretStr, Field(min_length=1, max_length=MAX_API_KEY_CHARACTERS), AfterValidator(_one_line)]
KeyReference = Annotated[str, StringConstraints(max_length=MAX_REFERENCE_CHARACTERS), AfterValidator(_reference)]
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


_REFERENCE = (
    "Instead of `api_key`: where the key is read from at each use. `env:NAME`, `file:/PATH`, `vault:PATH#FIELD`, "
    "`aws:NAME#FIELD` or `kubernetes:NAMESPACE/NAME#KEY`; only what `[providers]` in the configuration lists."
)


def _at_most_one_key(api_key: object, api_key_ref: object) -> None:
    if api_key is not None and api_key_ref is not None:
        raise ValueError("give api_key or api_key_ref, not both")


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
    api_key_ref: KeyReference | None = Field(None, description=_REFERENCE, examples=["env:OPENAI_API_KEY"])
    default_model: ModelName | None = Field(None, description="Offered first in forms.")
    options: ProviderOptions = Field(default_factory=ProviderOptions)
    definition: DefinitionField | None = Field(
        None,
        description="Of the kind `custom`, and required there: the document of its TOML file as JSON, or the text of "
        "that file. Holds no secret.",
    )
    is_enabled: bool = Field(True, description="Whether benchmarks may use it.")

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        _at_most_one_key(self.api_key, self.api_key_ref)
        return self


class ProviderUpdate(Body):
    """Changes to a provider: fields left out stay as they are; `api_key: null` forgets the key or its reference."""

    name: ProviderName | None = Field(None, description="Another name.")
    kind: Kind | None = Field(None, description="What speaks there.")
    base_url: BaseUrl | None = Field(
        None, description="Another scheme, host or port needs the API key again (or null), if one is stored."
    )
    api_key: ApiKey | None = Field(None, description="Another key; null forgets the stored one, or its reference.")
    api_key_ref: KeyReference | None = Field(None, description="Another reference; " + _REFERENCE)
    default_model: ModelName | None = Field(None, description="Offered first in forms; null for none.")
    options: ProviderOptions | None = Field(None, description="All options anew.")
    definition: DefinitionField | None = Field(
        None, description="The whole definition of a custom provider anew; as JSON or as text."
    )
    is_enabled: bool | None = Field(None, description="Whether benchmarks may use it.")

    @model_validator(mode="after")
    def _only_some_may_be_null(self) -> Self:
        _at_most_one_key(self.api_key, self.api_key_ref)
        nullable = {"api_key", "api_key_ref", "default_model"}
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
    has_api_key: bool = Field(description="Whether there is a key: stored, or by reference.")
    api_key_ref: str | None = Field(description="Where the key is read from; null when it is stored here.")
    default_model: str | None = Field(description="Offered first in forms.")
    options: ProviderOptions
    definition: dict[str, Any] | None = Field(description="Of the kind `custom`: how it is spoken to; else null.")
    is_enabled: bool = Field(description="Whether benchmarks may use it.")
    created_at: datetime = Field(description="When it was made.")
    updated_at: datetime = Field(description="When it was last changed.")


class CapabilitiesView(BaseModel):
    """What can be done: true, false, or null where it is not known or depends on the server."""

    streaming: bool | None = Field(description="Answers arrive while they are made.")
    vision: bool | None = Field(description="Takes images.")
    audio: bool | None = Field(description="Takes audio.")
    tools: bool | None = Field(description="Calls tools.")
    json_mode: bool | None = Field(description="Can be held to JSON.")
    embeddings: bool | None = Field(description="Benchmarks of embeddings can run.")
    context_length: int | None = Field(description="Tokens of prompt and answer, or of the prompt alone.")
    max_output_tokens: int | None = Field(description="Tokens of an answer.")


class KindView(BaseModel):
    """A kind of provider; of its capabilities, true means that some of its models have them."""

    kind: str = Field(description="Its name in `kind`.")
    title: str = Field(description="Its name for people.")
    default_base_url: str | None = Field(description="The vendor's own address; null means `base_url` is required.")
    has_list_prices: bool = Field(description="Whether list prices of its models are known.")
    capabilities: CapabilitiesView


class ProviderPage(Page[ProviderView]):
    """Configured providers, and the kinds that a new one may have."""

    kinds: list[KindView] = Field(description="Every known kind, on the first page; empty on later ones.")


class PriceView(BaseModel):
    """US dollars per million tokens, exact; null means no price of its own, so that of input or output holds."""

    input: Decimal | None = Field(description="Of input that is not cached.")
    output: Decimal | None = Field(description="Of output.")
    cache_read: Decimal | None = Field(description="Of input out of the cache.")
    cache_write: Decimal | None = Field(description="Of input into the cache.")
    reasoning: Decimal | None = Field(description="Of reasoning.")
    per_request: Decimal | None = Field(description="Of a request beside its tokens, in US dollars.")
    is_tiered: bool = Field(description="Long prompts cost more than this.")
    source: str = Field(description="`configuration`, or the table of list prices and its version.")
    as_of: date | None = Field(description="The day of the price, where one is told.")


class ModelView(BaseModel):
    """One model of a provider."""

    id: str = Field(description="Name of the model.")
    title: str | None = Field(description="Its name for people.")
    is_live: bool = Field(description="Whether the provider lists it now; false for one that is only known.")
    is_deprecated: bool | None = Field(description="Whether the vendor will withdraw it.")
    capabilities: CapabilitiesView
    price: PriceView | None = Field(description="Null when it is not known.")


class ModelList(BaseModel):
    """The models that a provider says it has, then further ones that are known of its vendor."""

    models: list[ModelView] = Field(description="As the provider orders them, then by what is known.")
    fetched_at: datetime = Field(description="When the provider was asked; lists are kept for a while.")


class HealthCompletion(BaseModel):
    """A completion of a few tokens that was asked for, and paid."""

    model: str = Field(description="Which model answered.")
    latency_ms: float = Field(description="Over a new connection; not a measurement.")
    text: str = Field(description="What it said, shortened.")
    input_tokens: int | None = Field(description="By the provider's own count.")
    output_tokens: int | None = Field(description="By the provider's own count.")
    cost_usd: Decimal | None = Field(description="Null when the price or the count is unknown.")


class RateLimitView(BaseModel):
    """One of the provider's rate limits, as its headers tell; null where they do not say."""

    limit: float | None = Field(None, description="How much there is.")
    remaining: float | None = Field(None, description="How much is left.")
    reset_seconds: float | None = Field(None, description="In how many seconds it is full again.")


class ProviderHealth(BaseModel):
    """Whether a provider answers control calls with the key in force."""

    status: Literal["ok", "unreachable", "unauthorized", "error"] = Field(description="How it went.")
    reachable: bool | None = Field(description="Whether something answered over HTTP; null when nothing was sent.")
    auth: Literal["ok", "refused", "unknown"] = Field(
        description="Of the key; unknown when there is none, or when the model list is open to everybody."
    )
    latency_ms: float | None = Field(description="Of the control call over a new connection; not a measurement.")
    message: str = Field(description="The same for people.")
    error_type: ErrorKind | None = Field(description="What a refusal means, whatever the provider calls it.")
    completion: HealthCompletion | None = Field(description="With `?completion=true`, when it worked.")
    rate_limits: dict[str, RateLimitView] = Field(
        default_factory=dict, description="By name, such as `requests` and `tokens`; empty when no headers came."
    )
    checked_at: datetime = Field(description="When.")
