"""Details of single vendors: tools, refusals, filters, failures and usage as their documentation or users show them."""

import json
from typing import Any

import pytest

from app.adapters import prices, registry
from app.adapters.base import Buckets, Reply
from tests.adapters.streams import frame, sse

DONE = b"data: [DONE]\n\n"


def stream(kind: str, *events: bytes, content_type: str = "text/event-stream") -> Reply:
    decoder = registry.get(kind).decoder(200, content_type, keep_text=True)
    for stamp, event in enumerate(events):
        decoder.feed(stamp + 1, event)
    return decoder.finish(complete=True)


def whole(kind: str, body: Any) -> Reply:
    decoder = registry.get(kind).decoder(200, "application/json", keep_text=True)
    decoder.feed(1, json.dumps(body).encode())
    return decoder.finish(complete=True)


def chat(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    return sse({"id": "r", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more})[0]


def outcome(reply: Reply) -> tuple[str, str | None, str | None]:
    return "".join(reply.text), reply.finish_reason, reply.error_type


# ---------------------------------------------------------------- servers that speak OpenAI Chat Completions


def test_azure_filters_say_nothing_and_count_for_nothing() -> None:
    first = {"id": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}
    safe = {"content_filter_results": {"hate": {"filtered": False}}}
    delta = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None, **safe}]}
    reply = stream("azure-openai", *sse(first, delta), chat({}, "content_filter"), DONE)
    assert outcome(reply) == ("Hi", "content_filter", None)
    assert list(reply.chunk_stamps) == [2]


def test_perplexity_tells_usage_in_every_chunk() -> None:
    def chunk(text: str, tokens: int, finish: str | None) -> bytes:
        usage = {"prompt_tokens": 5, "completion_tokens": tokens, "total_tokens": 5 + tokens}
        return chat({"role": "assistant", "content": text}, finish, usage=usage, citations=["https://a.test"])

    reply = stream("perplexity", chunk("a", 1, None), chunk(" b", 2, None), chunk("", 2, "stop"))
    assert outcome(reply) == ("a b", "stop", None)
    assert reply.buckets == Buckets(5, None, None, 2, None)


def test_openrouter_keeps_alive_with_comments_and_fails_within_the_stream() -> None:
    broken = {"id": "r", "error": {"code": 502, "message": "Provider disconnected"},
              "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]}  # fmt: skip
    reply = stream("openrouter", b": OPENROUTER PROCESSING\n\n", chat({"content": "a"}), *sse(broken))
    assert (reply.error_type, reply.error, reply.error_kind) == ("stream_error", "Provider disconnected", "server")
    assert list(reply.chunk_stamps) == [2]


def test_openrouter_counts_what_goes_into_the_cache() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130, "cost": 0.01,
             "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 10}}  # fmt: skip
    reply = stream("openrouter", chat({"content": "a"}, "stop", usage=usage), DONE)
    assert reply.buckets == Buckets(50, 40, 10, 30, None)


def test_tgi_fails_with_a_text_and_a_type() -> None:
    reply = stream("tgi", chat({"content": "a"}), b'data:{"error":"Model is overloaded","error_type":"overloaded"}\n\n')
    assert (reply.error_type, reply.error, reply.error_kind) == ("stream_error", "Model is overloaded", "overloaded")


def test_groq_fails_in_a_field_of_its_own() -> None:
    reply = stream("groq", chat({"content": "a"}), chat({}, None, x_groq={"id": "q", "error": "over capacity"}))
    assert (reply.error_type, reply.error) == ("stream_error", "over capacity")


@pytest.mark.parametrize("kind", ["llamacpp", "llamacpp-completion"])
def test_older_llamacpp_fails_in_a_field_named_error(kind: str) -> None:
    event = b'error: {"code":500,"message":"context shift failed","type":"server_error"}\n\n'
    reply = stream(kind, *sse({"content": "a", "stop": False, "choices": [{"delta": {"content": "a"}}]}), event)
    assert (reply.error_type, reply.error, reply.error_kind) == ("stream_error", "context shift failed", "server")


def test_older_vllm_fails_with_an_object() -> None:
    failure = {"object": "error", "message": "CUDA out of memory", "type": "InternalServerError", "code": 500}
    reply = stream("vllm", chat({"content": "a"}), *sse(failure))
    assert (reply.error_type, reply.error, reply.error_kind) == ("stream_error", "CUDA out of memory", "server")


@pytest.mark.parametrize(
    "delta",
    [
        {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}]},
        {"function_call": {"name": "f", "arguments": ""}},
        {"audio": {"data": "AAAA"}},
        {"refusal": "I cannot"},
    ],
)
def test_output_that_is_no_text(delta: dict[str, Any]) -> None:
    reply = stream("openai", chat({"role": "assistant", "content": None}), chat(delta), chat({}, "stop"), DONE)
    assert list(reply.chunk_stamps) == [2]
    assert reply.first_output_ns == 2


