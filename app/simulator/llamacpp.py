"""llama.cpp server's own `/completion` from the server's side."""

from typing import Any

from app.simulator.formats import COMMENT, Format, Refusal, count, sse, wanted
from app.simulator.script import Ask, Script

_FINISH = {"stop": "eos", "length": "limit"}
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    503: "unavailable_error",
    429: "rate_limit_error",
    529: "unavailable_error",
}


class LlamaCpp(Format):
    """The format; it has no way to tell reasoning."""

    too_long = Refusal(
        400,
        {"error": {"code": 400, "message": "the request exceeds the available context size, try increasing it",
                   "type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 8192}},
    )  # fmt: skip
    no_quota = Refusal(
        402, {"error": {"code": 402, "message": "Insufficient credits", "type": "invalid_request_error"}}
    )

    def ask(self, target: str, body: Any) -> Ask:
        wanted(body, ["prompt"])
        limit = body.get("n_predict")
        return Ask(
            model=body.get("model") or "simulated",
            text=str(body["prompt"]),
            stream=bool(body.get("stream")),
            limit=None if limit == -1 else count(limit, "n_predict"),
            insists=bool(body.get("ignore_eos")),
        )

    def token(self, script: Script, number: int, word: str) -> bytes:
        counts = {"tokens_predicted": number + 1, "tokens_evaluated": script.prompt}
        return sse({"index": 0, "content": word, "tokens": [1], "stop": False, "id_slot": -1, **counts})

    def closing(self, script: Script) -> bytes:
        return sse(_last(script, ""))

    def ping(self) -> bytes:
        return COMMENT

    def failure(self, message: str) -> bytes:
        return sse({"error": {"code": 500, "message": message, "type": "server_error"}})

    def whole(self, script: Script) -> Any:
        return _last(script, script.reasoning_text() + script.text())

    def error(self, status: int, message: str) -> tuple[Any, dict[str, str]]:
        return {"error": {"code": status, "message": message, "type": _TYPES.get(status, "server_error")}}, {}


def _last(script: Script, content: str) -> dict[str, Any]:
    last = {"index": 0, "content": content, "stop": True, "stop_type": _FINISH[script.finish], "model": script.model}
    if not script.has_usage:
        return last
    processed = script.prompt - script.cache_read
    timings = {
        "cache_n": script.cache_read,
        "prompt_n": processed,
        "prompt_ms": script.ttft_ms,
        "predicted_n": script.tokens,
        "predicted_ms": script.itl_ms * (script.tokens - 1),
    }
    return last | {
        "tokens_predicted": script.tokens,
        "tokens_evaluated": script.prompt,
        "tokens_cached": script.prompt + script.tokens - 1,
        "timings": timings,
    }
