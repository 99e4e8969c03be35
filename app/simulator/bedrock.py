"""AWS Bedrock Converse and ConverseStream from the server's side, with their binary frames."""

import struct
import zlib
from typing import Any
from urllib.parse import unquote

import msgspec

from app.simulator.attachments import attached, bedrock_part
from app.simulator.formats import Format, Refusal, count, wanted
from app.simulator.script import Ask, Script, spoken

_FINISH = {"stop": "end_turn", "length": "max_tokens"}
_EXCEPTIONS = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    413: "ValidationException",
    422: "ValidationException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
    529: "ServiceUnavailableException",
}


class Bedrock(Format):
    """The format."""

    content_type = "application/vnd.amazon.eventstream"
    token_varies = True  # each frame has its checksum
    too_long = Refusal(
        400, {"message": "Input is too long for requested model."}, {"x-amzn-ErrorType": "ValidationException"}
    )
    no_quota = Refusal(
        400,
        {"message": "Your request exceeds the service quota for your account."},
        {"x-amzn-ErrorType": "ServiceQuotaExceededException"},
    )

    def ask(self, target: str, body: Any) -> Ask:
        wanted(body, ["messages"])
        model, _, method = target.partition("/model/")[2].rpartition("/")
        limit = count((body.get("inferenceConfig") or {}).get("maxTokens"), "maxTokens")
        text = " ".join((spoken(body.get("system")), spoken(body["messages"])))
        found = attached(body["messages"], bedrock_part)
        return Ask(unquote(model), text, method == "converse-stream", limit, attached=found)

    def opening(self, script: Script) -> bytes:
        return event("messageStart", {"role": "assistant"})

    def turning(self, script: Script) -> bytes:
        return event("contentBlockStop", {"contentBlockIndex": 0})

    def token(self, script: Script, number: int, word: str) -> bytes:
        is_thought = script.is_reasoning(number)
        index = int(script.reasoning > 0 and not is_thought)
        delta = {"reasoningContent": {"text": word}} if is_thought else {"text": word}
        return event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})

    def closing(self, script: Script) -> bytes:
        index = int(script.reasoning > 0 and script.visible > 0)
        metadata = {"metrics": {"latencyMs": 1}} | _usage(script)
        return (
            event("contentBlockStop", {"contentBlockIndex": index})
            + event("messageStop", {"stopReason": _FINISH[script.finish]})
            + event("metadata", metadata)
        )

    def failure(self, message: str) -> bytes:
        kinds = {":message-type": "exception", ":exception-type": "modelStreamErrorException"}
        return frame({**kinds, ":content-type": "application/json"}, msgspec.json.encode({"message": message}))

    def whole(self, script: Script) -> Any:
        thoughts = [{"reasoningContent": {"reasoningText": {"text": script.reasoning_text()}}}]
        content = [*(thoughts if script.reasoning else []), {"text": script.text()}]
        answer = {"output": {"message": {"role": "assistant", "content": content}}, "metrics": {"latencyMs": 1}}
        return answer | {"stopReason": _FINISH[script.finish]} | _usage(script)

    def error(self, status: int, message: str) -> tuple[Any, dict[str, str]]:
        return {"message": message}, {"x-amzn-ErrorType": _EXCEPTIONS[status]}


def event(name: str, value: Any) -> bytes:
    """An event as a frame."""
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, msgspec.json.encode(value))


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """A frame of `application/vnd.amazon.eventstream` whose headers are all text."""
    head = b"".join(
        b"%c%b\x07%b%b" % (len(name), name.encode(), struct.pack(">H", len(value)), value.encode())
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", len(head) + len(payload) + 16, len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _usage(script: Script) -> dict[str, Any]:
    if not script.has_usage:
        return {}
    counts = {
        "inputTokens": script.prompt - script.cache_read - script.cache_write,
        "outputTokens": script.tokens,
        "totalTokens": script.prompt + script.tokens,
        "cacheReadInputTokens": script.cache_read,
        "cacheWriteInputTokens": script.cache_write,
    }
    return {"usage": counts}
