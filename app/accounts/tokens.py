"""Access tokens (JWT, RFC 7519, HS256 only) and the opaque secrets behind refresh tokens and API keys.

Opaque secrets carry 238 bits, so a keyed fast hash (HMAC-SHA256 with a pepper that is not in the database) stores
them; a slow salted one could not be looked up.
"""

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from jose import JWTError, jwt

from app.core.clock import Clock
from app.core.errors import UnauthorizedError
from app.core.ids import new_id
from app.core.keyring import Keyring

ALGORITHM = "HS256"
ISSUER = "llm-test-bench"
AUDIENCE = "llm-test-bench-api"
API_KEY_MARK = "ltb"
REFRESH_MARK = "ltr"
MAX_TOKEN_CHARACTERS = 4096

_ALPHABET = string.ascii_letters + string.digits
_SECRET_CHARACTERS = 40  # log2(62**40) = 238 bits
_PREFIX_CHARACTERS = 10
_API_KEY = re.compile(r"ltb_([A-Za-z0-9]{10})_([A-Za-z0-9]{40})")
_LEEWAY = timedelta(seconds=5)
_MAX_GENUINE = 10_000
_CLAIM_OPTIONS = {
    **{f"require_{claim}": True for claim in ("aud", "iat", "iss", "sub", "jti")},
    "verify_exp": False,  # checked below, by the service's own clock
}


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a valid access token says."""

    user_id: UUID
    family_id: UUID
    token_id: UUID
    expires_at: datetime


class AccessTokens:
    """Signs and reads access tokens.

    A signature that was right once stays right, so it is checked once per token: checking takes longer than everything
    else in a small request. Whether the token still counts (its expiry, its sign-in, its user) is asked each time.
    """

    def __init__(self, keyring: Keyring, clock: Clock, life: timedelta) -> None:
        self._key = keyring.derive("jwt").hex()
        self._clock = clock
        self._genuine: dict[bytes, AccessClaims] = {}
        self.life = life

    def issue(self, user_id: UUID, family_id: UUID) -> str:
        """A token for `user_id`, valid until it expires or the sign-in `family_id` is revoked."""
        now = self._clock.now()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "fam": str(family_id),
            "jti": str(new_id()),
            "iat": int(now.timestamp()),
            "exp": int((now + self.life).timestamp()),
            "typ": "access",
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def read(self, token: str, *, allow_expired: bool = False) -> AccessClaims:
        """The claims of a genuine token.

        Raises:
            UnauthorizedError: forged, of another kind, or expired.
        """
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        found = self._genuine.get(digest)
        if found is None:
            found = self._checked(token)
            if len(self._genuine) >= _MAX_GENUINE:
                self._genuine.clear()
            self._genuine[digest] = found
        if not allow_expired and self._clock.now() >= found.expires_at + _LEEWAY:
            raise UnauthorizedError("the access token has expired; refresh it or sign in again")
        return found

    def _checked(self, token: str) -> AccessClaims:
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self._key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options=_CLAIM_OPTIONS
            )
            if claims.get("typ") != "access":
                raise UnauthorizedError("this is not an access token")
            return AccessClaims(
                user_id=UUID(claims["sub"]),
                family_id=UUID(claims["fam"]),
                token_id=UUID(claims["jti"]),
                expires_at=datetime.fromtimestamp(int(claims["exp"]), tz=self._clock.now().tzinfo),
            )
        except (JWTError, KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            raise UnauthorizedError("the access token is not valid") from None


class ApiKeyText(NamedTuple):
    """An API key taken apart."""

    prefix: str
    secret: str

    def __str__(self) -> str:
        return f"{API_KEY_MARK}_{self.prefix}_{self.secret}"


class OpaqueSecrets:
    """Makes and hashes refresh tokens and API keys."""

    def __init__(self, keyring: Keyring) -> None:
        self._pepper = keyring.derive("token-pepper")
        self._successor_key = keyring.derive("refresh-successor")

    def new_refresh_token(self) -> str:
        """A fresh refresh token."""
        return f"{REFRESH_MARK}_{_random(_SECRET_CHARACTERS)}"

    def new_salt(self) -> str:
        """What makes the successor of a refresh token its own."""
        return secrets.token_hex(16)

    def successor(self, refresh_token: str, salt: str) -> str:
        """The refresh token after `refresh_token`: whoever lacks any of the three (key, token, salt) cannot tell it."""
        digest = hmac.new(self._successor_key, f"{salt}:{refresh_token}".encode(), hashlib.sha256).digest()
        return f"{REFRESH_MARK}_{digest.hex()}"

    def new_api_key(self) -> ApiKeyText:
        """A fresh API key."""
        return ApiKeyText(_random(_PREFIX_CHARACTERS), _random(_SECRET_CHARACTERS))

    def hash(self, secret: str) -> str:
        """What is stored instead of `secret`: 64 hexadecimal digits."""
        return hmac.new(self._pepper, secret.encode(), hashlib.sha256).hexdigest()

    def matches(self, secret: str, stored: str) -> bool:
        """Whether `secret` has the stored hash, in constant time."""
        return hmac.compare_digest(self.hash(secret), stored)


def parse_api_key(text: str) -> ApiKeyText | None:
    """The parts of `ltb_<prefix>_<secret>`, or None when it has another form."""
    match = _API_KEY.fullmatch(text)
    return ApiKeyText(match[1], match[2]) if match else None


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
