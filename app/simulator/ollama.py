"""Ollama's `/api/chat` from the server's side."""

from typing import Any

import msgspec

from app.simulator.attachments import in_ollama
from app.simulator.formats import Format, Refusal, count, wanted
from app.simulator.script import Ask, Script, spoken

_CREATED = "2025-01-01T00:00:00.000000000Z"
_NS_PER_TOKEN = 20_000_000


class Ollama(Format):
    """The format; it streams unless it is told not to."""

    too_long = Refusal(400, {"error": "the input length exceeds the context length"})
    no_quota = Refusal(429, {"error": "you've reached your hourly usage limit, please upgrade to continue"})

    content_type = "application/x-ndjson"

    def ask(self, target: str, body: Any) -> Ask:
        wanted(body, ["model", "messages"])
        limit = count((body.get("options") or {}).get("num_predict"), "num_predict")
        found = in_ollama(body["messages"])
        return Ask(body["model"], spoken(body["messages"]), body.get("stream") is not False, limit, attached=found)

    def token(self, script: Script, number: int, word: str) -> bytes:
        if script.is_reasoning(number):
            return _line(_object(script, {"content": "", "thinking": word}) | {"done": False})
        return _line(_object(script, {"content": word}) | {"done": False})

    def closing(self, script: Script) -> bytes:
        return _line(_object(script, {"content": ""}) | _ending(script))

    def failure(self, message: str) -> bytes:
        return _line({"error": message})

    def whole(self, script: Script) -> Any:
        message = {"content": script.text()}
        if script.reasoning:
            message["thinking"] = script.reasoning_text()
        return _object(script, message) | _ending(script)

    def error(self, status: int, message: str) -> tuple[Any, dict[str, str]]:
        return {"error": message}, {}


def _line(value: Any) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _object(script: Script, message: dict[str, str]) -> dict[str, Any]:
    return {"model": script.model, "created_at": _CREATED, "message": {"role": "assistant", **message}}


def _ending(script: Script) -> dict[str, Any]:
    ending: dict[str, Any] = {"done": True, "done_reason": script.finish}
    if not script.has_usage:
        return ending
    counts = {
        "total_duration": (script.prompt + script.tokens) * _NS_PER_TOKEN,
        "load_duration": _NS_PER_TOKEN,
        "prompt_eval_count": script.prompt,
        "prompt_eval_duration": script.prompt * _NS_PER_TOKEN,
        "eval_count": script.tokens,
        "eval_duration": script.tokens * _NS_PER_TOKEN,
    }
    return ending | {name: value for name, value in counts.items() if value}
