"""One answer in every wire format, as the vendors' documentation shows it: two thoughts, then the text, then usage."""

import base64
import json
import struct
import zlib
from typing import Any, NamedTuple

from app.adapters.base import Buckets

TEXT = "Hello Wörld"


class Recorded(NamedTuple):
    """What a server of this kind sends. `events` are whole events; the first `len(stamps)` outputs are at `outputs`."""

    kind: str
    content_type: str
    events: list[bytes]
    body: dict[str, Any]
    finish: str
    buckets: Buckets
    outputs: list[int]  # which of the events carry output
    first_visible: int
    error: bytes  # an error event
    error_body: dict[str, Any]
    response_id: str | None = "r1"
    thoughts: str = "hm so"


def sse(*values: Any) -> list[bytes]:
    return [
        (f"event: {value['type']}\n" if "type" in value else "").encode() + b"data: " + encoded(value) + b"\n\n"
        for value in values
    ]


def encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def frame(name: str, value: Any, kind: str = "event") -> bytes:
    """A frame of an AWS event stream."""
    head = b"".join(
        struct.pack(">B", len(key)) + key.encode() + b"\x07" + struct.pack(">H", len(text)) + text.encode()
        for key, text in ((f":{kind}-type", name), (":content-type", "application/json"), (":message-type", kind))
    )
    payload = encoded(value)
    prelude = struct.pack(">II", len(head) + len(payload) + 16, len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _chat(kind: str, usage: dict[str, Any], buckets: Buckets, **deltas: Any) -> Recorded:
    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return {"id": "r1", "object": "chat.completion.chunk", "choices": choices, **more}

    events = [
        *sse(chunk({"role": "assistant", "content": ""})),
        b": ping\n\n",
        *sse(chunk(deltas["first"]), chunk(deltas["second"])),
        *sse(chunk({"content": "Hello"}), chunk({"content": " Wörld"}), chunk({}, "stop", **deltas.get("last", {}))),
        *(sse({"id": "r1", "choices": [], "usage": usage}) if "last" not in deltas else []),
        b"data: [DONE]\n\n",
    ]
    message = {"role": "assistant", "content": TEXT, **deltas.get("message", {"reasoning_content": "hm so"})}
    return Recorded(
        kind,
        "text/event-stream",
        events,
        {"id": "r1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage},
        "stop",
        buckets,
        [2, 3, 4, 5],
        4,
        sse({"error": {"message": "broken inside", "type": "server_error"}})[0],
        {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}},
    )


def _openai() -> Recorded:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "total_tokens": 130,
        "prompt_tokens_details": {"cached_tokens": 40},
        "completion_tokens_details": {"reasoning_tokens": 10},
    }
    first, second = {"reasoning_content": "hm"}, {"reasoning_content": " so"}
    return _chat("openai", usage, Buckets(60, 40, None, 20, 10), first=first, second=second)


def _mistral() -> Recorded:
    def thought(text: str) -> dict[str, Any]:
        return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]}

    usage = {"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130, "num_cached_tokens": 64}
    message = {"content": [*thought("hm so")["content"], {"type": "text", "text": TEXT}]}
    return _chat(
        "mistral",
        usage,
        Buckets(36, 64, None, 30, None),
        first=thought("hm"),
        second=thought(" so"),
        last={"usage": usage},
        message=message,
    )


def _groq() -> Recorded:
    usage = {"prompt_tokens": 100, "completion_tokens": 30, "queue_time": 0.01, "total_time": 0.2}
    return _chat(
        "groq",
        usage,
        Buckets(100, None, None, 30, None),
        first={"reasoning": "hm"},
        second={"reasoning": " so"},
        last={"x_groq": {"id": "req", "usage": usage}},
        message={"reasoning": "hm so"},
    )


def _deepseek() -> Recorded:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "total_tokens": 130,
        "prompt_cache_hit_tokens": 64,
        "prompt_cache_miss_tokens": 36,
        "completion_tokens_details": {"reasoning_tokens": 10},
    }
    first, second = {"content": None, "reasoning_content": "hm"}, {"content": None, "reasoning_content": " so"}
    return _chat("deepseek", usage, Buckets(36, 64, None, 20, 10), first=first, second=second)


def _xai() -> Recorded:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 130,
        "prompt_tokens_details": {"cached_tokens": 40},
        "completion_tokens_details": {"reasoning_tokens": 10},
    }
    first, second = {"reasoning_content": "hm"}, {"reasoning_content": " so"}
    return _chat("xai", usage, Buckets(60, 40, None, 20, 10), first=first, second=second)


