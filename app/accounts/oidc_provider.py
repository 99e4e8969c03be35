"""One identity provider, as this server talks to it: where to send the browser, and what its answer proves."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import structlog
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from app.accounts import oidc_identity
from app.accounts.oidc_errors import (
    OidcAnswerError,
    OidcConfigError,
    OidcDeniedError,
    OidcFlowError,
    OidcUnreachableError,
)
from app.accounts.oidc_flow import Flow
from app.accounts.oidc_http import ProviderHttp
from app.accounts.oidc_identity import ExternalUser
from app.accounts.oidc_keys import Discovery, ProviderKeys
from app.accounts.oidc_tokens import check_id_token, read_signed
from app.core.clock import Clock
from app.core.oidc_settings import OidcSettings

log = structlog.get_logger(__name__)

_MAX_SECRET_BYTES = 4096
_DENIED = {"access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required"}
_CLIENT_FAULTS = {"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}
_MAX_CODE_CHARACTERS = 4096


class OidcProvider:
    """One configured provider. Keeps its discovery document and keys."""

    def __init__(self, settings: OidcSettings, clock: Clock, fallback_role: str) -> None:
        self.settings = settings
        self._clock = clock
        self._fallback_role = fallback_role
        self._http = ProviderHttp(settings)
        self.keys = ProviderKeys(settings, self._http)

    async def authorization_url(self, flow: Flow) -> str:
        """Where the browser goes to sign in (RFC 6749 section 4.1.1, RFC 7636, OpenID Connect Core 3.1.2.1)."""
        discovery = await self.keys.discovery()
        return str(
            prepare_grant_uri(
                discovery.authorization_endpoint,
                client_id=self.settings.client_id,
                response_type="code",
                redirect_uri=flow.redirect_uri,
                scope=" ".join(self.settings.scopes),
                state=flow.state,
                nonce=flow.nonce,
                code_challenge=create_s256_code_challenge(flow.verifier),
                code_challenge_method="S256",
            )
        )

    async def logout_url(self, back_to: str) -> str | None:
        """Where the browser goes to end the sign-in at the provider, or None when it announces no such place.

        OpenID Connect RP-Initiated Logout 1.0, with `client_id` and no `id_token_hint`: ID tokens are not kept.
        """
        discovery = await self.keys.discovery()
        if discovery.end_session_endpoint is None:
            return None
        parameters = [("client_id", self.settings.client_id), ("post_logout_redirect_uri", back_to)]
        return str(add_params_to_uri(discovery.end_session_endpoint, parameters))

    async def finish(self, flow: Flow, answer: Mapping[str, str]) -> ExternalUser:
        """Who the answer of the authorisation endpoint proves to be there.

        Raises:
            OidcError: nobody, or nobody who may sign in.
        """
        discovery = await self.keys.discovery()
        self._check_issuer(answer, discovery)
        if "error" in answer:
            error = answer["error"][:64]
            log.warning("an identity provider declined", provider=self.settings.name, error=error)
            if error in _DENIED:
                raise OidcDeniedError(f"the provider answered {error!r}")
            if error in {"server_error", "temporarily_unavailable"}:
                raise OidcUnreachableError(f"the provider answered {error!r}")
            raise OidcConfigError(f"the provider answered {error!r}")
        code = answer.get("code", "")
        if not code or len(code) > _MAX_CODE_CHARACTERS:
            raise OidcAnswerError("the provider's answer has no code, or an oversize one")
        return await self._identify(flow, await self._exchange(flow, code, discovery), discovery)

    def _check_issuer(self, answer: Mapping[str, str], discovery: Discovery) -> None:
        # RFC 9207 section 2.4: defeats a provider that passes on the code which another one gave (mix-up).
        issuer = answer.get("iss")
        if (issuer is None and discovery.sends_issuer) or (issuer is not None and issuer != self.settings.issuer):
            raise OidcFlowError("the answer comes from another issuer than the sign-in went to")

    async def _exchange(self, flow: Flow, code: str, discovery: Discovery) -> dict[str, Any]:
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=flow.redirect_uri, code_verifier=flow.verifier
        )
        _, headers, body = self._client_auth(discovery).prepare("POST", discovery.token_endpoint, {}, body)
        status, answer = await self._http.post(discovery.token_endpoint, headers, body)
        if status != 200 or "error" in answer:
            error = str(answer.get("error"))[:64]
            log.warning("an identity provider gave no token", provider=self.settings.name, status=status, error=error)
            if status == 401 or error in _CLIENT_FAULTS:
                raise OidcConfigError(f"the provider does not accept this client: {error}")
            raise OidcAnswerError(f"the provider gave no token: {error}")
        return answer

    async def _identify(self, flow: Flow, tokens: dict[str, Any], discovery: Discovery) -> ExternalUser:
        access_token = tokens.get("access_token")
        if not isinstance(access_token, str):
            access_token = None
        signed = await read_signed(tokens.get("id_token"), self.keys, self.settings)
        claims = check_id_token(
            signed,
            self.settings,
            nonce=flow.nonce,
            access_token=access_token,
            now_seconds=int(self._clock.now().timestamp()),
        )
        if access_token and discovery.userinfo_endpoint and oidc_identity.lacks(claims, self.settings):
            found = await self._user_info(discovery.userinfo_endpoint, access_token, claims["sub"])
            claims = oidc_identity.joined(claims, found)
        return oidc_identity.external_user(claims, self.settings, self._fallback_role)

    async def _user_info(self, url: str, access_token: str, subject: str) -> dict[str, Any]:
        if not access_token.isascii() or not access_token.isprintable():
            raise OidcAnswerError("the access token cannot be sent")
        found = await self._http.get(url, {"Authorization": f"Bearer {access_token}"})
        if found.get("sub") != subject:  # OpenID Connect Core, section 5.3.2: else it may be somebody else's
            raise OidcAnswerError("the user-info answer is about somebody else")
        return found

    def _client_auth(self, discovery: Discovery) -> ClientAuth:
        secret = read_secret(self.settings.client_secret)
        if secret is None:
            return ClientAuth(self.settings.client_id, None, "none")
        announced = discovery.token_auth_methods
        method = self.settings.client_auth or (
            "client_secret_post"
            if "client_secret_post" in announced and "client_secret_basic" not in announced
            else "client_secret_basic"
        )
        if method == "client_secret_basic":
            # RFC 6749 section 2.3.1: both are form-encoded first, which authlib leaves to its caller.
            return ClientAuth(quote_plus(self.settings.client_id), quote_plus(secret), method)
        return ClientAuth(self.settings.client_id, secret, method)


def read_secret(reference: str | None) -> str | None:
    """The secret behind `env:NAME` or `file:/PATH`, read at each use so that a new one needs no restart.

    Raises:
        OidcConfigError: there is none; the message names the reference only.
    """
    if reference is None:
        return None
    scheme, _, name = reference.partition(":")
    if scheme == "env":
        secret = os.environ.get(name, "")
    else:
        try:
            with Path(name).open("rb") as file:
                secret = file.read(_MAX_SECRET_BYTES + 1).decode("utf-8", "replace")
        except OSError as error:
            raise OidcConfigError(f"the client secret {reference} cannot be read: {error.strerror}") from None
    secret = secret.strip()
    if not secret or len(secret) > _MAX_SECRET_BYTES:
        raise OidcConfigError(f"the client secret {reference} is empty or too long")
    return secret
