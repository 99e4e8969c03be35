"""Replicate's predictions from the server's side: whole answers, as to requests with `Prefer: wait`, and streams.

A request with `stream` is answered at once, with the address of the stream in `urls.stream`; faults and times are those
of the second request, which fetches it. Source: Replicate's guide "Streaming output": `output` is plain text, `error`
an object with `detail`, `done` an empty object or one with a `reason`. Its client reads no event with no `id`.
"""

from typing import Any
from urllib.parse import unquote

import msgspec

from app.simulator.formats import Format, Refusal, count, wanted
from app.simulator.script import Ask, Script, spoken

_CREATED = "2025-01-01T00:00:00.000Z"
_TITLES = {
    400: "Bad request",
    401: "Unauthenticated",
    403: "Forbidden",
    404: "Not found",
    422: "Input validation failed",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
}


def _prediction(response_id: str, model: str, **fields: Any) -> dict[str, Any]:
    address = f"https://api.replicate.com/v1/predictions/{response_id}"
    return {
        "id": response_id,
        "model": model,
        "version": "hidden",
        "input": {},
        "logs": "",
        "error": None,
        "created_at": _CREATED,
        "started_at": _CREATED,
        "completed_at": _CREATED,
        "urls": {"get": address, "cancel": f"{address}/cancel"},
        **fields,
    }


class Replicate(Format):
    """The format; its reasoning models say their thoughts as part of the answer."""

    whole_status = 201
    token_varies = True
    too_long = Refusal(  # only the model looks at a prompt, so it is the prediction that fails
        201,
        _prediction(
            "prediction-sim-too-long",
            "simulated",
            status="failed",
            output=None,
            error="E1002 PromptTooLong: Prompt length exceeds maximum input length.",
            metrics={},
        ),
    )
    no_quota = Refusal(
        402,
        {
            "title": "Insufficient credit",
            "detail": "You have insufficient credit to run this model. Go to the billing page to purchase credit.",
            "status": 402,
        },
    )

    def ask(self, target: str, body: Any) -> Ask:
        wanted(body, ["input"])
        sent = body["input"]
        wanted(sent, ["prompt"])
        model = unquote("/".join(target.split("/")[3:5])) if target.startswith("/v1/models/") else body.get("version")
        text = f"{spoken(sent.get('system_prompt') or '')} {spoken(sent['prompt'])}"
        limit = count(sent.get("max_tokens"), "max_tokens")
        insists, streams = sent.get("min_tokens") is not None, body.get("stream") is True
        return Ask(str(model), text, stream=streams, limit=limit, insists=insists, is_fetched=streams)

    def accepted(self, response_id: str, ask: Ask, address: str) -> Any:
        later = {"started_at": None, "completed_at": None}
        started = _prediction(response_id, ask.model, status="starting", output=None, metrics={}, **later)
        return started | {"urls": started["urls"] | {"stream": address}}

    def token(self, script: Script, number: int, word: str) -> bytes:
        lines = word.encode().replace(b"\n", b"\ndata: ")
        return b"event: output\nid: %d:0\ndata: %b\n\n" % (number + 1, lines)

    def closing(self, script: Script) -> bytes:
        return b"event: done\nid: %d:0\ndata: {}\n\n" % (script.tokens + 1)

    def failure(self, message: str) -> bytes:
        said = msgspec.json.encode({"detail": message})
        return b'event: error\nid: 0:1\ndata: %b\n\nevent: done\nid: 0:2\ndata: {"reason":"error"}\n\n' % said

    def whole(self, script: Script) -> Any:
        words = [script.word(number) for number in range(script.tokens)]
        metrics: dict[str, Any] = {"predict_time": 0.1}
        if script.has_usage:
            metrics |= {"input_token_count": script.prompt, "output_token_count": script.tokens}
        return _prediction(script.response_id, script.model, status="succeeded", output=words, metrics=metrics)

    def whole_failure(self, script: Script, message: str) -> Any:
        metrics = {"predict_time": 0.1}
        return _prediction(
            script.response_id, script.model, status="failed", output=None, error=message, metrics=metrics
        )

    def error(self, status: int, message: str) -> tuple[Any, dict[str, str]]:
        body = {"title": _TITLES.get(status, "Error"), "detail": message, "status": status}
        if status != 429:
            return body, {}
        return body | {"retry_after": 1}, {"ratelimit-remaining": "0", "ratelimit-reset": "1"}

    def rate_headers(self, limit: int, left: int) -> dict[str, str]:
        """Only what is left, and in how many seconds it is full again."""
        return {"ratelimit-remaining": str(left), "ratelimit-reset": "60"}