def _responses() -> Recorded:
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 10},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 10},
        "total_tokens": 130,
    }
    output = [
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm so"}]},
        {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": TEXT}]},
    ]
    done = {"id": "r1", "object": "response", "status": "completed", "error": None, "output": output, "usage": usage}
    begun: dict[str, Any] = {
        "id": "r1",
        "object": "response",
        "status": "in_progress",
        "error": None,
        "output": [],
        "usage": None,
    }
    events = sse(
        {"type": "response.created", "sequence_number": 0, "response": begun},
        {"type": "response.output_item.added", "sequence_number": 1, "item": {"type": "reasoning", "summary": []}},
        {"type": "response.reasoning_summary_text.delta", "sequence_number": 2, "delta": "hm"},
        {"type": "response.reasoning_summary_text.delta", "sequence_number": 3, "delta": " so"},
        {"type": "response.reasoning_summary_text.done", "sequence_number": 4, "text": "hm so"},
        {"type": "response.output_text.delta", "sequence_number": 5, "delta": "Hello", "logprobs": []},
        {"type": "response.output_text.delta", "sequence_number": 6, "delta": " Wörld", "logprobs": []},
        {"type": "response.output_text.done", "sequence_number": 7, "text": TEXT},
        {"type": "response.completed", "sequence_number": 8, "response": done},
    )
    error = {"type": "error", "sequence_number": 5, "code": "server_error", "message": "broken inside", "param": None}
    error_body = {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}
    buckets = Buckets(50, 40, 10, 20, 10)
    kind = "openai-responses"
    return Recorded(
        kind, "text/event-stream", events, done, "completed", buckets, [2, 3, 5, 6], 5, sse(error)[0], error_body
    )


def _anthropic() -> Recorded:
    taken = {"input_tokens": 50, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 40}
    given = {"output_tokens": 30, "output_tokens_details": {"thinking_tokens": 10}}
    message: dict[str, Any] = {
        "id": "r1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
    }

    def delta(index: int, **fields: str) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": index, "delta": fields}

    events = sse(
        {"type": "message_start", "message": {**message, "usage": {**taken, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "ping"},
        delta(0, type="thinking_delta", thinking="hm"),
        delta(0, type="thinking_delta", thinking=" so"),
        delta(0, type="signature_delta", signature="EqQB"),
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        delta(1, type="text_delta", text="Hello"),
        delta(1, type="text_delta", text=" Wörld"),
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": given},
        {"type": "message_stop"},
    )
    content = [{"type": "thinking", "thinking": "hm so", "signature": "x"}, {"type": "text", "text": TEXT}]
    body = {**message, "content": content, "stop_reason": "end_turn", "usage": taken | given}
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "broken inside"}}
    error_body = {"type": "error", "error": {"type": "rate_limit_error", "message": "Rate limit reached"}}
    buckets = Buckets(50, 40, 10, 20, 10)
    return Recorded(
        "anthropic", "text/event-stream", events, body, "end_turn", buckets, [3, 4, 8, 9], 8, sse(error)[0], error_body
    )


def _gemini() -> Recorded:
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 40,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 10,
        "totalTokenCount": 130,
    }

    def chunk(parts: list[Any], finish: str | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        early = {"promptTokenCount": 100, "totalTokenCount": 100}
        if finish:
            candidate["finishReason"] = finish
        return {"candidates": [candidate], "usageMetadata": usage if finish else early, "responseId": "r1"}

    events = sse(
        chunk([{"text": "hm", "thought": True}]),
        chunk([{"text": " so", "thought": True}]),
        chunk([{"text": "Hello"}]),
        chunk([{"text": " Wörld"}]),
        chunk([{"text": ""}], "STOP"),
    )
    body = chunk([{"text": "hm so", "thought": True}, {"text": TEXT}], "STOP")
    error = {"error": {"code": 503, "message": "broken inside", "status": "UNAVAILABLE"}}
    error_body = {"error": {"code": 429, "message": "Rate limit reached", "status": "RESOURCE_EXHAUSTED"}}
    buckets = Buckets(60, 40, None, 20, 10)
    return Recorded(
        "gemini", "text/event-stream", events, body, "STOP", buckets, [0, 1, 2, 3], 2, sse(error)[0], error_body
    )


def _cohere() -> Recorded:
    usage = {
        "billed_units": {"input_tokens": 93, "output_tokens": 30},
        "tokens": {"input_tokens": 100.0, "output_tokens": 30.0},
        "cached_tokens": 40.0,
    }

    def delta(index: int, **content: str) -> dict[str, Any]:
        return {"type": "content-delta", "index": index, "delta": {"message": {"content": content}}}

    def start(index: int, kind: str) -> dict[str, Any]:
        return {"type": "content-start", "index": index, "delta": {"message": {"content": {"type": kind, kind: ""}}}}

    events = sse(
        {"id": "r1", "type": "message-start", "delta": {"message": {"role": "assistant", "content": []}}},
        start(0, "thinking"),
        delta(0, thinking="hm"),
        delta(0, thinking=" so"),
        {"type": "content-end", "index": 0},
        start(1, "text"),
        delta(1, text="Hello"),
        delta(1, text=" Wörld"),
        {"type": "citation-start", "index": 0, "delta": {"message": {"citations": {"text": "Hello"}}}},
        {"type": "content-end", "index": 1},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage}},
    )
    content = [{"type": "thinking", "thinking": "hm so"}, {"type": "text", "text": TEXT}]
    message = {"role": "assistant", "content": content}
    body = {"id": "r1", "finish_reason": "COMPLETE", "message": message, "usage": usage}
    error = {"type": "message-end", "delta": {"error": "broken inside", "finish_reason": "ERROR"}}
    buckets = Buckets(60, 40, None, 30, None)
    error_body = {"id": "x", "message": "Rate limit reached"}
    return Recorded(
        "cohere", "text/event-stream", events, body, "COMPLETE", buckets, [2, 3, 6, 7], 6, sse(error)[0], error_body
    )


