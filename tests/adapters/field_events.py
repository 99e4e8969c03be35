"""As `field_streams.py`: formats whose streams have events of many types."""

from typing import Any

from app.adapters.base import Buckets
from tests.adapters.field_streams import Field, data, lines, named
from tests.adapters.streams import frame

EVENT_STREAM = "application/vnd.amazon.eventstream"


def _block(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": {"type": kind, **fields}}


def _delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def _stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


_ANTHROPIC_START = {
    "type": "message_start",
    "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
        "stop_sequence": None, "container": None,
        "usage": {
            "input_tokens": 30, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 2048,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}, "output_tokens": 3,
            "service_tier": "standard", "server_tool_use": {"web_search_requests": 0},
        },
    },
}  # fmt: skip

ANTHROPIC = [
    Field(
        "thinking, a search on the server, citations",
        "anthropic",
        named(
            _ANTHROPIC_START,
            _block(0, "thinking", thinking="", signature=""),
            {"type": "ping"},
            _delta(0, "thinking_delta", thinking="Let me look."),
            _delta(0, "signature_delta", signature="EqQBCgIYAhIM"),
            _stop(0),
            _block(1, "server_tool_use", id="srvtoolu_1", name="web_search", input={}),
            _delta(1, "input_json_delta", partial_json=""),
            _delta(1, "input_json_delta", partial_json='{"query": "weather"}'),
            _stop(1),
            _block(2, "web_search_tool_result", tool_use_id="srvtoolu_1", content=[
                {"type": "web_search_result", "title": "t", "url": "https://a.example", "encrypted_content": "EqgfC"}]),
            _stop(2),
            _block(3, "text", text="", citations=[]),
            _delta(3, "citations_delta", citation={"type": "web_search_result_location", "cited_text": "sunny",
                                                   "url": "https://a.example", "title": "t"}),
            _delta(3, "text_delta", text="It is "),
            _delta(3, "text_delta", text="sunny."),
            _stop(3),
            {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None, "container": None},
             "context_management": {"applied_edits": []},
             "usage": {"input_tokens": 9000, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 2048,
                       "output_tokens": 510, "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0},
                       "output_tokens_details": {"thinking_tokens": 400}}},
            {"type": "message_stop"},
        ),
        "It is sunny.", "end_turn", Buckets(9000, 2048, 0, 110, 400), [3, 6, 8, 14, 15], 6,
    ),
    Field(
        "a refusal in the middle",
        "anthropic",
        named(
            _ANTHROPIC_START,
            _block(0, "text", text=""),
            _delta(0, "text_delta", text="Well"),
            _stop(0),
            {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_sequence": None,
                                                "stop_details": {"type": "refusal", "category": "cyber"}},
             "usage": {"output_tokens": 4}},
            {"type": "message_stop"},
        ),
        "Well", "refusal", Buckets(30, 2048, 0, 4, None), [2], 2,
    ),
    Field(
        "overloaded in the middle",
        "anthropic",
        named(
            _ANTHROPIC_START,
            _block(0, "text", text=""),
            _delta(0, "text_delta", text="Well"),
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"},
        ),
        "Well", None, Buckets(30, 2048, 0, 1, 0), [2], 2, "stream_error", "overloaded", "Overloaded", source="chunks",
    ),
]  # fmt: skip


def _gemini(*parts: Any, finish: str | None = None, usage: Any = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r1"} | more


def _gemini_usage(visible: int, thoughts: int, prompt: int = 100) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "promptTokenCount": prompt, "cachedContentTokenCount": 64, "totalTokenCount": prompt + visible + thoughts,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}], "thoughtsTokenCount": thoughts,
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 64}],
    }  # fmt: skip
    return usage | ({"candidatesTokenCount": visible} if visible else {})


