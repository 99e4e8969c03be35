"""A real identity provider for tests: authlib's authorization server with OpenID Connect, on 127.0.0.1 in a thread.

It keeps the rules of the protocol (client secret, redirect address, PKCE, codes that work once). `faults` says what it
does wrong on purpose; each test sets what it wants and `reset` puts everything right again.
"""

import asyncio
import hmac
import json
import threading
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote_plus

import uvicorn
from authlib.common.security import generate_token
from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.util import create_half_hash
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID = "bench"
CLIENT_SECRET = "marker-oidc-client-secret:with %colon"
Key = RSAKey | ECKey


class _AnyHeader(JWSRegistry):
    """Lets the provider write headers that the standard forbids."""

    def check_header(self, header: Any) -> None:
        pass


_ANY_HEADER = _AnyHeader(algorithms=["RS256"])


@dataclass
class Faults:
    """What the provider does, and does wrong."""

    claims: dict[str, Any] = field(default_factory=dict)
    """Replaces claims of the ID token; None removes one."""
    header: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    token_answer: Callable[[dict[str, Any]], Response] | None = None
    discovery: dict[str, Any] = field(default_factory=dict)
    discovery_answer: Callable[[dict[str, Any]], Response] | None = None
    key_set: list[Any] = field(default_factory=list)
    """What stands in the key set before the keys in force."""
    error: str | None = None
    answer_issuer: str | None = "own"
    """The `iss` parameter of the authorisation answer: "own", another one, or None for no parameter."""
    delay_seconds: float = 0.0
    key_sets_asked: int = 0
    user_info: dict[str, Any] = field(default_factory=dict)


@dataclass
class Code:
    """An authorization code and what it was given for."""

    code: str
    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


class Client:
    """The only client: this project's service."""

    client_id = CLIENT_ID
    redirect_prefixes = ("http://127.0.0.1:", "http://localhost:", "https://bench.example/")

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, uri: str) -> bool:
        return uri.startswith(self.redirect_prefixes) and uri.endswith("/callback")

    def check_client_secret(self, secret: str) -> bool:
        return secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in {"client_secret_basic", "client_secret_post"}

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class _FormRequest(OAuth2Request):  # type: ignore[misc]
    """authlib's client authentication reads the form where frameworks keep it."""

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data  # type: ignore[no-any-return]


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["client_secret_basic", "client_secret_post"]

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        data = request.payload.data
        self.server.codes[code] = Code(
            code,
            request.client.client_id,
            data["redirect_uri"],
            data["scope"],
            data.get("nonce"),
            data.get("code_challenge"),
            data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return self.server.codes.get(code)  # type: ignore[no-any-return]

    def delete_authorization_code(self, authorization_code: Code) -> None:
        self.server.codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code: Code) -> str:
        return "someone"


class _Server(AuthorizationServer):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, Code] = {}
        self.register_token_generator("default", BearerTokenGenerator(lambda **_: generate_token(42)))
        self.register_grant(CodeGrant, [CodeChallenge(required=True)])

    def query_client(self, client_id: str) -> Client | None:
        return Client() if client_id == CLIENT_ID else None

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        token["nonce"] = request.authorization_code.nonce

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        pass

    def handle_response(self, status: int, payload: Any, headers: Any) -> tuple[int, Any, dict[str, str]]:
        return status, payload, dict(headers)


