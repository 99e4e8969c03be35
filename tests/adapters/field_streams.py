"""Streams in the shapes that vendors' references, SDK fixtures and users show, beyond the plain ones of `streams.py`:
Chat Completions here, formats with events of many types in `field_events.py`.

Texts are shortened and values invented; what is kept is which fields come, in which order, and what comes beside them.
"""

import json
from typing import Any, NamedTuple

from app.adapters.base import Buckets


class Field(NamedTuple):
    """A stream and what it says. `outputs` are the events with output, `visible` the first that is no reasoning."""

    name: str
    kind: str
    events: list[bytes]
    text: str
    finish: str | None
    buckets: Buckets
    outputs: list[int]
    visible: int | None = None
    error_type: str | None = None
    error_kind: str | None = None
    says: str = ""
    content_type: str = "text/event-stream"
    source: str = "usage"


def data(*values: Any, done: bool = False) -> list[bytes]:
    """Events without names."""
    events = [b"data: " + json.dumps(value).encode() + b"\n\n" for value in values]
    return [*events, b"data: [DONE]\n\n"] if done else events


def named(*values: Any) -> list[bytes]:
    """Events with their `type` as their name, too."""
    return [b"event: %b\ndata: %b\n\n" % (value["type"].encode(), json.dumps(value).encode()) for value in values]


def lines(*values: Any) -> list[bytes]:
    """Newline-delimited JSON."""
    return [json.dumps(value).encode() + b"\n" for value in values]


def chunk(delta: Any = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of Chat Completions; without `delta` it has no choices."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_755_000_000, "model": "m"}
    return {**head, "choices": choices, **more}


_CHAT_USAGE = {
    "prompt_tokens": 100, "completion_tokens": 60, "total_tokens": 160,
    "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 40, "audio_tokens": 0, "accepted_prediction_tokens": 0,
                                  "rejected_prediction_tokens": 0},
}  # fmt: skip
_FILTERS = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": False, "severity": "safe"}}

