"""Anthropic Messages from the server's side."""

from typing import Any

from app.simulator.attachments import anthropic_part, attached
from app.simulator.formats import Format, Refusal, count, sse, wanted
from app.simulator.script import Ask, Script, spoken

_FINISH = {"stop": "end_turn", "length": "max_tokens"}
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_SIGNATURE = "c2ltdWxhdGVk"
_RESET = "2030-01-01T00:00:01Z"


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_simulated"}


class Anthropic(Format):
    """The format."""

    too_long = Refusal(400, _error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"))
    no_quota = Refusal(
        400,
        _error("invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
    )

    def ask(self, target: str, body: Any) -> Ask:
        wanted(body, ["model", "messages", "max_tokens"])
        text = " ".join((spoken(body.get("system")), spoken(body["messages"])))
        limit, found = count(body["max_tokens"], "max_tokens"), attached(body["messages"], anthropic_part)
        return Ask(body["model"], text, bool(body.get("stream")), limit, attached=found)

    def rate_headers(self, limit: int, left: int) -> dict[str, str]:
        return {
            "anthropic-ratelimit-requests-limit": str(limit),
            "anthropic-ratelimit-requests-remaining": str(left),
            "anthropic-ratelimit-requests-reset": "2030-01-01T00:00:00Z",
        }

    def opening(self, script: Script) -> bytes:
        usage = _input(script) | {"output_tokens": 1} if script.has_usage else {}
        start = {"type": "message_start", "message": {**_message(script), "content": [], "usage": usage}}
        return sse(start, _block_start(0, is_reasoning=script.reasoning > 0), {"type": "ping"}, named=True)

    def turning(self, script: Script) -> bytes:
        signature = {"type": "signature_delta", "signature": _SIGNATURE}
        return sse(
            {"type": "content_block_delta", "index": 0, "delta": signature},
            {"type": "content_block_stop", "index": 0},
            _block_start(1, is_reasoning=False),
            named=True,
        )

    def token(self, script: Script, number: int, word: str) -> bytes:
        if script.is_reasoning(number):
            delta = {"type": "thinking_delta", "thinking": word}
        else:
            delta = {"type": "text_delta", "text": word}
        return sse({"type": "content_block_delta", "index": _index(script, number), "delta": delta}, named=True)

    def closing(self, script: Script) -> bytes:
        ending: dict[str, Any] = {
            "type": "message_delta",
            "delta": {"stop_reason": _FINISH[script.finish], "stop_sequence": None},
        }
        if script.has_usage:
            ending["usage"] = _output(script)
        stop = {"type": "content_block_stop", "index": _index(script, script.tokens - 1)}
        return sse(stop, ending, {"type": "message_stop"}, named=True)

    def ping(self) -> bytes:
        return sse({"type": "ping"}, named=True)

    def failure(self, message: str) -> bytes:
        return sse({"type": "error", "error": {"type": "overloaded_error", "message": message}}, named=True)

    def whole(self, script: Script) -> Any:
        content: list[dict[str, str]] = []
        if script.reasoning:
            content.append({"type": "thinking", "thinking": script.reasoning_text(), "signature": _SIGNATURE})
        if script.visible:
            content.append({"type": "text", "text": script.text()})
        usage = _input(script) | _output(script) if script.has_usage else {}
        return _message(script) | {"content": content, "stop_reason": _FINISH[script.finish], "usage": usage}

    def error(self, status: int, message: str) -> tuple[Any, dict[str, str]]:
        kind = _TYPES.get(status, "api_error")
        headers = {
            f"anthropic-ratelimit-{what}-{name}": value
            for what in ("requests", "tokens", "input-tokens", "output-tokens")
            for name, value in (("limit", "4000"), ("remaining", "0"), ("reset", _RESET))
        }
        return _error(kind, message), headers if status == 429 else {}


def _index(script: Script, number: int) -> int:
    return int(script.reasoning > 0 and not script.is_reasoning(number))


def _block_start(index: int, *, is_reasoning: bool) -> dict[str, Any]:
    thinking = {"type": "thinking", "thinking": "", "signature": ""}
    block = thinking if is_reasoning else {"type": "text", "text": ""}
    return {"type": "content_block_start", "index": index, "content_block": block}


def _message(script: Script) -> dict[str, Any]:
    return {
        "id": script.response_id,
        "type": "message",
        "role": "assistant",
        "model": script.model,
        "stop_reason": None,
        "stop_sequence": None,
    }


def _input(script: Script) -> dict[str, Any]:
    return {
        "input_tokens": script.prompt - script.cache_read - script.cache_write,
        "cache_read_input_tokens": script.cache_read,
        "cache_creation_input_tokens": script.cache_write,
    }


def _output(script: Script) -> dict[str, Any]:
    value: dict[str, Any] = {"output_tokens": script.tokens}
    if script.reasoning:
        value["output_tokens_details"] = {"thinking_tokens": script.reasoning}
    return value
