"""The calls to an identity provider: guarded, bounded in time and size, JSON only, redirects not followed."""

import asyncio
import functools
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from app.accounts.oidc_errors import OidcAnswerError, OidcError, OidcUnreachableError
from app.core.errors import TestBenchError
from app.core.oidc_settings import OidcSettings
from app.core.outbound import GuardedTransport, OutboundGuard, split_url

MAX_ANSWER_BYTES = 256 * 1024
_LOOPBACK = ("127.0.0.0/8", "::1/128")


class ProviderHttp:
    """Talks to the addresses of one provider.

    Its own guard knows the provider's networks and not `outbound.allow`: opening a network for the identity provider
    must not open it for the model providers that users add, nor the other way round.
    """

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._guard = OutboundGuard((*settings.networks, *(_LOOPBACK if settings.is_local else ())))

    def check_scheme(self, url: str, what: str) -> str:
        """`url` when it is https (http too for an issuer on this machine).

        Raises:
            OidcAnswerError: otherwise.
        """
        try:
            scheme, _, _ = split_url(url)
        except TestBenchError:
            raise OidcAnswerError(f"{what} is not an http(s) address") from None
        if scheme != "https" and not self._settings.is_local:
            raise OidcAnswerError(f"{what} is not https")
        if urlsplit(url).fragment:
            raise OidcAnswerError(f"{what} has a fragment")
        return url

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at `url`."""
        _, answer = await self._call("GET", url, headers or {}, None)
        return answer

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON object that a form gets; 4xx answers too, because they say which error it was."""
        return await self._call(
            "POST", url, {**headers, "Content-Type": "application/x-www-form-urlencoded"}, body.encode()
        )

    async def _call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, dict[str, Any]]:
        where = urlsplit(url).netloc
        try:
            # httpx bounds each wait; a server that sends a byte a second needs one bound over all.
            async with asyncio.timeout(self._settings.timeout_seconds):
                return await self._read(method, url, headers, body)
        except TimeoutError:
            raise OidcUnreachableError(f"{where} did not answer in {self._settings.timeout_seconds:g} s") from None
        except httpx.HTTPError as error:
            raise OidcUnreachableError(f"{where} cannot be reached: {type(error).__name__}") from None
        except OidcError:
            raise
        except TestBenchError as error:  # the guard refused the address, or its name does not resolve
            raise OidcUnreachableError(f"{where} may not be asked: {error.message}") from None
        except OSError as error:  # its certificates cannot be read
            raise OidcUnreachableError(f"{where} cannot be asked: {error.strerror or error}") from None

    async def _read(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, dict[str, Any]]:
        transport = httpx.AsyncHTTPTransport(
            verify=_tls_context(self._settings.ca_file),
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        async with (
            httpx.AsyncClient(
                transport=GuardedTransport(self._guard, transport),
                timeout=self._settings.timeout_seconds,
                follow_redirects=False,
                trust_env=False,
            ) as client,
            client.stream(
                # A compressed answer could unfold to any size before it is counted.
                method,
                url,
                headers={"Accept": "application/json", "Accept-Encoding": "identity", **headers},
                content=body,
            ) as response,
        ):
            status = response.status_code
            if status >= 500 or 300 <= status < 400:
                raise OidcUnreachableError(f"{urlsplit(url).netloc} answered with status {status}")
            if method == "GET" and status != httpx.codes.OK:
                raise OidcAnswerError(f"{urlsplit(url).netloc} answered with status {status}")
            raw = bytearray()
            async for piece in response.aiter_raw():
                raw += piece
                if len(raw) > MAX_ANSWER_BYTES:
                    raise OidcAnswerError(f"an answer is larger than {MAX_ANSWER_BYTES} bytes")
        return status, json_object(bytes(raw))


def json_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`.

    Raises:
        OidcAnswerError: it is something else.
    """
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise OidcAnswerError("an answer is not JSON") from None
    if not isinstance(found, dict):
        raise OidcAnswerError("an answer is not a JSON object")
    return found


@functools.cache
def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