CHAT = [
    Field(
        "usage in a chunk of its own, padding in every chunk",
        "openai",
        data(
            chunk({"role": "assistant", "content": "", "refusal": None, "annotations": []}, usage=None,
                  service_tier="default", system_fingerprint=None, obfuscation="x9"),
            chunk({"content": "Hel"}, usage=None, obfuscation="Aq3fZ"),
            chunk({"content": "lo"}, usage=None, obfuscation=""),
            chunk({}, "stop", usage=None, obfuscation="q"),
            chunk(usage=_CHAT_USAGE, obfuscation="zzz"),
            done=True,
        ),
        "Hello", "stop", Buckets(36, 64, None, 20, 40), [1, 2], 1,
    ),
    Field(
        "two answers at once",
        "openai",
        data(
            {**chunk(), "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None},
                                    {"index": 1, "delta": {"content": "b"}, "finish_reason": None}]},
            {**chunk(), "choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]},
            {**chunk(), "choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]},
            chunk(usage=_CHAT_USAGE),
            done=True,
        ),
        "ab", "length", Buckets(36, 64, None, 20, 40), [0], 0,
    ),
    Field(
        "calls of tools in pieces, in parallel",
        "openai",
        data(
            chunk({"role": "assistant", "content": None, "tool_calls": [
                {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]}),
            chunk({"tool_calls": [{"index": 1, "id": "call_2", "type": "function",
                                   "function": {"name": "g", "arguments": "{}"}}]}),
            chunk({}, "tool_calls"),
            chunk(usage=_CHAT_USAGE),
            done=True,
        ),
        "", "tool_calls", Buckets(36, 64, None, 20, 40), [0, 1, 2], 0,
    ),
    Field(
        "Azure: filter results before, beside and after the text",
        "azure-openai",
        data(
            {"choices": [], "created": 0, "id": "", "model": "", "object": "",
             "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _FILTERS}]},
            chunk({"role": "assistant", "content": ""}, content_filter_results={}),
            chunk({"content": "Hi"}, content_filter_results=_FILTERS),
            chunk({}, "stop", content_filter_results={}),
            {"id": "", "object": "", "created": 0, "model": "", "choices": [
                {"index": 0, "finish_reason": None, "content_filter_results": _FILTERS,
                 "content_filter_offsets": {"check_offset": 44, "start_offset": 44, "end_offset": 198}}]},
            chunk(usage=_CHAT_USAGE),
            done=True,
        ),
        "Hi", "stop", Buckets(36, 64, None, 20, 40), [2], 2,
    ),
    Field(
        "OpenRouter: comments, then reasoning with details, cost in the usage",
        "openrouter",
        [
            b": OPENROUTER PROCESSING\n\n",
            b": OPENROUTER PROCESSING\n\n",
            *data(
                {"id": "gen-1", "provider": "Anthropic", "object": "chat.completion.chunk", "choices": [
                    {"index": 0, "delta": {"role": "assistant", "content": "", "reasoning": "H", "reasoning_details": [
                        {"type": "reasoning.text", "text": "Hm.", "format": "anthropic-claude-v1", "index": 0}]},
                     "finish_reason": None, "native_finish_reason": None, "logprobs": None}]},
                {"id": "gen-1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "",
                    "reasoning": None,
                    "reasoning_details": [{"type": "reasoning.encrypted", "data": "gAAAA", "index": 0}]}}]},
                {"id": "gen-1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Yes."}}]},
                {"id": "gen-1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""},
                                             "finish_reason": "stop", "native_finish_reason": "end_turn"}]},
                {"id": "gen-1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""},
                                             "finish_reason": None, "native_finish_reason": None}],
                 "usage": {**_CHAT_USAGE, "cost": 0.00123, "is_byok": False,
                           "cost_details": {"upstream_inference_cost": None}}},
                done=True,
            ),
        ],
        "Yes.", "stop", Buckets(36, 64, None, 20, 40), [2, 4], 4,
    ),
    Field(
        "OpenRouter: the vendor behind it breaks in the middle",
        "openrouter",
        data(
            chunk({"role": "assistant", "content": "Ye"}),
            {"id": "gen-1", "object": "chat.completion.chunk", "provider": "x", "model": "m",
             "error": {"code": 429, "message": "Provider returned error", "metadata": {"provider_name": "x"}},
             "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]},
            done=True,
        ),
        "Ye", None, Buckets(None, None, None, 1, 0), [0], 0, "stream_error", "rate_limit", "Provider returned error",
        source="chunks",
    ),
    Field(
        "vLLM: usage so far in every chunk",
        "vllm",
        data(
            chunk({"role": "assistant", "content": "", "reasoning_content": None},
                  usage={"prompt_tokens": 9, "total_tokens": 9, "completion_tokens": 0}, prompt_token_ids=None),
            chunk({"reasoning_content": "so"}, usage={"prompt_tokens": 9, "total_tokens": 10, "completion_tokens": 1}),
            chunk({"content": "a", "token_ids": None},
                  usage={"prompt_tokens": 9, "total_tokens": 11, "completion_tokens": 2}),
            {**chunk({"content": ""}, "stop", usage={"prompt_tokens": 9, "total_tokens": 12, "completion_tokens": 3}),
             "stop_reason": 128009},
            chunk(usage={"prompt_tokens": 9, "total_tokens": 12, "completion_tokens": 3,
                         "prompt_tokens_details": {"cached_tokens": 8}}),
            done=True,
        ),
        "a", "stop", Buckets(1, 8, None, 3, None), [1, 2], 2,
    ),
    Field(
        "vLLM: the engine dies in the middle",
        "vllm",
        data(
            chunk({"role": "assistant", "content": "a"}),
            {"error": {"message": "EngineCore encountered an issue.", "type": "InternalServerError", "param": None,
                       "code": 500}},
            done=True,
        ),
        "a", None, Buckets(None, None, None, 1, 0), [0], 0, "stream_error", "server", "EngineCore encountered",
        source="chunks",
    ),
    Field(
        "DeepSeek: reasoning first, hits and misses of the cache, keep-alive comments",
        "deepseek",
        [
            b": keep-alive\n\n",
            *data(
                chunk({"role": "assistant", "content": None, "reasoning_content": ""}),
                chunk({"content": None, "reasoning_content": "think"}),
                chunk({"content": "a", "reasoning_content": None}),
                chunk({"content": "", "reasoning_content": None}, "stop", usage={
                    "prompt_tokens": 100, "completion_tokens": 60, "total_tokens": 160,
                    "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36,
                    "prompt_tokens_details": {"cached_tokens": 64},
                    "completion_tokens_details": {"reasoning_tokens": 40}}),
                done=True,
            ),
        ],
        "a", "stop", Buckets(36, 64, None, 20, 40), [2, 3], 3,
    ),
    Field(
        "DeepSeek: out of resources",
        "deepseek",
        data(chunk({"content": "a"}), chunk({"content": ""}, "insufficient_system_resource"), done=True),
        "a", "insufficient_system_resource", Buckets(None, None, None, 1, 0), [0], 0, "stream_error", "overloaded",
        "ended with insufficient_system_resource", source="chunks",
    ),
    Field(
        "OpenRouter: the error stands in the choice",
        "openrouter",
        data(
            chunk({"role": "assistant", "content": "Ye"}),
            {"id": "gen-1", "object": "chat.completion.chunk", "choices": [
                {"index": 0, "delta": {"content": ""}, "finish_reason": "error",
                 "error": {"code": 502, "message": "Upstream error from x", "metadata": {"raw": "y"}}}]},
            done=True,
        ),
        "Ye", "error", Buckets(None, None, None, 1, 0), [0], 0, "stream_error", "server", "Upstream error from x",
        source="chunks",
    ),
    Field(
        "Mistral: it ends with an error and says no more",
        "mistral",
        data(chunk({"content": "a"}), chunk({"content": "b"}, "error", usage=_CHAT_USAGE), done=True),
        "ab", "error", Buckets(36, 64, None, 20, 40), [0, 1], 0, "stream_error", "server", "ended with error",
    ),
    Field(
        "SGLang: the request is given up",
        "sglang",
        data(chunk({"content": "a"}), chunk({"content": ""}, "abort"), done=True),
        "a", "abort", Buckets(None, None, None, 1, 0), [0], 0, "stream_error", "server", "ended with abort",
        source="chunks",
    ),
    Field(
        "Groq: id, then usage and times at the end",
        "groq",
        data(
            {**chunk({"role": "assistant", "content": "", "channel": "analysis"}), "x_groq": {"id": "req_1"}},
            chunk({"reasoning": "hm", "channel": "analysis"}),
            chunk({"content": "a", "channel": "final"}),
            {**chunk({}, "stop"), "x_groq": {"id": "req_1", "usage": {
                "queue_time": 0.02, "prompt_tokens": 100, "prompt_time": 0.004, "completion_tokens": 60,
                "completion_time": 0.1, "total_tokens": 160, "total_time": 0.104,
                "completion_tokens_details": {"reasoning_tokens": 40}}}, "usage_breakdown": None},
            {**chunk(usage=_CHAT_USAGE), "service_tier": "on_demand"},
            done=True,
        ),
        "a", "stop", Buckets(36, 64, None, 20, 40), [1, 2], 2,
    ),
    Field(
        "xAI: reasoning beside the completion, sources, cost in ticks",
        "xai",
        data(
            chunk({"role": "assistant", "content": "", "reasoning_content": "First, "}),
            chunk({"content": "a", "role": "assistant"}),
            {**chunk({"content": ""}, "stop"), "citations": ["https://a.example"]},
            {**chunk(usage={"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 160,
                            "prompt_tokens_details": {"text_tokens": 100, "audio_tokens": 0, "image_tokens": 0,
                                                      "cached_tokens": 64},
                            "completion_tokens_details": {"reasoning_tokens": 40, "audio_tokens": 0},
                            "num_sources_used": 1, "cost_in_usd_ticks": 12_300_000}), "system_fingerprint": "fp_1"},
            done=True,
        ),
        "a", "stop", Buckets(36, 64, None, 20, 40), [0, 1], 1,
    ),
    Field(
        "Perplexity: the whole message in each chunk beside the delta, citations, what the search cost",
        "perplexity",
        data(
            {"id": "1", "model": "sonar-pro", "created": 1, "object": "chat.completion.chunk",
             "citations": ["https://a.example"], "search_results": [{"title": "t", "url": "u", "date": None}],
             "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10, "search_context_size": "low",
                       "cost": {"input_tokens_cost": 0.0, "output_tokens_cost": 0.0, "request_cost": 0.006,
                                "total_cost": 0.006}},
             "choices": [{"index": 0, "delta": {"role": "assistant", "content": "a"},
                          "message": {"role": "assistant", "content": "a"}, "finish_reason": None}]},
            {"id": "1", "model": "sonar-pro", "object": "chat.completion.done", "citations": [], "search_results": [],
             "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11, "num_search_queries": 1,
                       "cost": {"total_cost": 0.0061}},
             "choices": [{"index": 0, "delta": {"role": "assistant", "content": "b"},
                          "message": {"role": "assistant", "content": "ab"}, "finish_reason": "stop"}]},
        ),
        "ab", "stop", Buckets(9, None, None, 2, None), [0, 1], 0,
    ),
    Field(
        "Mistral: thinking as a list of chunks, then references",
        "mistral",
        data(
            chunk({"role": "assistant", "content": ""}, p="abcdef"),
            chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}], "closed": False}]}),
            chunk({"content": [{"type": "thinking", "thinking": [
                {"type": "tool_reference", "tool": "web_search", "title": "t"}]}]}),
            chunk({"content": [{"type": "text", "text": "a"}, {"type": "reference", "reference_ids": [1, 2]}]}),
            chunk({"content": "b"}, "stop", usage={"prompt_tokens": 100, "completion_tokens": 60, "total_tokens": 160,
                                                   "num_cached_tokens": 64, "prompt_audio_seconds": None}),
            done=True,
        ),
        "ab", "stop", Buckets(36, 64, None, 60, None), [1, 3, 4], 3,
    ),
    Field(
        "TGI: an error instead of the rest",
        "tgi",
        [*data(chunk({"role": "assistant", "content": "a"})),
         *data({"error": "Request failed during generation: Server error: CUDA out of memory",
                "error_type": "generation"})],
        "a", None, Buckets(None, None, None, 1, 0), [0], 0, "stream_error", "server", "CUDA out of memory",
        source="chunks",
    ),
    Field(
        "llama.cpp: progress of the prompt, then timings",
        "llamacpp",
        data(
            chunk({"role": "assistant", "content": None}, prompt_progress={"total": 9, "cache": 0, "processed": 4}),
            chunk({"content": "a"}),
            chunk({}, "stop"),
            chunk(usage={"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10,
                         "prompt_tokens_details": {"cached_tokens": 0}},
                  timings={"cache_n": 0, "prompt_n": 9, "prompt_ms": 1.5, "predicted_n": 1, "predicted_ms": 0.5}),
            done=True,
        ),
        "a", "stop", Buckets(9, 0, None, 1, None), [1], 1,
    ),
    Field(
        "Together and others: text beside the delta, token ids, null usage",
        "together",
        data(
            {"id": "o1", "object": "chat.completion.chunk", "choices": [
                {"index": 0, "text": "a", "logprobs": None, "finish_reason": None, "seed": None,
                 "delta": {"token_id": 12, "role": "assistant", "content": "a", "tool_calls": None}}], "usage": None},
            {"id": "o1", "object": "chat.completion.chunk", "choices": [
                {"index": 0, "text": "", "finish_reason": "eos", "seed": 7,
                 "delta": {"token_id": 13, "role": "assistant", "content": "", "tool_calls": []}}],
             "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11, "cached_tokens": 0}},
            done=True,
        ),
        "a", "eos", Buckets(9, 0, None, 2, None), [0], 0,
    ),
    Field(
        "CRLF, comments between fields, data without a space, an event name",
        "openai-compatible",
        [b"\xef\xbb\xbf: hello\r\nevent: message\r\nid: 7\r\nretry: 3000\r\ndata:"
         + json.dumps(chunk({"content": "a"})).encode() + b"\r\n\r\n",
         b"data:" + json.dumps(chunk({"content": "b"}, "stop")).encode() + b"\r\n: bye\r\n\r\n",
         b"data:[DONE]\r\n\r\n"],
        "ab", "stop", Buckets(None, None, None, 2, 0), [0, 1], 0, source="chunks",
    ),
]  # fmt: skip
