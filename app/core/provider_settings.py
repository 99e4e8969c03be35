"""`[providers]`: where keys may be read from, and prices of one's own.

Whoever may add a provider can send its key to any address, so a reference reads nothing that is not listed here, by
whoever runs the server.
"""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, model_validator

from app.core.section import Section

_MAX_USD = Decimal(1_000_000)


def _http_address(url: str | None) -> str | None:
    if url is not None and not re.fullmatch(r"https?://[^/\s?#@]+(/[^\s?#]*)?", url):
        raise ValueError("must be http://host[:port] or https://…, without credentials")
    return url.rstrip("/") if url is not None else None


def _absolute(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    for path in paths:
        if not path.is_absolute() or path == Path("/"):
            raise ValueError(f"{path} must be an absolute folder other than /")
    return paths


def _no_own_settings(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        if pattern.upper().startswith("LTB_"):
            raise ValueError(f"{pattern}: the service's own settings are never handed out")
    return patterns


HttpAddress = Annotated[str | None, AfterValidator(_http_address)]
Patterns = Annotated[tuple[str, ...], Field(max_length=1000)]
UsdPerMillion = Annotated[Decimal, Field(ge=0, le=_MAX_USD, allow_inf_nan=False)]


class VaultSettings(Section):
    """`[providers.vault]`"""

    address: HttpAddress = Field(None, description="HashiCorp Vault, for example https://vault.example:8200.")
    token: SecretStr | None = Field(None, description="A token that may read the secrets.")
    token_file: Path | None = Field(None, description="A file with the token, read at each use (as agents write it).")
    namespace: str | None = Field(None, description="Vault namespace.")
    ca_file: Path | None = Field(None, description="Certificates that sign Vault's own.")
    allow: Patterns = Field((), description='Paths that `vault:PATH#FIELD` may name, such as "secret/data/llm/*".')

    @model_validator(mode="after")
    def _complete(self) -> "VaultSettings":
        if self.allow and (self.address is None or (self.token is None) == (self.token_file is None)):
            raise ValueError("vault.allow needs vault.address and one of vault.token and vault.token_file")
        return self


class AwsSettings(Section):
    """`[providers.aws]`"""

    region: str | None = Field(None, description="Region of AWS Secrets Manager; by default that of the environment.")
    endpoint_url: HttpAddress = Field(None, description="Another address of it, such as a VPC endpoint.")
    allow: Patterns = Field((), description='Names that `aws:NAME[#FIELD]` may name, such as "llm/*".')


class KubernetesSettings(Section):
    """`[providers.kubernetes]`"""

    api_url: HttpAddress = Field("https://kubernetes.default.svc", description="Address of the API server.")
    token_file: Path = Field(
        Path("/var/run/secrets/kubernetes.io/serviceaccount/token"), description="Service account token, read each use."
    )
    ca_file: Path | None = Field(
        Path("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"), description="Certificates that sign the server's."
    )
    allow: Patterns = Field((), description='What `kubernetes:NAMESPACE/NAME#KEY` may name, such as "llm/*".')


class PriceSetting(Section):
    """One entry of `[[providers.prices]]`: US dollars per million tokens, as of a day."""

    kind: str = Field(min_length=1, max_length=32, description="Kind of provider.")
    model: str = Field(min_length=1, max_length=200, description="Model name; `*` and `?` stand for others.")
    input: UsdPerMillion = Field(description="Of input that is not cached.")
    output: UsdPerMillion = Field(description="Of output.")
    cache_read: UsdPerMillion | None = Field(None, description="Of input out of the cache; default as `input`.")
    cache_write: UsdPerMillion | None = Field(None, description="Of input into the cache; default as `input`.")
    cache_write_1h: UsdPerMillion | None = Field(
        None, description="Of input into a cache that keeps it for an hour; default as `cache_write`."
    )
    reasoning: UsdPerMillion | None = Field(None, description="Of reasoning; default as `output`.")
    per_request: UsdPerMillion = Field(Decimal(0), description="Of each request beside its tokens, in US dollars.")
    as_of: date = Field(description="The day that the price was looked up.")


class ProviderSettings(Section):
    """`[providers]`"""

    secret_env_allow: Annotated[Patterns, AfterValidator(_no_own_settings)] = Field(
        (), description='Variables that a key reference `env:NAME` may name, such as "OPENAI_API_KEY" or "LLM_*".'
    )
    secret_file_dirs: Annotated[tuple[Path, ...], AfterValidator(_absolute)] = Field(
        (), description="Folders whose files a key reference `file:/PATH` may name."
    )
    secret_cache_seconds: float = Field(
        10.0, ge=0, le=3600, description="How long a key read by reference is kept; a rotated key is used after that."
    )
    models_cache_seconds: float = Field(300.0, ge=0, le=86_400, description="How long a provider's model list is kept.")
    prices: tuple[PriceSetting, ...] = Field(
        (),
        max_length=10_000,
        description="Prices of your own, as tables `[[providers.prices]]`; the first whose kind and model fit wins.",
    )
    vault: VaultSettings = Field(default_factory=VaultSettings)
    aws: AwsSettings = Field(default_factory=AwsSettings)
    kubernetes: KubernetesSettings = Field(default_factory=KubernetesSettings)
