"""As `field_streams.py`: what a thousand answers that other projects recorded hold beyond those shapes.

Shapes after the recorded answers in the tests of pydantic-ai, of Vercel's AI SDK and of Anthropic's Python SDK, and
after the guide "Streaming output" of Replicate and the tests of its JavaScript client; texts and numbers are invented.
"""

from typing import Any

from app.adapters.base import Buckets
from tests.adapters.field_events import EVENT_STREAM, _at, _block, _delta, _gemini, _gemini_usage, _response, _stop
from tests.adapters.field_streams import Field, chunk, data, named
from tests.adapters.streams import frame

_USAGE = {
    "input_tokens": 100, "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
    "output_tokens": 60, "output_tokens_details": {"reasoning_tokens": 40}, "total_tokens": 160,
}  # fmt: skip
_COUNTED = Buckets(30, 60, 10, 20, 40)


def _added(**item: Any) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": 0, "sequence_number": 2, "item": item}


def _completed() -> dict[str, Any]:
    return {"type": "response.completed", "sequence_number": 9, "response": _response("completed", usage=_USAGE)}


def _replicate(event: str, *lines: str) -> bytes:
    return "\n".join([f"event: {event}", "id: 1690212292:0", *(f"data: {one}" for one in lines), "", ""]).encode()


RESPONSES = [
    Field(
        "OpenRouter ends it with [DONE]",
        "openai-responses",
        [*named(_at("output_text.delta", content_index=0, delta="a"), _completed()), b"data: [DONE]\n\n"],
        "a", "completed", _COUNTED, [0], 0,
    ),
    Field(
        "calls that are all there when they begin, and what tools say",
        "openai-responses",
        named(
            {"type": "response.created", "response": _response("in_progress")},
            _added(type="reasoning", id="rs_1", summary=[], content=None, encrypted_content="gAAAA"),
            _added(type="mcp_list_tools", id="l_1", server_label="x", tools=[]),
            _added(type="local_shell_call", id="s_1", status="in_progress", action={"type": "exec", "command": ["ls"]}),
            _at("shell_call_output_content.delta", command_index=0, delta={"stdout": "file"}),
            {"type": "response.output_item.done", "output_index": 0, "item": {"type": "local_shell_call"}},
            _added(type="shell_call_output", id="o_1", output=[]),
            _added(type="mcp_approval_request", id="a_1", arguments="{}", name="f", server_label="x"),
            _added(type="message", id="m_1", role="assistant", content=[], phase="final_answer"),
            _at("output_text.delta", content_index=0, delta="a"),
            _completed(),
        ),
        "a", "completed", _COUNTED, [3, 7, 9], 3,
    ),
    Field(
        "it fails and does not say why",
        "openai-responses",
        named(_at("output_text.delta", content_index=0, delta="a"),
              {"type": "response.failed", "response": _response("failed")}),
        "a", "failed", Buckets(None, None, None, 1, 0), [0], 0, "stream_error", "server", "response is failed",
        source="chunks",
    ),
]  # fmt: skip

PERPLEXITY = [
    Field(
        "searches, then an answer with its cost",
        "perplexity-agent",
        named(
            {"type": "response.created", "sequence_number": 0, "response": _response("in_progress")},
            {"type": "response.reasoning.started", "sequence_number": 1, "thought": "Hm"},
            {"type": "response.reasoning.search_queries", "sequence_number": 2, "queries": ["q"]},
            _added(type="search_results", queries=["q"], results=[{"title": "t", "url": "u"}]),
            _at("output_text.delta", content_index=0, delta="a"),
            {"type": "response.completed", "response": _response("completed", usage={
                "input_tokens": 100, "output_tokens": 60, "total_tokens": 160, "tool_calls_details": {},
                "input_tokens_details": {"cache_read_input_tokens": 60, "cache_creation_input_tokens": 10},
                "cost": {"currency": "USD", "input_cost": 0.001, "output_cost": 0.002, "total_cost": 0.008}})},
        ),
        "a", "completed", Buckets(30, 60, 10, 60, None), [4], 4,
    ),
    Field(
        "a failure without a response around it",
        "perplexity-agent",
        named(
            _at("output_text.delta", content_index=0, delta="a"),
            {"type": "response.failed", "sequence_number": 2,
             "error": {"message": "Too many requests", "type": "rate_limit_error", "code": "rate_limit_exceeded"}},
        ),
        "a", None, Buckets(None, None, None, 1, 0), [0], 0, "stream_error", "rate_limit", "Too many requests",
        source="chunks",
    ),
]  # fmt: skip

