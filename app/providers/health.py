"""Is a provider there, does it take the key: one or two free calls, and a paid one only when asked."""

from datetime import datetime
from typing import Any

from app.core.errors import ServiceUnavailableError, TestBenchError, UpstreamTimeoutError
from app.providers.client import LiveModels, NoListError, ProviderAnswerError, ProviderClient, ResolvedProvider
from app.providers.schemas import HealthCompletion, ProviderHealth, RateLimitView


async def check(
    client: ProviderClient, provider: ResolvedProvider, now: datetime, completion_model: str | None = None
) -> ProviderHealth:
    """Ask for the model list; with a key, also without it, because a list that is open to all tells nothing of the key.

    `completion_model`: ask that model for a few tokens too, which is paid for.
    """
    live: LiveModels | None = None
    list_error: TestBenchError | None = None
    try:
        live = await client.models(provider)
    except TestBenchError as error:
        if completion_model is None or not _answered(error):
            return failed(error, now)
        list_error = error
    auth = "unknown"
    notes = []
    if live is not None:
        notes.append(f"{len(live.ids)} model{'' if len(live.ids) == 1 else 's'}")
        auth = await _auth(client, provider) if completion_model is None else "unknown"
    completion, limits = None, {} if live is None else live.rate_limits
    if completion_model is not None:
        try:
            completion, told = await _completion(client, provider, completion_model)
            limits = told or limits  # those of completions, which a list has no part in
        except TestBenchError as error:
            return failed(error, now, latency_ms=None if live is None else live.latency_ms, during="a completion: ")
        auth = "ok" if provider.api_key else "unknown"
        notes.append(f"a completion of {completion_model} in {completion.latency_ms:.0f} ms")
    if list_error is not None:
        notes.append(f"no model list: {list_error.message}")
    if auth == "unknown" and provider.api_key:
        notes.append("the model list is open to everybody, so the key was not checked (a completion would)")
    elif auth == "unknown":
        notes.append("there is no key, and none was asked for")
    return ProviderHealth(
        status="ok",
        reachable=True,
        auth=auth,
        latency_ms=None if live is None else round(live.latency_ms, 1),
        message="; ".join(notes),
        error_type=None,
        completion=completion,
        rate_limits={name: RateLimitView(**parts) for name, parts in limits.items()},
        checked_at=now,
    )


def failed(
    error: TestBenchError, now: datetime, latency_ms: float | None = None, *, during: str = ""
) -> ProviderHealth:
    """What a failure says about the provider. The message holds no key."""
    status, reachable, auth, kind = "error", None, "unknown", None
    if isinstance(error, ProviderAnswerError):
        reachable, kind = True, error.kind
        if kind == "auth":
            status, auth = "unauthorized", "refused"
        elif kind == "quota":  # whose account is empty is known
            auth = "ok"
    elif isinstance(error, ServiceUnavailableError | UpstreamTimeoutError):
        status, reachable = "unreachable", False
    return ProviderHealth(
        status=status,
        reachable=reachable,
        auth=auth,
        latency_ms=None if latency_ms is None else round(latency_ms, 1),
        message=during + error.message,
        error_type=kind,
        completion=None,
        checked_at=now,
    )


def _answered(error: TestBenchError) -> bool:
    # A server without a model list may still complete; one that refuses the key, or is not there, will not.
    return isinstance(error, NoListError) or (isinstance(error, ProviderAnswerError) and error.kind != "auth")


async def _auth(client: ProviderClient, provider: ResolvedProvider) -> Any:
    if not provider.api_key:
        return "unknown"
    try:
        return "unknown" if await client.is_list_open(provider) else "ok"
    except TestBenchError:
        return "unknown"


async def _completion(
    client: ProviderClient, provider: ResolvedProvider, model: str
) -> tuple[HealthCompletion, dict[str, dict[str, float]]]:
    found = await client.completion(provider, model)
    buckets = found.buckets
    inputs = [count for count in (buckets.uncached_input, buckets.cache_read, buckets.cache_write) if count is not None]
    outputs = [count for count in (buckets.visible_output, buckets.reasoning) if count is not None]
    shown = HealthCompletion(
        model=model,
        latency_ms=round(found.latency_ms, 1),
        text=found.text,
        input_tokens=sum(inputs) if inputs else None,
        output_tokens=sum(outputs) if outputs else None,
        cost_usd=found.cost_usd,
    )
    return shown, found.rate_limits