GEMINI = [
    Field(
        "thoughts, usage that grows, a signature in an empty last part",
        "gemini",
        data(
            _gemini({"text": "**Plan**", "thought": True}, usage=_gemini_usage(0, 30)),
            _gemini({"text": "Hel"}, usage=_gemini_usage(1, 40)),
            _gemini({"text": "lo"}, usage=_gemini_usage(10, 40)),
            _gemini({"text": "", "thoughtSignature": "CikB"}, finish="STOP", usage=_gemini_usage(20, 40)),
        ),
        "Hello", "STOP", Buckets(36, 64, None, 20, 40), [0, 1, 2], 1,
    ),
    Field(
        "a call of a function, of code, an image, grounding",
        "gemini",
        data(
            _gemini({"functionCall": {"name": "f", "args": {"a": 1}, "id": "x"}, "thoughtSignature": "Ci"},
                    usage=_gemini_usage(5, 0)),
            _gemini({"executableCode": {"language": "PYTHON", "code": "1"}}, usage=_gemini_usage(6, 0)),
            _gemini({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}, usage=_gemini_usage(7, 0)),
            _gemini({"inlineData": {"mimeType": "image/png", "data": "iVBO"}}, usage=_gemini_usage(8, 0)),
            {**_gemini({"text": "ok"}, finish="STOP", usage=_gemini_usage(20, 40)),
             "candidates": [{"content": {"parts": [{"text": "ok"}], "role": "model"}, "finishReason": "STOP",
                             "groundingMetadata": {"webSearchQueries": ["q"]}, "safetyRatings": []}]},
        ),
        "ok", "STOP", Buckets(36, 64, None, 20, 40), [0, 1, 2, 3, 4], 0,
    ),
    Field(
        "cut for its content, without any content",
        "gemini",
        data(
            _gemini({"text": "a"}, usage=_gemini_usage(1, 0)),
            {"candidates": [{"finishReason": "PROHIBITED_CONTENT", "index": 0, "content": {}}],
             "usageMetadata": _gemini_usage(1, 0), "responseId": "r1"},
        ),
        "a", "PROHIBITED_CONTENT", Buckets(36, 64, None, 1, 0), [0], 0,
    ),
    Field(
        "overloaded in the middle",
        "gemini",
        [*data(_gemini({"text": "a"}, usage=_gemini_usage(1, 0))),
         *data({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}})],
        "a", None, Buckets(36, 64, None, 1, 0), [0], 0, "stream_error", "overloaded", "The model is overloaded.",
    ),
]  # fmt: skip