@pytest.mark.parametrize(
    ("usage", "buckets"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}, Buckets(9, None, None, 5, None)),
        (
            {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "reasoning_tokens": 3},  # SGLang
            Buckets(9, None, None, 2, 3),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 12,  # xAI: everything was thought
             "completion_tokens_details": {"reasoning_tokens": 3}},
            Buckets(9, None, None, 0, 3),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 5,
             "prompt_tokens_details": None, "completion_tokens_details": None},
            Buckets(9, None, None, 5, None),
        ),
        (
            {"prompt_tokens": 4, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}},  # nonsense
            Buckets(0, 9, None, 5, None),
        ),
    ],
)  # fmt: skip
def test_usage_of_the_chat_format(usage: dict[str, Any], buckets: Buckets) -> None:
    reply = whole("openai", {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": usage})
    assert reply.buckets == buckets


# ---------------------------------------------------------------- OpenAI Responses


def test_a_failed_response() -> None:
    error = {"code": "rate_limit_exceeded", "message": "slow down"}
    failed: dict[str, Any] = {"id": "r", "status": "failed", "error": error, "output": [], "usage": None}
    reply = stream("openai-responses", *sse({"type": "response.failed", "sequence_number": 3, "response": failed}))
    assert (reply.error_type, reply.error, reply.error_kind) == ("stream_error", "slow down", "rate_limit")
    assert whole("openai-responses", failed).error == "slow down"


def test_an_incomplete_response() -> None:
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    ended = {"id": "r", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "usage": usage}
    delta = {"type": "response.output_text.delta", "delta": "Hi"}
    reply = stream("openai-responses", *sse(delta, {"type": "response.incomplete", "response": ended}))
    assert outcome(reply) == ("Hi", "max_output_tokens", None)
    assert reply.buckets == Buckets(3, None, None, 2, None)


@pytest.mark.parametrize(
    "kind", ["function_call_arguments.delta", "mcp_call_arguments.delta", "image_generation_call.partial_image"]
)
def test_tools_of_responses_are_output(kind: str) -> None:
    event = {"type": f"response.{kind}", "delta": "{", "partial_image_b64": "AA"}
    done = {"type": "response.completed", "response": {"id": "r", "status": "completed"}}
    reply = stream("openai-responses", *sse(event, done))
    assert (list(reply.chunk_stamps), reply.first_output_ns, reply.error_type) == ([1], 1, None)


# ---------------------------------------------------------------- Anthropic


def test_tool_use_and_hidden_thinking() -> None:
    reply = stream(
        "anthropic",
        *sse(
            {"type": "message_start", "message": {"id": "r", "usage": {"input_tokens": 4, "output_tokens": 1}}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "redacted_thinking", "data": "Eo"}},
            {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "f"}},
            {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ""}},
            {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"a"'}},
            {"type": "some_new_event", "anything": [1]},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 12}},
            {"type": "message_stop"},
        ),
    )
    assert outcome(reply) == ("", "tool_use", None)
    assert (list(reply.chunk_stamps), reply.first_output_ns) == ([2, 3, 5], 3)
    assert reply.buckets == Buckets(4, None, None, 12, None)


def test_output_counts_are_cumulative_and_later_input_counts_win() -> None:
    start = {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": None, "output_tokens": 1}
    reply = stream(
        "anthropic",
        *sse(
            {"type": "message_start", "message": {"id": "r", "usage": start}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}},
            {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 7}},
            {"type": "message_delta", "delta": {"stop_reason": "pause_turn"},
             "usage": {"output_tokens": 15, "input_tokens": 20, "cache_read_input_tokens": None}},
            {"type": "message_stop"},
        ),
    )  # fmt: skip
    assert reply.buckets == Buckets(20, 5, None, 15, None)
    assert reply.finish_reason == "pause_turn"


