"""OpenAI Responses from the server's side."""

from typing import Any

from app.simulator.attachments import attached, responses_part
from app.simulator.formats import Format, Refusal, count, sse, wanted
from app.simulator.openai_chat import OpenAiChat, error_object
from app.simulator.script import Ask, Script, spoken

_CREATED = 1_700_000_000
_chat = OpenAiChat()


class OpenAiResponses(Format):
    """The format. Reasoning is told as a summary, as OpenAI does it."""

    token_varies = True  # each event has its number
    too_long = Refusal(
        400,
        error_object(
            "Your input exceeds the context window of this model. Please adjust your input and try again.",
            "invalid_request_error",
            "input",
            "context_length_exceeded",
        ),
    )
    no_quota = OpenAiChat.no_quota

    def ask(self, target: str, body: Any) -> Ask:
        wanted(body, ["model", "input"])
        text = " ".join((spoken(body.get("instructions")), spoken(body["input"])))
        limit = count(body.get("max_output_tokens"), "max_output_tokens")
        found = attached(body["input"], responses_part)
        return Ask(body["model"], text, bool(body.get("stream")), limit, attached=found)

    def opening(self, script: Script) -> bytes:
        response = _response(script, "in_progress", output=[])
        first = _reasoning_begins(script) if script.reasoning else _message_begins(script)
        created = {"type": "response.created", "response": response}
        return _numbered(0, created, {"type": "response.in_progress", "response": response}, *first)

    def turning(self, script: Script) -> bytes:
        return _numbered(4 + script.reasoning, *_reasoning_ends(script), *_message_begins(script))

    def token(self, script: Script, number: int, word: str) -> bytes:
        if script.is_reasoning(number):
            event = {"type": "response.reasoning_summary_text.delta", **_summary_at(script), "delta": word}
            return _numbered(4 + number, event)
        event = {"type": "response.output_text.delta", **_text_at(script), "delta": word, "logprobs": []}
        return _numbered(4 + number + 5 * bool(script.reasoning), event)

    def closing(self, script: Script) -> bytes:
        ends = _message_ends(script) if script.visible else _reasoning_ends(script)
        status = "incomplete" if script.finish == "length" else "completed"
        done = {"type": f"response.{status}", "response": _response(script, status, output=_output(script))}
        return _numbered(4 + script.tokens + 5 * bool(script.reasoning), *ends, done)

    def failure(self, message: str) -> bytes:
        return _numbered(9999, {"type": "error", "code": "server_error", "message": message, "param": None})

    def whole(self, script: Script) -> Any:
        return _response(script, "incomplete" if script.finish == "length" else "completed", output=_output(script))

    def whole_failure(self, script: Script, message: str) -> Any:
        return _response(script, "failed", output=[]) | {"error": {"code": "server_error", "message": message}}

    def error(self, status: int, message: str) -> tuple[Any, dict[str, str]]:
        return _chat.error(status, message)


def _numbered(first: int, *events: dict[str, Any]) -> bytes:
    return sse(*({**event, "sequence_number": first + number} for number, event in enumerate(events)), named=True)


def _response(script: Script, status: str, *, output: list[Any]) -> dict[str, Any]:
    is_over = status != "in_progress"
    return {
        "id": script.response_id,
        "object": "response",
        "created_at": _CREATED,
        "model": script.model,
        "status": status,
        "output": output,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": _usage(script) if is_over and script.has_usage else None,
    }


def _usage(script: Script) -> dict[str, Any]:
    return {
        "input_tokens": script.prompt,
        "input_tokens_details": {"cached_tokens": script.cache_read, "cache_write_tokens": script.cache_write},
        "output_tokens": script.tokens,
        "output_tokens_details": {"reasoning_tokens": script.reasoning},
        "total_tokens": script.prompt + script.tokens,
    }


def _text_at(script: Script) -> dict[str, Any]:
    return {"item_id": f"msg_{script.response_id}", "output_index": int(script.reasoning > 0), "content_index": 0}


def _summary_at(script: Script) -> dict[str, Any]:
    return {"item_id": f"rs_{script.response_id}", "output_index": 0, "summary_index": 0}


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _message(script: Script, status: str, content: list[Any]) -> dict[str, Any]:
    identity = {"id": f"msg_{script.response_id}", "type": "message", "role": "assistant"}
    return identity | {"status": status, "content": content}


def _reasoning(script: Script, text: str | None) -> dict[str, Any]:
    summary = [] if text is None else [{"type": "summary_text", "text": text}]
    return {"id": f"rs_{script.response_id}", "type": "reasoning", "summary": summary}


def _output(script: Script) -> list[Any]:
    thoughts = [_reasoning(script, script.reasoning_text())] if script.reasoning else []
    message = [_message(script, "completed", [_text_part(script.text())])] if script.visible else []
    return [*thoughts, *message]


def _reasoning_begins(script: Script) -> list[dict[str, Any]]:
    at, part = _summary_at(script), {"type": "summary_text", "text": ""}
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": _reasoning(script, None)},
        {"type": "response.reasoning_summary_part.added", **at, "part": part},
    ]


def _reasoning_ends(script: Script) -> list[dict[str, Any]]:
    at, text = _summary_at(script), script.reasoning_text()
    return [
        {"type": "response.reasoning_summary_text.done", **at, "text": text},
        {"type": "response.reasoning_summary_part.done", **at, "part": {"type": "summary_text", "text": text}},
        {"type": "response.output_item.done", "output_index": 0, "item": _reasoning(script, text)},
    ]


def _message_begins(script: Script) -> list[dict[str, Any]]:
    at = _text_at(script)
    item = _message(script, "in_progress", [])
    return [
        {"type": "response.output_item.added", "output_index": at["output_index"], "item": item},
        {"type": "response.content_part.added", **at, "part": _text_part("")},
    ]


def _message_ends(script: Script) -> list[dict[str, Any]]:
    at, text = _text_at(script), script.text()
    item = _message(script, "completed", [_text_part(text)])
    return [
        {"type": "response.output_text.done", **at, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": _text_part(text)},
        {"type": "response.output_item.done", "output_index": at["output_index"], "item": item},
    ]