def _ollama() -> Recorded:
    def line(message: dict[str, str], **more: Any) -> bytes:
        value = {"model": "m", "created_at": "2025-01-01T00:00:00Z", "message": message, "done": False, **more}
        return encoded(value) + b"\n"

    usage = {"total_duration": 5, "load_duration": 1, "prompt_eval_count": 100, "eval_count": 30, "eval_duration": 3}
    end = {"done": True, "done_reason": "stop", **usage}
    events = [
        line({"role": "assistant", "content": "", "thinking": "hm"}, created_at="2025-01-01T00:00:01Z"),
        line({"role": "assistant", "content": "", "thinking": " so"}),
        line({"role": "assistant", "content": "Hello"}),
        line({"role": "assistant", "content": " Wörld"}),
        line({"role": "assistant", "content": ""}, **end),
    ]
    body = {"model": "m", "message": {"role": "assistant", "content": TEXT, "thinking": "hm so"}, **end}
    buckets = Buckets(100, None, None, 30, None)
    error_body = {"error": "Rate limit reached"}
    kind, error = "application/x-ndjson", b'{"error": "broken inside"}\n'
    return Recorded("ollama", kind, events, body, "stop", buckets, [0, 1, 2, 3], 2, error, error_body, None)


def _llamacpp() -> Recorded:
    timings = {"cache_n": 40, "prompt_n": 60, "prompt_ms": 1.5, "predicted_n": 30, "predicted_ms": 9.0}
    counts = {"tokens_predicted": 30, "tokens_evaluated": 100, "tokens_cached": 129, "timings": timings}
    end = {"index": 0, "stop": True, "stop_type": "eos", "model": "m", **counts}
    events = [
        *sse({"index": 0, "content": "Hello", "tokens": [1], "stop": False}),
        b": ping\n\n",
        *sse({"index": 0, "content": " Wörld", "tokens": [2], "stop": False}, {"content": "", **end}),
    ]
    error = sse({"error": {"code": 500, "message": "broken inside", "type": "server_error"}})
    error_body = {"error": {"code": 429, "message": "Rate limit reached", "type": "rate_limit_error"}}
    kind, buckets = "llamacpp-completion", Buckets(60, 40, None, 30, None)
    body = {"content": TEXT, **end}
    return Recorded(
        kind, "text/event-stream", events, body, "eos", buckets, [0, 2], 0, error[0], error_body, None, thoughts=""
    )


def _bedrock() -> Recorded:
    usage = {
        "inputTokens": 50,
        "outputTokens": 30,
        "totalTokens": 130,
        "cacheReadInputTokens": 40,
        "cacheWriteInputTokens": 10,
    }

    def delta(index: int, **content: Any) -> bytes:
        return frame("contentBlockDelta", {"contentBlockIndex": index, "delta": content, "p": "abcdefgh"})

    events = [
        frame("messageStart", {"role": "assistant"}),
        delta(0, reasoningContent={"text": "hm"}),
        delta(0, reasoningContent={"text": " so"}),
        delta(0, reasoningContent={"signature": base64.b64encode(b"x").decode()}),
        frame("contentBlockStop", {"contentBlockIndex": 0}),
        delta(1, text="Hello"),
        delta(1, text=" Wörld"),
        frame("contentBlockStop", {"contentBlockIndex": 1}),
        frame("messageStop", {"stopReason": "end_turn"}),
        frame("metadata", {"usage": usage, "metrics": {"latencyMs": 5}}),
    ]
    content = [{"reasoningContent": {"reasoningText": {"text": "hm so", "signature": "x"}}}, {"text": TEXT}]
    output = {"message": {"role": "assistant", "content": content}}
    body = {"output": output, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 5}}
    error = frame("modelStreamErrorException", {"message": "broken inside"}, "exception")
    error_body = {"message": "Rate limit reached"}
    kind, buckets = "application/vnd.amazon.eventstream", Buckets(50, 40, 10, 30, None)
    return Recorded("bedrock", kind, events, body, "end_turn", buckets, [1, 2, 5, 6], 5, error, error_body, None)


RECORDED = [
    _openai(), _mistral(), _groq(), _deepseek(), _xai(), _responses(), _anthropic(), _gemini(), _cohere(), _ollama(),
    _llamacpp(), _bedrock(),
]  # fmt: skip
