"""What a span says: results and benchmarks under the names of OpenTelemetry's conventions. Pure.

Source: semantic conventions for generative AI client inference and embeddings,
https://github.com/open-telemetry/semantic-conventions-genai (docs/gen-ai/client-inference.md), and the general ones for
`server.*`, `http.*` and `error.type`. Prompts, answers and the words of errors (which may quote either) are never told.
What has no convention is under `llm_test_bench.`.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from app.benchmarks.measures import MeasureContext, MeasuredResult
from app.benchmarks.spans import Execution
from app.loadgen.plan import Embeddings, Plan

EXECUTION = "benchmark_execution"
CALL = "provider_call"
OWN = "llm_test_bench."

Value = str | bool | int | float | Sequence[str]

_PROVIDERS = {
    "openai-responses": "openai",
    "openai-compatible": "openai",
    "gemini": "gcp.gemini",
    "bedrock": "aws.bedrock",
    "azure-openai": "azure.ai.openai",
    "azure-openai-v1": "azure.ai.openai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "moonshot": "moonshot_ai",
}
"""Where the well-known value of `gen_ai.provider.name` is not our name of the kind."""
_OPERATIONS = {"gemini": "generate_content", "llamacpp-completion": "text_completion"}
_SAMPLING = ("max_tokens", "temperature", "top_p", "seed")
_EXTRA = {"top_k": int, "frequency_penalty": float, "presence_penalty": float}
_ERROR_CHARACTERS = 500


class CallFacts(msgspec.Struct, frozen=True, gc=False):
    """What a span takes of a result; small, because many wait while a collector is away."""

    index: int
    status: str
    error_type: str | None
    http_status: int | None
    response_id: str | None
    finish_reason: str | None
    attempts: int
    clock: str
    connection_reused: bool
    intended_ns: int
    started_ns: int | None
    first_byte_ns: int | None
    first_token_ns: int | None
    first_output_ns: int | None
    last_token_ns: int | None
    end_ns: int | None
    schedule_delay_ms: float | None
    ttft_ms: float | None
    tpot_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    span_id: str
    response_model: str | None
    error_kind: str | None
    conversation: int | None
    turn: int | None


_FIELDS = CallFacts.__struct_fields__
_PLAIN = _FIELDS[: _FIELDS.index("span_id")]
_plain: Any = attrgetter(*_PLAIN)
_facts: Callable[..., CallFacts] = CallFacts


def call_facts(result: MeasuredResult, span_id: str) -> CallFacts:
    """The part of a result that its span needs."""
    more = result.metadata
    return _facts(
        *_plain(result),
        span_id=span_id,
        response_model=result.response_model,
        error_kind=more.get("error_kind"),
        conversation=more.get("conversation"),
        turn=more.get("turn"),
    )


class Span(NamedTuple):
    """The part of a span that differs from others of its kind. Instants are Unix nanoseconds."""

    span_id: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Value]
    events: Sequence[tuple[str, int]] = ()
    error: str | None = None  # None: no error
    is_ok: bool = False


def shard_attributes(plan: Plan, context: MeasureContext) -> dict[str, Value]:
    """What is the same for all calls of a shard."""
    is_embedding = isinstance(plan.workload, Embeddings)
    url = urlsplit(plan.endpoint.base_url)
    found: dict[str, Value] = {
        "gen_ai.operation.name": "embeddings" if is_embedding else _OPERATIONS.get(context.kind, "chat"),
        "gen_ai.provider.name": _PROVIDERS.get(context.kind, context.kind),
        "gen_ai.request.model": context.model,
        "server.address": url.hostname or "",
        "server.port": url.port or (443 if url.scheme == "https" else 80),
        f"{OWN}provider": context.provider,
        f"{OWN}benchmark.id": context.trace_scope,
        f"{OWN}shard": plan.shard,
    }
    if context.level is not None:
        found |= {f"{OWN}point": context.point, f"{OWN}level": float(context.level)}
    if is_embedding:
        return found
    sampling = plan.sampling
    if sampling.get("stream", True):
        found["gen_ai.request.stream"] = True
    for name in _SAMPLING:
        if (value := sampling.get(name)) is not None:
            found[f"gen_ai.request.{name}"] = value
    for name, kind in _EXTRA.items():
        value = sampling.get("extra", {}).get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[f"gen_ai.request.{name}"] = kind(value)
    if stop := sampling.get("stop"):
        found["gen_ai.request.stop_sequences"] = list(stop)
    return found


def call_span(facts: CallFacts) -> Span:
    """One request. It begins with its first try: for a request that was tried again, when it was first due."""
    start = facts.started_ns if facts.started_ns and facts.attempts == 1 else facts.intended_ns
    events = _events(facts)
    end = max(facts.end_ns or 0, start, *(at for _, at in events))
    is_error = facts.status != "ok"
    error_type = (facts.error_type or "unknown") if is_error else None
    return Span(facts.span_id, start, end, _call_attributes(facts, error_type), events, error_type)


def _events(facts: CallFacts) -> list[tuple[str, int]]:
    named = [
        ("last_try", facts.started_ns if facts.attempts > 1 else None),
        ("first_byte", facts.first_byte_ns),
        ("first_token", facts.first_token_ns),
        ("first_output", facts.first_output_ns if facts.first_output_ns != facts.first_token_ns else None),
        ("last_token", facts.last_token_ns),
    ]
    return [(name, at) for name, at in named if at]


def _call_attributes(facts: CallFacts, error_type: str | None) -> dict[str, Value]:
    finish = facts.finish_reason
    if finish is None and error_type is not None and facts.http_status == 200 and facts.first_byte_ns:
        finish = "error"  # one was expected and never came
    first_chunk_s = (
        (facts.first_token_ns - facts.started_ns) / 1e9 if facts.first_token_ns and facts.started_ns else None
    )
    found: dict[str, Value | None] = {
        "gen_ai.response.id": facts.response_id,
        "gen_ai.response.model": facts.response_model,
        "gen_ai.response.finish_reasons": None if finish is None else [finish],
        "gen_ai.response.time_to_first_chunk": first_chunk_s,
        "gen_ai.usage.input_tokens": facts.input_tokens,
        "gen_ai.usage.output_tokens": facts.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": facts.cache_read_tokens or None,
        "gen_ai.usage.cache_write.input_tokens": facts.cache_write_tokens or None,
        "gen_ai.usage.reasoning.output_tokens": facts.reasoning_tokens or None,
        "http.response.status_code": facts.http_status,
        "http.request.resend_count": facts.attempts - 1 if facts.attempts > 1 else None,
        "error.type": error_type,
        f"{OWN}error_kind": facts.error_kind,
        f"{OWN}index": facts.index,
        f"{OWN}clock": facts.clock,
        f"{OWN}connection_reused": facts.connection_reused,
        f"{OWN}schedule_delay_ms": facts.schedule_delay_ms,
        f"{OWN}tpot_ms": facts.tpot_ms,
        f"{OWN}cost_usd": facts.cost_usd,
        f"{OWN}conversation": facts.conversation,
        f"{OWN}turn": facts.turn,
    }
    return {name: value for name, value in found.items() if value is not None}


def execution_attributes(execution: Execution, sample_ratio: float) -> dict[str, Value]:
    """A benchmark."""
    spec = execution.spec
    found: dict[str, Value | None] = {
        f"{OWN}benchmark.id": execution.scope,
        f"{OWN}benchmark.name": spec.name,
        f"{OWN}benchmark.status": str(execution.status),
        f"{OWN}tags": list(dict.fromkeys(spec.tags)) or None,
        f"{OWN}providers": list(dict.fromkeys(target.provider for target in spec.targets)),
        f"{OWN}models": list(dict.fromkeys(target.model for target in spec.targets)),
        f"{OWN}load": spec.load.kind,
        f"{OWN}workload": spec.workload.kind,
        f"{OWN}workers": spec.workers,
        f"{OWN}requests.ok": execution.requests_ok,
        f"{OWN}requests.failed": execution.requests_failed,
        f"{OWN}waited_seconds": execution.waited_seconds,
        f"{OWN}sample_ratio": sample_ratio,
        "error.type": "failed" if execution.status == "failed" else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def execution_error(execution: Execution) -> str | None:
    """Why it failed; None when it did not."""
    if execution.status != "failed":
        return None
    return (execution.error or "failed")[:_ERROR_CHARACTERS]