CHAT = [
    Field(
        "Snowflake: thoughts in details only, no finish reason",
        "openai-compatible",
        data(
            chunk({"role": "assistant", "content": "", "refusal": "", "tool_calls": None, "reasoning_details": [
                {"type": "reasoning.text", "text": "15", "format": "anthropic-claude-v1", "index": 0}]}),
            chunk({"content": "405", "refusal": "", "tool_calls": None}),
            chunk(usage={"prompt_tokens": 45, "completion_tokens": 73, "total_tokens": 118}, service_tier=""),
            done=True,
        ),
        "405", None, Buckets(45, None, None, 73, None), [0, 1], 1,
    ),
    Field(
        "OpenRouter: the error has the usage with it, and more reasoning than output",
        "openrouter",
        data(
            chunk({"role": "assistant", "content": "", "reasoning": "hm"}),
            chunk({"content": ""}, "length"),
            {**chunk({"content": ""}), "error": {"code": 400, "message": "Token limit reached"},
             "usage": {"prompt_tokens": 43, "completion_tokens": 10, "total_tokens": 53, "cost": 0,
                       "completion_tokens_details": {"reasoning_tokens": 11}}},
            done=True,
        ),
        "", "length", Buckets(43, None, None, 0, 10), [0], None, "stream_error", "invalid_request",
        "Token limit reached",
    ),
    Field(
        "Groq: a named event in the middle, which is an error",
        "groq",
        [*data(chunk({"content": "may"})),
         b"event: error\n", *data({"error": {"message": "Tool choice is required", "type": "invalid_request_error",
                                           "code": "tool_use_failed", "status_code": 400}})],
        "may", None, Buckets(None, None, None, 1, 0), [0], 0, "stream_error", "invalid_request", "Tool choice",
        source="chunks",
    ),
    Field(
        "Mistral: thoughts as chunks, a call, the result of its own tool",
        "mistral",
        data(
            chunk({"role": "assistant", "content": ""}),
            chunk({"content": [{"type": "thinking", "closed": True, "thinking": [
                {"type": "text", "text": "Hm"}, {"type": "tool_reference", "tool": "web_search", "title": "t"}]}]}),
            chunk({"content": [{"type": "text", "text": "a"}, {"type": "reference", "reference_ids": [1]}]}),
            chunk({"role": "tool", "content": "what the tool found", "tool_call_id": "c_0", "index": 1}),
            chunk({"content": "b", "tool_calls": [{"id": "c_1", "function": {"name": "f", "arguments": "{}"}}]},
                  "tool_calls", usage={"prompt_tokens": 28, "completion_tokens": 35, "total_tokens": 63,
                                       "prompt_tokens_details": {"cached_tokens": 16}, "service_tier": "standard"}),
            done=True,
        ),
        "ab", "tool_calls", Buckets(12, 16, None, 35, None), [1, 2, 4], 2,
    ),
]  # fmt: skip

