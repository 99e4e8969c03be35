"""Small control calls to a provider: is it there, which models has it. Never part of a measurement.

Every call goes through the outbound guard, has a time-out and a limit on what it reads, and follows no redirect, so
that a stored key reaches only the address that it was entered for.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from app.adapters import registry
from app.adapters.addressing import models_request
from app.adapters.base import HttpRequest
from app.core.errors import ServiceUnavailableError, TestBenchError, UpstreamTimeoutError
from app.core.logging import redact_text
from app.core.outbound import OutboundGuard, guarded_client

TIMEOUT_SECONDS = 15.0
MAX_ANSWER_BYTES = 4 * 2**20
MAX_MESSAGE_CHARACTERS = 500


class ProviderAnswerError(TestBenchError):
    """The provider answered, but not with what was asked for."""

    code = "SERVICE_UNAVAILABLE"
    http_status = 502
    retryable = True

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message, provider_status=status)
        self.status = status


@dataclass(frozen=True, slots=True)
class ResolvedProvider:
    """Everything that is needed to send requests to a provider. Holds the key: never log or store it."""

    id: UUID
    name: str
    adapter: str
    base_url: str
    api_key: str | None = field(repr=False)
    headers: dict[str, str]
    verify_tls: bool
    options: dict[str, Any] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()


class ProviderClient:
    """Makes control calls for any kind of provider."""

    def __init__(self, guard: OutboundGuard, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._guard = guard
        self._timeout_seconds = timeout_seconds

    async def models(self, provider: ResolvedProvider) -> tuple[list[str], float]:
        """Its model ids, and how many milliseconds the call took.

        Raises:
            AddressRefusedError: its address is not allowed (any more).
            ServiceUnavailableError: it cannot be reached.
            UpstreamTimeoutError: it did not answer in time.
            ProviderAnswerError: it answered with an error or with junk.
        """
        adapter = registry.get(provider.adapter)
        started = time.perf_counter()
        url, request = models_request(adapter, provider.base_url, provider.api_key, time.time())
        status, body = await self._send(provider, url, request)
        latency_ms = (time.perf_counter() - started) * 1000
        if 300 <= status < 400:
            raise ProviderAnswerError("it answers with a redirect, which is not followed; fix base_url", status=status)
        if status >= 400:
            said = _shortened(adapter.parse_error(status, body), provider)
            raise ProviderAnswerError(f"it answered HTTP {status}: {said}", status=status)
        try:
            return adapter.parse_models(body), latency_ms
        except ValueError:
            raise ProviderAnswerError("its answer is not a model list; is base_url right?", status=status) from None

    async def _send(self, provider: ResolvedProvider, url: str, request: HttpRequest) -> tuple[int, bytes]:
        # Unpacked, an answer could be a thousand times what the limit below allows.
        headers = [*request.headers, *provider.headers.items(), ("Accept-Encoding", "identity")]
        client = guarded_client(self._guard, verify=provider.verify_tls, timeout_seconds=self._timeout_seconds)
        try:
            async with (
                client,
                asyncio.timeout(self._timeout_seconds),
                client.stream(request.method, url, headers=headers, content=request.body or None) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise ProviderAnswerError(
                            f"its answer is larger than {MAX_ANSWER_BYTES} bytes", status=response.status_code
                        )
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise ProviderAnswerError("its answer is compressed, unasked", status=response.status_code)
                return response.status_code, bytes(body)
        except (httpx.TimeoutException, TimeoutError):
            raise UpstreamTimeoutError(f"it did not answer within {self._timeout_seconds:g} s") from None
        except httpx.TransportError as error:
            raise ServiceUnavailableError(f"it cannot be reached: {_shortened(str(error), provider)}") from None
        except httpx.StreamError:
            raise ProviderAnswerError("its answer cannot be decoded") from None


def _shortened(text: str, provider: ResolvedProvider) -> str:
    if provider.api_key:  # some providers quote the key that they refuse
        text = text.replace(provider.api_key, "[redacted]")
    return redact_text(" ".join(text.split()))[:MAX_MESSAGE_CHARACTERS] or "no reason given"