def _cohere(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    event: dict[str, Any] = {"type": kind} | ({} if index is None else {"index": index})
    return event | ({"delta": {"message": message}} if message else {})


_COHERE_END = {
    "type": "message-end",
    "delta": {"finish_reason": "COMPLETE", "usage": {
        "billed_units": {"input_tokens": 29, "output_tokens": 14},
        "tokens": {"input_tokens": 1419.0, "output_tokens": 44.0}, "cached_tokens": 1408.0}},
}  # fmt: skip
COHERE = [
    Field(
        "a plan, calls of tools",
        "cohere",
        named(
            {"type": "message-start", "id": "c1", "delta": {"message": {
                "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}},
            _cohere("tool-plan-delta", tool_plan="I will"),
            _cohere("tool-plan-delta", tool_plan=" look."),
            _cohere("tool-call-start", 0, tool_calls={"id": "f_1", "type": "function",
                                                      "function": {"name": "f", "arguments": ""}}),
            _cohere("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"a":1}'}}),
            {"type": "tool-call-end", "index": 0},
            {**_COHERE_END, "delta": {**_COHERE_END["delta"], "finish_reason": "TOOL_CALL"}},  # type: ignore[dict-item]
        ),
        "", "TOOL_CALL", Buckets(11, 1408, None, 44, None), [1, 2, 3, 4], 1,
    ),
    Field(
        "thinking, text, citations, an end that stands alone",
        "cohere",
        [
            *named(
                {"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant", "content": []}}},
                _cohere("content-start", 0, content={"type": "thinking", "thinking": ""}),
                _cohere("content-delta", 0, content={"thinking": "Hm"}),
                {"type": "content-end", "index": 0},
                _cohere("content-start", 1, content={"type": "text", "text": ""}),
                _cohere("content-delta", 1, content={"text": "a"}),
                _cohere("citation-start", 0, citations={
                    "start": 0, "end": 1, "text": "a", "type": "TEXT_CONTENT", "content_index": 1,
                    "sources": [{"type": "tool", "id": "f_1:0", "tool_output": {"x": "y"}}]}),
                {"type": "citation-end", "index": 0},
                {"type": "content-end", "index": 1},
                _COHERE_END,
            ),
            b"data: [DONE]\n\n",
        ],
        "a", "COMPLETE", Buckets(11, 1408, None, 44, None), [2, 5], 5,
    ),
]  # fmt: skip

BEDROCK = [
    Field(
        "reasoning with a signature, a tool, then metadata with more than usage",
        "bedrock",
        [
            frame("messageStart", {"role": "assistant", "p": "abc"}),
            frame("contentBlockDelta", {"contentBlockIndex": 0, "p": "abcd",
                                        "delta": {"reasoningContent": {"text": "Hm"}}}),
            frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "Eq"}}}),
            frame("contentBlockStop", {"contentBlockIndex": 0}),
            frame("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "a"}, "p": "x"}),
            frame("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"citation": {"title": "t"}}}),
            frame("contentBlockStop", {"contentBlockIndex": 1}),
            frame("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}),
            frame("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": "{}"}}}),
            frame("messageStop", {"stopReason": "tool_use", "additionalModelResponseFields": None}),
            frame("metadata", {"usage": {"inputTokens": 36, "outputTokens": 60, "totalTokens": 160,
                                         "cacheReadInputTokens": 64, "cacheReadInputTokenCount": 64,
                                         "cacheWriteInputTokens": 0, "serverToolUsage": {}},
                               "metrics": {"latencyMs": 812}, "trace": {"guardrail": {}}, "p": "abcdefg"}),
        ],
        "a", "tool_use", Buckets(36, 64, 0, 60, None), [1, 4, 7, 8], 4, content_type=EVENT_STREAM,
    ),
    Field(
        "an exception between two frames of text",
        "bedrock",
        [
            frame("messageStart", {"role": "assistant"}),
            frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "a"}}),
            frame("serviceUnavailableException", {"message": "Bedrock is unable to process your request."},
                  "exception"),
        ],
        "a", None, Buckets(None, None, None, 1, 0), [1], 1, "stream_error", "overloaded", "unable to process",
        EVENT_STREAM, "chunks",
    ),
    Field(
        "a guardrail steps in",
        "bedrock",
        [
            frame("messageStart", {"role": "assistant"}),
            frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Sorry."}}),
            frame("contentBlockStop", {"contentBlockIndex": 0}),
            frame("messageStop", {"stopReason": "guardrail_intervened"}),
            frame("metadata", {"usage": {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0},
                               "metrics": {"latencyMs": 1}}),
        ],
        "Sorry.", "guardrail_intervened", Buckets(0, None, None, 0, None), [1], 1, content_type=EVENT_STREAM,
    ),
]  # fmt: skip


def _response(status: str, **fields: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"error": None, "incomplete_details": None, "output": [], "usage": None}
    return {"id": "resp_1", "object": "response", "status": status, "model": "m", **empty, **fields}


_RESPONSES_USAGE = {
    "input_tokens": 100, "input_tokens_details": {"cached_tokens": 64}, "output_tokens": 60,
    "output_tokens_details": {"reasoning_tokens": 40}, "total_tokens": 160,
}  # fmt: skip


def _at(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "sequence_number": 1, "item_id": "i", "output_index": 0, **fields}