ANTHROPIC = [
    Field(
        "a summary of what came before, another model, hidden thoughts, a call of a tool of the browser",
        "anthropic",
        named(
            {"type": "message_start", "message": {
                "id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "m", "stop_reason": None,
                "usage": {"input_tokens": 30, "output_tokens": 1,
                          "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 5}}}},
            _block(0, "compaction", content=None, encrypted_content=None),
            _delta(0, "compaction_delta", content="Earlier summarized.", encrypted_content="EpwB"),
            _stop(0),
            _block(1, "fallback", **{"from": {"model": "m"}, "to": {"model": "n"}}),
            _stop(1),
            _block(2, "redacted_thinking", data="EmwKAhgB"),
            _stop(2),
            _block(3, "text", text=""),
            _delta(3, "text_delta", text="Hello"),
            _stop(3),
            _block(4, "browser_tool_use", id="t_1", name="browser", input={}),
            _delta(4, "input_json_delta", partial_json="{}"),
            _stop(4),
            {"type": "message_delta", "delta": {"stop_reason": "pause_turn", "stop_sequence": None},
             "usage": {"output_tokens": 8, "iterations": [{"type": "message", "input_tokens": 30}]}},
            {"type": "message_stop"},
        ),
        "Hello", "pause_turn", Buckets(30, None, 25, 8, None), [6, 9, 11, 12], 9,
    ),
]  # fmt: skip

GEMINI = [
    Field(
        "a call that cannot be read, after tools that were used",
        "gemini",
        data(
            _gemini({"text": "", "thought": True, "thoughtSignature": "Ci"}, usage=_gemini_usage(0, 30)),
            {"candidates": [{"content": {"role": "model"}, "finishReason": "MALFORMED_FUNCTION_CALL", "index": 0,
                             "finishMessage": "Malformed function call: print("}],
             "usageMetadata": {**_gemini_usage(0, 30), "toolUsePromptTokenCount": 11, "totalTokenCount": 141,
                               "serviceTier": "standard"}},
        ),
        "", "MALFORMED_FUNCTION_CALL", Buckets(47, 64, None, 0, 30), [], None,
    ),
]  # fmt: skip

BEDROCK = [
    Field(
        "an image, what a tool found, hidden thoughts, then a fault of the model",
        "bedrock",
        [
            frame("messageStart", {"role": "assistant"}),
            frame("contentBlockDelta", {"contentBlockIndex": 0,
                                        "delta": {"reasoningContent": {"redactedContent": "EmwK"}}}),
            frame("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolResult": [{"text": "found"}]}}),
            frame("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"image": {"source": {"bytes": "iVBO"}}}}),
            frame("modelStreamErrorException", {"message": "The model failed.", "originalStatusCode": 424,
                                                "originalMessage": "x"}, "exception"),
        ],
        "", None, Buckets(None, None, None, 1, 1), [1, 3], 3, "stream_error", "server", "The model failed.",
        EVENT_STREAM, "chunks",
    ),
]  # fmt: skip

REPLICATE = [
    Field(
        "text that looks like JSON, lines, logs",
        "replicate",
        [_replicate("output", "Once"), b": hi\n\n", _replicate("output", " a", " b"), _replicate("output", "{}"),
         _replicate("logs", "warming up"), _replicate("done", "{}")],
        "Once a\n b{}", "succeeded", Buckets(None, None, None, 3, 0), [0, 2, 3], 0, source="chunks",
    ),
    Field(
        "it fails as the guide says",
        "replicate",
        [_replicate("output", "Once"), _replicate("error", '{"detail":"CUDA out of memory"}'),
         _replicate("done", '{"reason":"error"}')],
        "Once", None, Buckets(None, None, None, 1, 0), [0], 0, "stream_error", "server", "CUDA out of memory",
        source="chunks",
    ),
    Field(
        "it fails in plain words",
        "replicate",
        [_replicate("output", "Once"), _replicate("error", "An unexpected error occurred")],
        "Once", None, Buckets(None, None, None, 1, 0), [0], 0, "stream_error", "server", "An unexpected error",
        source="chunks",
    ),
    Field(
        "it is canceled",
        "replicate",
        [_replicate("output", "Once"), _replicate("done", '{"reason":"canceled"}')],
        "Once", None, Buckets(None, None, None, 1, 0), [0], 0, "stream_error", "server", "ended with canceled",
        source="chunks",
    ),
]  # fmt: skip

FOUND = [*RESPONSES, *PERPLEXITY, *CHAT, *ANTHROPIC, *GEMINI, *BEDROCK, *REPLICATE]
