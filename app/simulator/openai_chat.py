"""OpenAI Chat Completions from the server's side."""

from typing import Any
from urllib.parse import unquote

from app.simulator.attachments import attached, chat_part
from app.simulator.formats import COMMENT, Format, Refusal, count, sse, wanted
from app.simulator.script import Ask, Script, spoken

_CREATED = 1_700_000_000
DONE = b"data: [DONE]\n\n"
_TYPES = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    403: "invalid_request_error",
    404: "invalid_request_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "service_unavailable_error",
    529: "overloaded_error",
}
_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
RATE_HEADERS = {
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "1s",
    "x-ratelimit-limit-tokens": "2000000",
    "x-ratelimit-remaining-tokens": "1999000",
    "x-ratelimit-reset-tokens": "30ms",
}


def error_object(message: str, kind: str, param: str | None, code: str | None) -> dict[str, Any]:
    """An error body of OpenAI."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


class OpenAiChat(Format):
    """The format, also as Azure has it, with the model in the path."""

    too_long = Refusal(
        400,
        error_object(
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 200000 tokens. "
            "Please reduce the length of the messages.",
            "invalid_request_error",
            "messages",
            "context_length_exceeded",
        ),
    )
    no_quota = Refusal(
        429,
        error_object(
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            None,
            "insufficient_quota",
        ),
    )

    def ask(self, target: str, body: Any) -> Ask:
        _, _, deployment = target.partition("/deployments/")
        wanted(body, ["messages"] if deployment else ["model", "messages"])
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        return Ask(
            model=body.get("model") or unquote(deployment.partition("/")[0]),
            text=spoken(body["messages"]),
            stream=bool(body.get("stream")),
            limit=count(limit, "max_tokens"),
            insists=bool(body.get("ignore_eos")),
            wants_usage=not body.get("stream") or bool((body.get("stream_options") or {}).get("include_usage")),
            attached=attached(body["messages"], chat_part),
        )

    def opening(self, script: Script) -> bytes:
        return sse(chunk(script, {"role": "assistant", "content": ""}))

    def token(self, script: Script, number: int, word: str) -> bytes:
        name = "reasoning_content" if script.is_reasoning(number) else "content"
        return sse(chunk(script, {name: word}))

    def closing(self, script: Script) -> bytes:
        events = [chunk(script, {}, finish=script.finish, **script.told.fields())]
        if script.has_usage:
            events.append(chunk(script, None, usage=usage(script)))
        return sse(*events) + DONE

    def ping(self) -> bytes:
        return COMMENT

    def failure(self, message: str) -> bytes:
        return sse({"error": {"message": message, "type": "server_error", "param": None, "code": 500}})

    def whole(self, script: Script) -> Any:
        message = {"role": "assistant", "content": script.text()}
        if script.reasoning:
            message["reasoning_content"] = script.reasoning_text()
        choice = {"index": 0, "message": message, "finish_reason": script.finish}
        return completion(script, choice, usage(script) if script.has_usage else None)

    def error(self, status: int, message: str) -> tuple[Any, dict[str, str]]:
        kind = _TYPES.get(status, "server_error")
        return error_object(message, kind, None, _CODES.get(status)), RATE_HEADERS if status == 429 else {}


def usage(script: Script) -> dict[str, Any]:
    """The usage object; details only where there is something to tell."""
    value: dict[str, Any] = {
        "prompt_tokens": script.prompt,
        "completion_tokens": script.tokens,
        "total_tokens": script.prompt + script.tokens,
    }
    if script.cache_read:
        value["prompt_tokens_details"] = {"cached_tokens": script.cache_read}
    if script.reasoning:
        value["completion_tokens_details"] = {"reasoning_tokens": script.reasoning}
    return value


def _object(script: Script, kind: str) -> dict[str, Any]:
    return {"id": script.response_id, "object": kind, "created": _CREATED, "model": script.model}


def completion(script: Script, choice: dict[str, Any], usage: dict[str, Any] | None) -> dict[str, Any]:
    """A whole answer."""
    value = _object(script, "chat.completion") | {"choices": [choice]} | script.told.fields()
    return value if usage is None else value | {"usage": usage}


def chunk(script: Script, delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of a stream; without `delta` it has no choices."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {**_object(script, "chat.completion.chunk"), "choices": choices, **more}
