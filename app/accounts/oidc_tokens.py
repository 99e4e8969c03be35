"""Reading an ID token: signature, then every claim that says it is for us, from whom we asked, now.

OpenID Connect Core 1.0, section 3.1.3.7; signatures by joserfc, claims by authlib. The header chooses among keys that
the provider publishes and algorithms that are allowed; keys and addresses inside the header (`jwk`, `jku`, `x5u`) are
never used.
"""

import base64
from collections.abc import Sequence
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyCurveError, JoseError, KeyParameterError

from app.accounts.oidc_errors import OidcAnswerError
from app.accounts.oidc_http import json_object
from app.accounts.oidc_keys import ProviderKeys, PublicKey
from app.core.oidc_settings import OidcSettings

MAX_TOKEN_CHARACTERS = 64 * 1024
MAX_SUBJECT_CHARACTERS = 255
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_LOGOUT_TOKEN_LIFE_SECONDS = 300


async def read_signed(token: object, keys: ProviderKeys, settings: OidcSettings) -> jwt.Token:
    """Header and claims of a token that the provider signed; the claims are not checked yet.

    Raises:
        OidcAnswerError: it is no such token.
        OidcUnreachableError: the provider's keys cannot be had.
    """
    if not isinstance(token, str) or len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
        raise OidcAnswerError("there is no ID token in the answer, or an oversize one")
    header = _header(token)
    algorithm = header.get("alg")
    announced = (await keys.discovery()).signing_algorithms
    if not isinstance(algorithm, str) or algorithm not in settings.algorithms or algorithm not in announced:
        raise OidcAnswerError("the ID token is not signed with an allowed algorithm")
    key_id = header.get("kid")
    if key_id is not None and not isinstance(key_id, str):
        raise OidcAnswerError("the ID token's key id is not text")
    candidates = await keys.candidates(key_id, algorithm)
    if not candidates:
        raise OidcAnswerError("the ID token is signed with a key that the provider does not publish")
    found = _verified(token, candidates, algorithm) or _verified(token, await keys.newer(key_id, algorithm), algorithm)
    if found is None:
        raise OidcAnswerError("the ID token's signature is wrong")
    return found


def _verified(token: str, candidates: Sequence[PublicKey], algorithm: str) -> jwt.Token | None:
    for key in candidates:
        try:
            return jwt.decode(token, key, algorithms=[algorithm])
        except (BadSignatureError, InvalidKeyCurveError, KeyParameterError):  # another key's, of those without an id
            continue
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise OidcAnswerError(f"the ID token cannot be read: {type(error).__name__}") from None
    return None


def check_id_token(
    token: jwt.Token, settings: OidcSettings, *, nonce: str, access_token: str | None, now_seconds: int
) -> dict[str, Any]:
    """The claims of a token that was made for this client, by this issuer, for this sign-in, and holds now.

    Raises:
        OidcAnswerError: naming the claim that is wrong, never its value.
    """
    claims = CodeIDToken(
        token.claims,
        token.header,
        {
            "iss": {"essential": True, "value": settings.issuer},
            "sub": {"essential": True},
            "aud": {"essential": True, "value": settings.client_id},
            "exp": {"essential": True},
            "iat": {"essential": True},
            "nonce": {"essential": True},
        },
        {"nonce": nonce, "client_id": settings.client_id, "access_token": access_token},
    )
    try:
        claims.validate(now=now_seconds, leeway=settings.clock_skew_seconds)
    except JoseError as error:
        raise OidcAnswerError(f"the ID token is not acceptable: {error}") from None
    except (TypeError, ValueError, KeyError, OverflowError):
        raise OidcAnswerError("a claim of the ID token has a wrong type") from None
    if len(claims["sub"]) > MAX_SUBJECT_CHARACTERS or "\0" in claims["sub"]:
        raise OidcAnswerError("the ID token's subject is too long")
    return dict(claims)


def check_logout_token(token: jwt.Token, settings: OidcSettings, *, now_seconds: int) -> str:
    """The subject who has signed out, says a token that was made for this client just now.

    OpenID Connect Back-Channel Logout 1.0, section 2.6. Its final text requires `exp`; older providers send none.

    Raises:
        OidcAnswerError: it is no such token.
    """
    claims = token.claims
    registry = jwt.JWTClaimsRegistry(
        now=now_seconds,
        leeway=int(settings.clock_skew_seconds),
        iss={"essential": True, "value": settings.issuer},
        aud={"essential": True, "value": settings.client_id},
        iat={"essential": True},
        sub={"essential": True},
    )
    try:
        registry.validate(claims)
    except (JoseError, TypeError, ValueError, OverflowError) as error:
        raise OidcAnswerError(f"the logout token is not acceptable: {error}") from None
    events, subject = claims.get("events"), str(claims["sub"])
    if now_seconds - claims["iat"] > _LOGOUT_TOKEN_LIFE_SECONDS:
        raise OidcAnswerError("the logout token is too old")
    if not isinstance(events, dict) or _LOGOUT_EVENT not in events or "nonce" in claims:
        raise OidcAnswerError("the token is no logout token")  # an ID token must not end anything
    if "\0" in subject:
        raise OidcAnswerError("the logout token names no subject")
    return subject


def _header(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        raise OidcAnswerError("the ID token is not a signed token of three parts")
    try:
        raw = base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4))
    except ValueError:
        raise OidcAnswerError("the ID token's header is not base64url") from None
    header = json_object(raw)
    if "crit" in header:
        raise OidcAnswerError("the ID token needs an extension that is not understood")
    return header