# ---------------------------------------------------------------- Gemini


def test_a_blocked_prompt_is_a_failure() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}
    for reply in (stream("gemini", *sse(blocked)), whole("gemini", blocked)):
        assert (reply.error_type, reply.error_kind) == ("stream_error", "content_filter")
        assert reply.error == "the prompt was blocked: SAFETY"


def test_an_answer_that_safety_cut() -> None:
    reply = stream("gemini", *sse({"candidates": [{"finishReason": "SAFETY", "index": 0}], "responseId": "r"}))
    assert outcome(reply) == ("", "SAFETY", None)


def test_a_limit_that_thinking_used_up() -> None:
    usage = {"promptTokenCount": 4, "thoughtsTokenCount": 10, "totalTokenCount": 14, "toolUsePromptTokenCount": 0}
    reply = stream("gemini", *sse({"candidates": [{"finishReason": "MAX_TOKENS"}], "usageMetadata": usage}))
    assert reply.buckets == Buckets(4, None, None, 0, 10)


def test_function_calls_are_output() -> None:
    part = {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "x"}
    candidate = {"content": {"parts": [part], "role": "model"}, "finishReason": "STOP"}
    reply = stream("gemini", *sse({"candidates": [candidate]}))
    assert (list(reply.chunk_stamps), reply.error_type) == ([1], None)


# ---------------------------------------------------------------- Cohere, Ollama, Bedrock


@pytest.mark.parametrize("finish", ["ERROR", "TIMEOUT"])
def test_cohere_fails_with_a_finish_reason(finish: str) -> None:
    reply = stream("cohere", *sse({"type": "message-end", "delta": {"finish_reason": finish}}))
    assert (reply.error_type, reply.error) == ("stream_error", f"the generation ended with {finish}")


def test_cohere_plans_and_calls_tools() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    reply = stream(
        "cohere",
        *sse(
            {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will"}}},
            {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": call}}},
            {"type": "tool-call-end", "index": 0},
            {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": {"billed_units": {
                "input_tokens": 5, "output_tokens": 6}}}},
        ),
    )  # fmt: skip
    assert (list(reply.chunk_stamps), reply.finish_reason) == ([1, 2], "TOOL_CALL")
    assert reply.buckets == Buckets(5, None, None, 6, None), "billed units where there is nothing else"


def test_ollama_leaves_zeroes_out() -> None:
    body = {"message": {"role": "assistant", "content": "a"}, "done": True, "done_reason": "stop", "eval_count": 1,
            "total_duration": 1_500_000}  # fmt: skip
    reply = whole("ollama", body)
    assert reply.buckets == Buckets(0, None, None, 1, None)
    assert json.loads(reply.usage) == {"eval_count": 1, "total_duration": 1_500_000}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("throttlingException", "rate_limit"),
        ("validationException", "invalid_request"),
        ("serviceUnavailableException", "overloaded"),
        ("internalServerException", "server"),
        ("modelStreamErrorException", "server"),
    ],
)
def test_bedrock_exceptions(name: str, kind: str) -> None:
    reply = stream(
        "bedrock", frame(name, {"message": "no"}, "exception"), content_type="application/vnd.amazon.eventstream"
    )
    assert (reply.error_type, reply.error, reply.error_kind) == ("stream_error", "no", kind)


