"""Mistral's chat completions from the server's side: OpenAI's, but for what stands here.

Thoughts are chunks of a list where the content else is text, usage comes with the finish reason, fields that are not
known are refused, a failure within a stream is a finish reason, and errors have no object around them. Source: the
Mistral API reference, "Chat Completion"; errors and headers as its API answers.
"""

from typing import Any

from app.simulator.formats import Refusal, sse
from app.simulator.openai_chat import DONE, OpenAiChat, chunk, completion
from app.simulator.script import Ask, Script

_FIELDS = {
    "model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "metadata",
    "response_format", "tools", "tool_choice", "presence_penalty", "frequency_penalty", "min_tokens",
    "repetition_penalty", "top_k", "logprobs", "top_logprobs", "prompt_logprobs", "top_prompt_logprobs", "n",
    "prediction", "parallel_tool_calls", "reasoning_effort", "prompt_mode", "guardrails", "prompt_cache_key",
    "service_tier", "safe_prompt",
}  # fmt: skip
_TYPES = {
    400: ("invalid_request_error", "3051"),
    404: ("invalid_model", "1500"),
    422: ("invalid_request_error", None),
    429: ("rate_limited", "1300"),
    503: ("service_unavailable", "3505"),
    529: ("overloaded", "3505"),
}


class Mistral(OpenAiChat):
    """The format."""

    wrong_status = 422
    too_long = Refusal(
        400,
        {
            "object": "error",
            "message": "Prompt contains 200000 tokens and 0 draft tokens, too large for model with 131072 maximum "
            "context length",
            "type": "invalid_request_prompt",
            "param": None,
            "code": "3051",
        },
    )
    no_quota = Refusal(402, {"detail": "You have reached your usage limit. Please check your billing settings."})

    def ask(self, target: str, body: Any) -> Ask:
        asked = super().ask(target, body)
        if unknown := [name for name in body if name not in _FIELDS]:
            raise ValueError(f"Extra inputs are not permitted: {', '.join(unknown)}")
        return asked._replace(wants_usage=True)

    def token(self, script: Script, number: int, word: str) -> bytes:
        return sse(chunk(script, {"content": [_thought(word)] if script.is_reasoning(number) else word}))

    def closing(self, script: Script) -> bytes:
        fields = {"usage": _usage(script)} if script.has_usage else {}
        return sse(chunk(script, {"content": ""}, finish=script.finish, **fields, **script.told.fields())) + DONE

    def ping(self) -> bytes:
        return b""

    def failure(self, message: str) -> bytes:  # which has no place for words
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
        return (
            sse({"id": "failed", "object": "chat.completion.chunk", "model": "simulated", "choices": [choice]}) + DONE
        )

    def whole(self, script: Script) -> Any:
        text: dict[str, str] = {"type": "text", "text": script.text()}
        content = [_thought(script.reasoning_text()), *([text] if script.visible else [])]
        message = {
            "role": "assistant",
            "tool_calls": None,
            "content": content if script.reasoning else script.text(),
        }
        choice = {"index": 0, "message": message, "finish_reason": script.finish}
        return completion(script, choice, _usage(script) if script.has_usage else None)

    def error(self, status: int, message: str) -> tuple[Any, dict[str, str]]:
        if status == 401:
            return {"detail": message}, {}
        kind, code = _TYPES.get(status, ("internal_server_error", "3000"))
        words: Any = {"detail": [{"type": "invalid", "loc": ["body"], "msg": message}]} if status == 422 else message
        body = {"object": "error", "message": words, "type": kind, "param": None, "code": code}
        return body, self.rate_headers(720, 0) if status == 429 else {}

    def rate_headers(self, limit: int, left: int) -> dict[str, str]:
        """By the minute; when it is over is not told."""
        return {"x-ratelimit-limit-req-minute": str(limit), "x-ratelimit-remaining-req-minute": str(left)}


def _thought(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _usage(script: Script) -> dict[str, Any]:
    value: dict[str, Any] = {
        "prompt_tokens": script.prompt,
        "total_tokens": script.prompt + script.tokens,
        "completion_tokens": script.tokens,
    }
    if script.cache_read:
        value["prompt_tokens_details"] = {"cached_tokens": script.cache_read}
    return value
