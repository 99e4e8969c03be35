"""Cohere v2 Chat from the server's side."""

from typing import Any

from app.simulator.attachments import attached, chat_part
from app.simulator.formats import Format, Refusal, count, sse, wanted
from app.simulator.script import Ask, Script, spoken

_FINISH = {"stop": "COMPLETE", "length": "MAX_TOKENS"}
_MONTHLY = {"x-endpoint-monthly-call-limit": "1000"}
_FRAMING_TOKENS = 7  # what the model takes in beyond what is billed


class Cohere(Format):
    """The format."""

    too_long = Refusal(
        400,
        {"id": "simulated", "message": "too many tokens: size limit exceeded by 11326 tokens. Try using shorter or "
         "fewer inputs. The limit for this model is 132000 tokens."},
    )  # fmt: skip
    no_quota = Refusal(402, {"id": "simulated", "message": "Please add or update your payment method to continue."})

    def ask(self, target: str, body: Any) -> Ask:
        wanted(body, ["model", "messages"])
        limit = count(body.get("max_tokens"), "max_tokens")
        found = attached(body["messages"], chat_part)
        return Ask(body["model"], spoken(body["messages"]), bool(body.get("stream")), limit, attached=found)

    def opening(self, script: Script) -> bytes:
        message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        start = {"id": script.response_id, "type": "message-start", "delta": {"message": message}}
        return sse(start, _content_start(0, "thinking" if script.reasoning else "text"), named=True)

    def turning(self, script: Script) -> bytes:
        return sse({"type": "content-end", "index": 0}, _content_start(1, "text"), named=True)

    def token(self, script: Script, number: int, word: str) -> bytes:
        is_thought = script.is_reasoning(number)
        content = {"thinking" if is_thought else "text": word}
        index = int(script.reasoning > 0 and not is_thought)
        delta = {"type": "content-delta", "index": index, "delta": {"message": {"content": content}}}
        return sse(delta, named=True)

    def closing(self, script: Script) -> bytes:
        ending: dict[str, Any] = {"finish_reason": _FINISH[script.finish]} | _usage(script)
        index = int(script.reasoning > 0 and script.visible > 0)
        return sse({"type": "content-end", "index": index}, {"type": "message-end", "delta": ending}, named=True)

    def failure(self, message: str) -> bytes:
        return sse({"type": "message-end", "delta": {"error": message, "finish_reason": "ERROR"}}, named=True)

    def whole(self, script: Script) -> Any:
        thoughts = [{"type": "thinking", "thinking": script.reasoning_text()}] if script.reasoning else []
        message = {"role": "assistant", "content": [*thoughts, {"type": "text", "text": script.text()}]}
        answer = {"id": script.response_id, "finish_reason": _FINISH[script.finish], "message": message}
        return answer | _usage(script)

    def error(self, status: int, message: str) -> tuple[Any, dict[str, str]]:
        return {"id": "simulated", "message": message}, self.rate_headers(20, 0) | _MONTHLY if status == 429 else {}

    def rate_headers(self, limit: int, left: int) -> dict[str, str]:
        """As trial keys get them; others get none."""
        return {"x-trial-endpoint-call-limit": str(limit), "x-trial-endpoint-call-remaining": str(left)}


def _content_start(index: int, kind: str) -> dict[str, Any]:
    content = {"type": kind, kind: ""}
    return {"type": "content-start", "index": index, "delta": {"message": {"content": content}}}


def _usage(script: Script) -> dict[str, Any]:
    if not script.has_usage:
        return {}
    tokens = {"input_tokens": script.prompt + _FRAMING_TOKENS, "output_tokens": script.tokens}
    billed = {"input_tokens": script.prompt, "output_tokens": script.tokens}
    return {"usage": {"billed_units": billed, "tokens": tokens, "cached_tokens": script.cache_read}}