def test_bedrock_tools_are_output() -> None:
    reply = stream(
        "bedrock",
        frame("contentBlockStart", {"start": {"toolUse": {"toolUseId": "t", "name": "f"}}, "contentBlockIndex": 0}),
        frame("contentBlockDelta", {"delta": {"toolUse": {"input": "{}"}}, "contentBlockIndex": 0}),
        frame("messageStop", {"stopReason": "tool_use"}),
        frame("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}),
        content_type="application/vnd.amazon.eventstream",
    )
    assert (list(reply.chunk_stamps), reply.finish_reason, reply.error_type) == ([1, 2], "tool_use", None)


# ---------------------------------------------------------------- whole answers of odd shapes


def test_gemini_s_stream_without_sse_is_a_list() -> None:
    def part(text: str, **more: Any) -> dict[str, Any]:
        return {"candidates": [{"content": {"parts": [{"text": text}]}, **more}], "responseId": "r"}

    usage = {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 3, "totalTokenCount": 14}
    last = part("b", finishReason="MAX_TOKENS") | {"usageMetadata": usage}
    reply = whole("gemini", [part("a") | {"usageMetadata": {"promptTokenCount": 9}}, last])
    assert outcome(reply) == ("ab", "MAX_TOKENS", None)
    assert (reply.buckets, reply.response_id) == (Buckets(9, None, None, 2, 3), "r")
    broken = whole("gemini", [part("a"), {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}])
    assert (broken.error_type, broken.error, broken.error_kind) == ("stream_error", "overloaded", "overloaded")
    assert whole("gemini", []).error_type == "protocol"
    assert whole("gemini", [part("a"), 7]).error_type == "protocol"


def test_bedrock_cites_in_blocks_of_their_own() -> None:
    cited = {"citationsContent": {"content": [{"text": "It says"}, {"text": " so."}], "citations": [{"title": "t"}]}}
    body = {
        "output": {"message": {"role": "assistant", "content": [{"text": "Well. "}, cited]}},
        "stopReason": "end_turn",
    }
    assert outcome(whole("bedrock", body)) == ("Well. It says so.", "end_turn", None)


@pytest.mark.parametrize("status", ["queued", "in_progress", "failed", "cancelled"])
def test_a_response_that_is_no_answer(status: str) -> None:
    reply = whole("openai-responses", {"id": "r", "status": status, "output": [], "error": None, "usage": None})
    assert (reply.error_type, reply.error_kind) == ("stream_error", "server")
    assert f"the response is {status}" in (reply.error or "")


def test_mistral_answers_with_several_messages_where_its_tools_were_used() -> None:
    messages = [
        {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "function": {"name": "search"}}]},
        {"role": "tool", "content": "found", "tool_call_id": "c"},
        {"role": "assistant", "content": [{"type": "text", "text": "It is so."}]},
    ]
    reply = whole("mistral", {"id": "r", "choices": [{"index": 0, "messages": messages, "finish_reason": "stop"}]})
    assert outcome(reply) == ("It is so.", "stop", None)


@pytest.mark.parametrize(
    ("kind", "usage", "more", "terms"),
    [
        ("openai", {"prompt_tokens": 1}, {"service_tier": "flex"}, (("service_tier", "flex"),)),
        ("openai", {"prompt_tokens": 1}, {"service_tier": "default"}, ()),
        ("groq", {"prompt_tokens": 1}, {"service_tier": "on_demand"}, ()),
        ("mistral", {"prompt_tokens": 1, "service_tier": "priority"}, {}, (("service_tier", "priority"),)),
    ],
)
def test_the_tier_of_service_goes_with_the_usage(
    kind: str, usage: dict[str, Any], more: dict[str, Any], terms: tuple[tuple[str, str], ...]
) -> None:
    reply = stream(kind, chat({"content": "a"}, "stop", usage=usage, **more), DONE)
    assert prices.terms(kind, reply.usage) == terms
    assert reply.buckets.uncached_input == 1
    strange = stream(kind, chat({"content": "a"}, "stop", usage=[7], **more), DONE)
    assert (strange.error_type, strange.token_count_source) == (None, "chunks")


@pytest.mark.parametrize(
    ("kind", "usage", "terms"),
    [
        ("anthropic", {"input_tokens": 1, "speed": "fast"}, (("speed", "fast"),)),
        ("anthropic", {"input_tokens": 1, "speed": "standard", "service_tier": "standard"}, ()),
        ("anthropic", {"input_tokens": 1, "service_tier": "batch"}, (("processing", "batch"),)),
        ("gemini", {"promptTokenCount": 1, "serviceTier": "SERVICE_TIER_FLEX"}, (("service_tier", "flex"),)),
        ("gemini", {"promptTokenCount": 1, "serviceTier": "standard"}, ()),
        ("openai", [], ()),
        ("anthropic", [], ()),
    ],
)
def test_terms_that_a_usage_object_tells(kind: str, usage: Any, terms: tuple[tuple[str, str], ...]) -> None:
    assert prices.terms(kind, json.dumps(usage).encode()) == terms


def test_counts_that_contradict_each_other_have_no_price() -> None:
    absurd = Buckets(1, 5, None, 2, None, audio_input=9, audio_cache_read=9)
    assert prices.cost_usd("gemini", "gemini-2.5-flash", absurd) is None