class IdentityProvider:
    """The provider; `url` is its issuer."""

    def __init__(self) -> None:
        self.user: dict[str, Any] = {}
        self.faults = Faults()
        self.keys: list[Key] = []
        self.key = self.new_key()
        self._server = _Server()
        self.port = 0
        self.reset()

    def reset(self) -> None:
        self.faults = Faults()
        self.keys = [self.key]
        self.user = {"sub": "u-1", "preferred_username": "alice", "email": "alice@example.com", "email_verified": True}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def new_key(self, kid: str | None = None) -> Key:
        return RSAKey.generate_key(2048, {"kid": kid or generate_token(8), "use": "sig"})

    def sign(self, claims: dict[str, Any], header: dict[str, Any] | None = None) -> str:
        """A token signed by the provider's key in force (the last one)."""
        key = self.keys[-1]
        return jwt.encode({"alg": "RS256", "kid": key.kid, **(header or {})}, claims, key, registry=_ANY_HEADER)

    def sign_with_public_key(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """The attack: HS256, with the public key's PEM as the shared secret."""
        # By hand: joserfc refuses to do it.
        public = self.keys[-1].as_pem(private=False)
        signed = f"{_encoded({**header, 'alg': 'HS256'})}.{_encoded(claims)}"
        digest = hmac.new(public, signed.encode(), "sha256").digest()
        return f"{signed}.{urlsafe_b64encode(digest).decode().rstrip('=')}"

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._user_info),
                Route("/end", self._end),
            ]
        )

    async def _discovery(self, _request: Request) -> Response:
        await self._be_slow()
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "authorization_response_iss_parameter_supported": True,
        }
        document |= self.faults.discovery
        return self.faults.discovery_answer(document) if self.faults.discovery_answer else JSONResponse(document)

    async def _jwks(self, _request: Request) -> Response:
        self.faults.key_sets_asked += 1
        return JSONResponse({"keys": [*self.faults.key_set, *(key.as_dict(private=False) for key in self.keys)]})

    async def _authorize(self, request: Request) -> Response:
        """What follows after the user has typed the password here."""
        query = dict(request.query_params)
        if self.faults.error is not None:
            return RedirectResponse(
                f"{query['redirect_uri']}?error={self.faults.error}&error_description=%3Cb%3Emarker-description"
                f"&state={query['state']}&iss={self.url}",
                302,
            )
        asked = OAuth2Request("GET", f"https://idp/{request.url.path}?{request.url.query}", headers={})
        asked.payload = BasicOAuth2Payload(query)
        status, payload, headers = self._server.create_authorization_response(
            asked, grant_user="someone", grant=self._server.get_consent_grant(asked, "someone")
        )
        location = headers.get("Location")
        if location is None:
            return HTMLResponse(str(payload), status)
        issuer = self.url if self.faults.answer_issuer == "own" else self.faults.answer_issuer
        return RedirectResponse(location + (f"&iss={issuer}" if issuer else ""), 302)

    async def _token(self, request: Request) -> Response:
        await self._be_slow()
        form = dict(parse_qsl((await request.body()).decode()))
        headers = {name.title(): value for name, value in request.headers.items()}
        if "Authorization" in headers:
            headers["Authorization"] = _decoded(headers["Authorization"])
        asked = _FormRequest("POST", "https://idp/token", headers=headers)
        asked.payload = BasicOAuth2Payload(form)
        status, token, headers = await run_in_threadpool(self._server.create_token_response, asked)
        if status != 200:
            return JSONResponse(token, status)
        nonce = token.pop("nonce")
        token["id_token"] = self._id_token(nonce, token["access_token"])
        return self.faults.token_answer(token) if self.faults.token_answer else JSONResponse(token)

    def _id_token(self, nonce: str, access_token: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "at_hash": create_half_hash(access_token, "RS256").decode(),
            **self.user,
            **self.faults.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": self.keys[-1].kid, **self.faults.header}
        if self.faults.sign is not None:
            return self.faults.sign(header, claims)
        return self.sign(claims, self.faults.header)

    async def _user_info(self, request: Request) -> Response:
        return JSONResponse({"sub": self.user["sub"], **self.faults.user_info})

    async def _end(self, request: Request) -> Response:
        return RedirectResponse(request.query_params["post_logout_redirect_uri"], 302)

    async def _be_slow(self) -> None:
        until = time.monotonic() + self.faults.delay_seconds
        # A reset, which comes from another thread, ends it.
        while self.faults.delay_seconds and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def _encoded(part: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _decoded(authorization: str) -> str:
    """RFC 6749 section 2.3.1: both halves are form-encoded; authlib's server takes them as they are."""
    user, _, secret = b64decode(authorization.split()[1]).decode().partition(":")
    return "Basic " + b64encode(f"{unquote_plus(user)}:{unquote_plus(secret)}".encode()).decode()


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """A provider that serves until the block ends."""
    provider = IdentityProvider()
    server = uvicorn.Server(uvicorn.Config(provider.app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    provider.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join(10)
