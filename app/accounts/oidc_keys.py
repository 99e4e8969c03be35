"""A provider's discovery document and signing keys, kept for an hour and asked for again when a key is unknown.

OpenID Connect Discovery 1.0 (sections 4.2, 4.3) and RFC 7517. Keys rotate: a token with an unknown key id causes one
fetch, at most one a minute, so that made-up key ids cannot make this server hammer the provider.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from app.accounts.oidc_errors import OidcAnswerError, OidcUnreachableError
from app.accounts.oidc_http import ProviderHttp
from app.core.oidc_settings import OidcSettings

KEEP_SECONDS = 3600.0
REFETCH_SECONDS = 60.0
MAX_KEYS = 100
_MIN_RSA_BITS = 2048
_KEY_TYPES = ("RSA", "EC", "OKP")  # never `oct`: a shared secret among public keys is an attack

Found = TypeVar("Found")
PublicKey = RSAKey | ECKey | OKPKey


@dataclass(frozen=True, slots=True)
class Discovery:
    """What the discovery document says, checked."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    signing_algorithms: tuple[str, ...]
    token_auth_methods: tuple[str, ...]
    sends_issuer: bool
    """Whether every authorisation answer carries `iss` (RFC 9207)."""


class ProviderKeys:
    """Discovery and keys of one provider, shared by all requests of this process."""

    def __init__(
        self, settings: OidcSettings, http: ProviderHttp, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._http = http
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._discovery: tuple[float, Discovery] | None = None
        self._keys: tuple[float, tuple[PublicKey, ...]] | None = None
        self._last_forced: float | None = None
        self._failed: tuple[float, OidcUnreachableError] | None = None

    async def discovery(self) -> Discovery:
        """The provider's endpoints.

        Raises:
            OidcUnreachableError, OidcAnswerError: they cannot be had, or are not usable.
        """
        return await self._alone(self._discover)

    async def candidates(self, key_id: str | None, algorithm: str) -> list[PublicKey]:
        """The keys that a token with this header may be signed with, after one fetch more when there is none."""

        async def known_or_new() -> list[PublicKey]:
            return _matching(await self._fetched(), key_id, algorithm) or await self._anew(key_id, algorithm)

        return await self._alone(known_or_new)

    async def newer(self, key_id: str | None, algorithm: str) -> list[PublicKey]:
        """The same after one fetch more, because none of `candidates` fits: a key may change and keep its id, or none.

        Empty when there was a fetch more less than a minute ago.
        """
        return await self._alone(partial(self._anew, key_id, algorithm))

    async def _alone(self, ask: Callable[[], Awaitable[Found]]) -> Found:
        """`ask`, one caller after the other.

        Those who wait while the provider does not answer hear the same, or each would wait for its time-out in turn.
        """
        began = self._monotonic()
        async with self._lock:
            if self._failed is not None and self._failed[0] >= began:
                raise type(self._failed[1])(self._failed[1].message)
            try:
                return await ask()
            except OidcUnreachableError as error:
                self._failed = (self._monotonic(), error)
                raise

    async def _anew(self, key_id: str | None, algorithm: str) -> list[PublicKey]:
        now = self._monotonic()
        if self._last_forced is not None and now - self._last_forced < REFETCH_SECONDS:
            return []
        self._last_forced = now
        return _matching(await self._fetch(await self._discover()), key_id, algorithm)

    async def _discover(self) -> Discovery:
        if self._discovery is None or self._monotonic() >= self._discovery[0] + KEEP_SECONDS:
            url = f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            document = await self._http.get(url)
            self._discovery = (self._monotonic(), self._read(document))
        return self._discovery[1]

    async def _fetched(self) -> tuple[PublicKey, ...]:
        discovery = await self._discover()
        if self._keys is None or self._monotonic() >= self._keys[0] + KEEP_SECONDS:
            return await self._fetch(discovery)
        return self._keys[1]

    async def _fetch(self, discovery: Discovery) -> tuple[PublicKey, ...]:
        keys = _usable_keys(await self._http.get(discovery.jwks_uri))
        self._keys = (self._monotonic(), keys)
        return keys

    def _read(self, document: dict[str, Any]) -> Discovery:
        if document.get("issuer") != self._settings.issuer:
            # Section 4.3: identical, or another issuer's keys would speak for this one.
            raise OidcAnswerError("the discovery document is of another issuer than the configured one")
        return Discovery(
            authorization_endpoint=self._endpoint(document, "authorization_endpoint"),
            token_endpoint=self._endpoint(document, "token_endpoint"),
            jwks_uri=self._endpoint(document, "jwks_uri"),
            userinfo_endpoint=self._optional(document, "userinfo_endpoint"),
            end_session_endpoint=self._optional(document, "end_session_endpoint"),
            signing_algorithms=_texts(document, "id_token_signing_alg_values_supported") or ("RS256",),
            token_auth_methods=_texts(document, "token_endpoint_auth_methods_supported") or ("client_secret_basic",),
            sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _endpoint(self, document: dict[str, Any], name: str) -> str:
        url = document.get(name)
        if not isinstance(url, str):
            raise OidcAnswerError(f"the discovery document has no {name}")
        return self._http.check_scheme(url, name)

    def _optional(self, document: dict[str, Any], name: str) -> str | None:
        return self._endpoint(document, name) if document.get(name) else None


def _texts(document: dict[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _usable_keys(document: dict[str, Any]) -> tuple[PublicKey, ...]:
    keys = document.get("keys")
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise OidcAnswerError(f"the key set has no list of at most {MAX_KEYS} keys")
    return tuple(key for key in map(_usable_key, keys) if key is not None)


def _usable_key(raw: object) -> PublicKey | None:
    # Keys of kinds that are not known here may stand among the others (RFC 7517, section 5).
    if not isinstance(raw, dict) or raw.get("kty") not in _KEY_TYPES or raw.get("use") not in (None, "sig"):
        return None
    public: dict[str, str | list[str]] = {
        name: value for name, value in raw.items() if isinstance(value, str) and name not in {"d", "p", "q"}
    }
    try:
        key = import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAKey) and key.raw_value.key_size < _MIN_RSA_BITS:
        return None
    return key if isinstance(key, PublicKey) else None


def _matching(keys: tuple[PublicKey, ...], key_id: str | None, algorithm: str) -> list[PublicKey]:
    kind = {"R": "RSA", "P": "RSA", "E": "OKP" if algorithm == "EdDSA" else "EC"}[algorithm[0]]
    return [
        key
        for key in keys
        if key.key_type == kind and key.get("alg") in {None, algorithm} and (key_id is None or key.get("kid") == key_id)
    ]
