"""Google Gemini from the server's side."""

from typing import Any
from urllib.parse import unquote

from app.simulator.attachments import attached, gemini_part
from app.simulator.formats import Format, Refusal, count, sse, wanted
from app.simulator.script import Ask, Script, spoken

_FINISH = {"stop": "STOP", "length": "MAX_TOKENS"}
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
_RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}
_PER_DAY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "250"}],
}


def _error(code: int, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message, "status": _STATUS[code]}
    return {"error": error | ({"details": list(details)} if details else {})}


class Gemini(Format):
    """The format."""

    too_long = Refusal(
        400, _error(400, "The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).")
    )
    no_quota = Refusal(
        429,
        _error(429, "You exceeded your current quota, please check your plan and billing details.", _PER_DAY, _RETRY),
    )

    def ask(self, target: str, body: Any) -> Ask:
        wanted(body, ["contents"])
        model, _, method = unquote(target).rpartition("/models/")[2].partition(":")
        text = " ".join((spoken(body.get("systemInstruction")), spoken(body["contents"])))
        config = body.get("generationConfig") or {}
        limit = count(config.get("maxOutputTokens"), "maxOutputTokens")
        found = attached(body["contents"], gemini_part, within="parts")
        return Ask(model, text, method == "streamGenerateContent", limit, attached=found)

    def token(self, script: Script, number: int, word: str) -> bytes:
        return sse(_chunk(script, [_part(word, is_thought=script.is_reasoning(number))]))

    def closing(self, script: Script) -> bytes:
        chunk = _chunk(script, [_part("", is_thought=False)], _FINISH[script.finish])
        return sse(chunk | _usage(script))

    def failure(self, message: str) -> bytes:
        return sse({"error": {"code": 503, "message": message, "status": "UNAVAILABLE"}})

    def whole(self, script: Script) -> Any:
        thoughts = [_part(script.reasoning_text(), is_thought=True)] if script.reasoning else []
        parts = [*thoughts, _part(script.text(), is_thought=False)]
        return _chunk(script, parts, _FINISH[script.finish]) | _usage(script)

    def error(self, status: int, message: str) -> tuple[Any, dict[str, str]]:
        details = [_RETRY] if status == 429 else []  # the API says when to come back in the body
        return _error(status, message, *details), {}


def _part(text: str, *, is_thought: bool) -> dict[str, Any]:
    return {"text": text, "thought": True} if is_thought else {"text": text}


def _chunk(script: Script, parts: list[dict[str, Any]], finish: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": script.model, "responseId": script.response_id}


def _usage(script: Script) -> dict[str, Any]:
    if not script.has_usage:
        return {}
    counts = {
        "promptTokenCount": script.prompt,
        "cachedContentTokenCount": script.cache_read,
        "candidatesTokenCount": script.visible,
        "thoughtsTokenCount": script.reasoning,
        "totalTokenCount": script.prompt + script.tokens,
    }
    return {"usageMetadata": {name: value for name, value in counts.items() if value}}