RESPONSES = [
    Field(
        "a summary of reasoning in two parts, a search, annotations, then the limit",
        "openai-responses",
        named(
            {"type": "response.created", "response": _response("in_progress")},
            {"type": "response.in_progress", "response": _response("in_progress")},
            _at("output_item.added", item={"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "g"}),
            _at("reasoning_summary_part.added", summary_index=0, part={"type": "summary_text", "text": ""}),
            _at("reasoning_summary_text.delta", summary_index=0, delta="Plan", obfuscation="x"),
            _at("reasoning_summary_text.done", summary_index=0, text="Plan"),
            _at("reasoning_summary_part.done", summary_index=0, part={"type": "summary_text", "text": "Plan"}),
            _at("output_item.done", item={"id": "rs_1", "type": "reasoning", "summary": []}),
            _at("web_search_call.in_progress"),
            _at("web_search_call.searching"),
            _at("web_search_call.completed"),
            _at("content_part.added", content_index=0, part={"type": "output_text", "text": "", "annotations": []}),
            _at("output_text.delta", content_index=0, delta="a", logprobs=[], obfuscation="qq"),
            _at("output_text.annotation.added", content_index=0, annotation_index=0,
                annotation={"type": "url_citation", "url": "u", "start_index": 0, "end_index": 1}),
            _at("output_text.done", content_index=0, text="a", logprobs=[]),
            {"type": "response.incomplete", "sequence_number": 20, "response": _response(
                "incomplete", incomplete_details={"reason": "max_output_tokens"}, usage=_RESPONSES_USAGE)},
        ),
        "a", "max_output_tokens", Buckets(36, 64, None, 20, 40), [4, 12], 12,
    ),
    Field(
        "the response fails",
        "openai-responses",
        named(
            {"type": "response.created", "response": _response("in_progress")},
            _at("output_text.delta", content_index=0, delta="a"),
            {"type": "response.failed", "sequence_number": 3, "response": _response(
                "failed", error={"code": "rate_limit_exceeded", "message": "Rate limit reached for m"})},
        ),
        "a", "failed", Buckets(None, None, None, 1, 0), [1], 1, "stream_error", "rate_limit", "Rate limit reached",
        source="chunks",
    ),
    Field(
        "an error event, flat",
        "openai-responses",
        named(
            {"type": "response.created", "response": _response("in_progress")},
            {"type": "error", "code": "server_error", "message": "broken", "param": None, "sequence_number": 2},
        ),
        "", None, Buckets(), [], None, "stream_error", "server", "broken", source="",
    ),
    Field(
        "an error event with the error inside",
        "openai-responses",
        named(
            {"type": "response.created", "response": _response("queued")},
            {"type": "error", "sequence_number": 2, "error": {
                "type": "insufficient_quota", "code": "insufficient_quota", "param": None,
                "message": "You exceeded your current quota"}},
            {"type": "response.failed", "response": _response("failed", error={"code": "insufficient_quota",
                                                                               "message": "You exceeded"})},
        ),
        "", "failed", Buckets(), [], None, "stream_error", "quota", "You exceeded your current quota", source="",
    ),
]  # fmt: skip

OLLAMA = [
    Field(
        "thinking, a call of a tool, log probabilities",
        "ollama",
        lines(
            {"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": False,
             "message": {"role": "assistant", "content": "", "thinking": "Hm"}},
            {"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": False, "logprobs": [{"token": "a"}],
             "message": {"role": "assistant", "content": "a"}},
            {"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": False,
             "message": {"role": "assistant", "content": "", "tool_calls": [
                 {"id": "call_1", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}}]}},
            {"model": "m", "remote_model": "m", "remote_host": "https://ollama.com:443", "done": True,
             "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": ""},
             "done_reason": "stop", "total_duration": 9, "load_duration": 1, "prompt_eval_count": 36,
             "prompt_eval_duration": 2, "eval_count": 60, "eval_duration": 5},
        ),
        "a", "stop", Buckets(36, None, None, 60, None), [0, 1, 2], 1, content_type="application/x-ndjson",
    ),
    Field(
        "the runner dies",
        "ollama",
        lines(
            {"model": "m", "done": False, "message": {"role": "assistant", "content": "a"}},
            {"error": "model runner has unexpectedly stopped, this may be due to resource limitations", "status": 500},
        ),
        "a", None, Buckets(None, None, None, 1, 0), [0], 0, "stream_error", "server", "unexpectedly stopped",
        "application/x-ndjson", "chunks",
    ),
]  # fmt: skip

EVENTS = [*ANTHROPIC, *GEMINI, *COHERE, *BEDROCK, *RESPONSES, *OLLAMA]
