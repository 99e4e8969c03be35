"""Small control calls to a provider: is it there, which models has it. Never part of a measurement.

Every call goes through the outbound guard, has a time-out and a limit on what it reads, and follows no redirect, so
that a stored key reaches only the address that it was entered for.
"""

import asyncio
import time
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import httpx

from app.adapters import prices, rate_limits, registry
from app.adapters.addressing import addressed, models_request
from app.adapters.base import Buckets, ChatRequest, HttpRequest, Message, NoModelListError
from app.adapters.capabilities import Capabilities
from app.adapters.errors import ErrorKind, error_kind
from app.core.errors import ServiceUnavailableError, TestBenchError, UpstreamTimeoutError
from app.core.logging import redact_text
from app.core.outbound import OutboundGuard, guarded_client
from app.providers import model_facts

TIMEOUT_SECONDS = 15.0
MAX_ANSWER_BYTES = 4 * 2**20
MAX_MESSAGE_CHARACTERS = 500
_COMPLETION_TOKENS = 16  # OpenAI's Responses API takes no fewer


class ProviderAnswerError(TestBenchError):
    """The provider answered, but not with what was asked for."""

    code = "SERVICE_UNAVAILABLE"
    http_status = 502
    retryable = True

    def __init__(self, message: str, *, status: int | None = None, kind: ErrorKind | None = None) -> None:
        super().__init__(message, provider_status=status)
        self.status = status
        self.kind = kind


class NoListError(TestBenchError):
    """Nothing was sent: this provider has no list of models."""

    code = "INVALID_REQUEST"
    http_status = 422


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
    definition: dict[str, Any] | None = None  # of a custom provider's wire format
    addresses: tuple[str, ...] = ()


class _Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes
    rate_limits: dict[str, dict[str, float]]


class LiveModels(NamedTuple):
    """A provider's own list, what it says of its models, and how long the call took."""

    ids: list[str]
    facts: dict[str, Capabilities]
    latency_ms: float
    rate_limits: dict[str, dict[str, float]] = {}  # as its headers tell, see `adapters.rate_limits`


class Completion(NamedTuple):
    """A completion of a few tokens: what was counted, and what it cost where that is known."""

    text: str
    buckets: Buckets
    cost_usd: Decimal | None
    latency_ms: float
    rate_limits: dict[str, dict[str, float]] = {}


class ProviderClient:
    """Makes control calls for any kind of provider."""

    def __init__(self, guard: OutboundGuard, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._guard = guard
        self._timeout_seconds = timeout_seconds

    async def models(self, provider: ResolvedProvider) -> LiveModels:
        """Its models; costs nothing.

        Raises:
            AddressRefusedError: its address is not allowed (any more).
            ServiceUnavailableError: it cannot be reached.
            UpstreamTimeoutError: it did not answer in time.
            ProviderAnswerError: it answered with an error or with junk.
            NoListError: it has no list.
        """
        adapter = registry.get(provider.adapter, provider.definition)
        url, request = _models_request(provider)
        started = time.perf_counter()
        status, _, body, limits = await self._send(provider, url, request)
        latency_ms = (time.perf_counter() - started) * 1000
        _check_status(provider, status, body)
        try:
            return LiveModels(adapter.parse_models(body), model_facts.read(body), latency_ms, limits)
        except ValueError:
            raise ProviderAnswerError("its answer is not a model list; is base_url right?", status=status) from None

    async def is_list_open(self, provider: ResolvedProvider) -> bool:
        """Whether the models are listed without a key too, so that the list says nothing about the key.

        Raises:
            TestBenchError: it does not answer; as `models`.
        """
        anonymous = replace(provider, api_key=None)
        url, request = _models_request(anonymous)
        return (await self._send(anonymous, url, request)).status < 300

    async def completion(self, provider: ResolvedProvider, model: str) -> Completion:
        """A completion of a few tokens, which is paid for; raises as `models`."""
        adapter = registry.get(provider.adapter, provider.definition)
        chat = ChatRequest(
            model=model, messages=(Message("user", "Say ok."),), stream=False, max_tokens=_COMPLETION_TOKENS
        )
        parts = urlsplit(provider.base_url)
        host = parts.netloc.rpartition("@")[2]
        key = provider.api_key
        request = addressed(adapter, adapter.encode(chat, key), host, parts.path, key, time.time())
        started = time.perf_counter()
        status, content_type, body, limits = await self._send(
            provider, urlunsplit((parts.scheme, host, "", "", "")) + request.path, request
        )
        latency_ms = (time.perf_counter() - started) * 1000
        _check_status(provider, status, body)
        decoder = adapter.decoder(status, content_type, keep_text=True)
        decoder.feed(time.monotonic_ns(), body)
        reply = decoder.finish(complete=True)
        if reply.error_type is not None:
            said = _shortened(reply.error or reply.error_type, provider)
            raise ProviderAnswerError(f"it answered with an error: {said}", status=status, kind=reply.error_kind)
        cost = prices.charged_usd(provider.adapter, model, reply.usage)
        if cost is None:
            billed = prices.billed(provider.adapter, reply.buckets, reply.usage)
            cost = prices.cost_usd(provider.adapter, model, billed, prices.terms(provider.adapter, reply.usage))
        return Completion(_shortened("".join(reply.text), provider, ""), reply.buckets, cost, latency_ms, limits)

    async def _send(self, provider: ResolvedProvider, url: str, request: HttpRequest) -> _Answer:
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
                content_type = response.headers.get("content-type", "")
                limits = rate_limits.plain(rate_limits.rate_limits(response.headers.items(), time.time()))
                return _Answer(response.status_code, content_type, bytes(body), limits)
        except (httpx.TimeoutException, TimeoutError):
            raise UpstreamTimeoutError(f"it did not answer within {self._timeout_seconds:g} s") from None
        except httpx.TransportError as error:
            raise ServiceUnavailableError(f"it cannot be reached: {_shortened(str(error), provider)}") from None
        except httpx.StreamError:
            raise ProviderAnswerError("its answer cannot be decoded") from None


def _models_request(provider: ResolvedProvider) -> tuple[str, HttpRequest]:
    adapter = registry.get(provider.adapter, provider.definition)
    try:
        return models_request(adapter, provider.base_url, provider.api_key, time.time())
    except NoModelListError as error:
        raise NoListError(f"its models cannot be listed: {error}") from None


def _check_status(provider: ResolvedProvider, status: int, body: bytes) -> None:
    if 300 <= status < 400:
        raise ProviderAnswerError("it answers with a redirect, which is not followed; fix base_url", status=status)
    if status >= 400:
        adapter = registry.get(provider.adapter, provider.definition)
        said = _shortened(adapter.parse_error(status, body), provider)
        kind = error_kind(status, adapter.error_body(body))
        raise ProviderAnswerError(f"it answered HTTP {status}: {said}", status=status, kind=kind)


def _shortened(text: str, provider: ResolvedProvider, otherwise: str = "no reason given") -> str:
    if provider.api_key:  # some providers quote the key that they refuse
        text = text.replace(provider.api_key, "[redacted]")
    # A provider's words end up in terminals, which obey control characters.
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return redact_text(" ".join(text.split()))[:MAX_MESSAGE_CHARACTERS] or otherwise
