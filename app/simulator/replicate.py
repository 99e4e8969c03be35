"""Replicate's predictions from the server's side: whole answers, as to requests with `Prefer: wait`."""

from typing import Any
from urllib.parse import unquote

from app.simulator.formats import Format, count, wanted
from app.simulator.script import Ask, Script, spoken

_CREATED = "2025-01-01T00:00:00.000Z"
_TITLES = {400: "Bad request", 401: "Unauthenticated", 404: "Not found", 429: "", 500: "Internal server error"}


class Replicate(Format):
    """The format; its reasoning models say their thoughts as part of the answer."""

    whole_status = 201
    token_varies = True

    def ask(self, target: str, body: Any) -> Ask:
        wanted(body, ["input"])
        sent = body["input"]
        wanted(sent, ["prompt"])
        model = unquote("/".join(target.split("/")[3:5])) if target.startswith("/v1/models/") else body.get("version")
        text = f"{spoken(sent.get('system_prompt') or '')} {spoken(sent['prompt'])}"
        limit = count(sent.get("max_tokens"), "max_tokens")
        return Ask(str(model), text, stream=False, limit=limit, insists=sent.get("min_tokens") is not None)

    def token(self, script: Script, number: int, word: str) -> bytes:
        raise AssertionError("this format has whole answers only")

    def closing(self, script: Script) -> bytes:
        raise AssertionError("this format has whole answers only")

    def failure(self, message: str) -> bytes:
        raise AssertionError("this format has whole answers only")

    def whole(self, script: Script) -> Any:
        words = [script.word(number) for number in range(script.tokens)]
        metrics: dict[str, Any] = {"predict_time": 0.1}
        if script.has_usage:
            metrics |= {"input_token_count": script.prompt, "output_token_count": script.tokens}
        return _prediction(script, status="succeeded", output=words, metrics=metrics)

    def whole_failure(self, script: Script, message: str) -> Any:
        return _prediction(script, status="failed", output=None, error=message, metrics={"predict_time": 0.1})

    def error(self, status: int, message: str) -> tuple[Any, dict[str, str]]:
        return {"title": _TITLES.get(status, "Error"), "detail": message, "status": status}, {}


def _prediction(script: Script, **fields: Any) -> dict[str, Any]:
    address = f"https://api.replicate.com/v1/predictions/{script.response_id}"
    return {
        "id": script.response_id,
        "model": script.model,
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
