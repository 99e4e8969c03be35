"""What error bodies mean, as vendors' documentation and users show them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.errors import TEXT_LIMIT, error_body_text, error_kind


def openai(message: str, kind: str | None = None, code: str | int | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def google(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def per(period: str) -> dict[str, Any]:
    quota = f"GenerateRequestsPer{period}PerProjectPerModel-FreeTier"
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]}


_GEMINI_QUOTA = "You exceeded your current quota, please check your plan and billing details."


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, openai("Incorrect API key provided: sk-1", "invalid_request_error", "invalid_api_key"), "auth"),
        (403, openai("Project does not have access to model", "invalid_request_error", "model_not_found"), "auth"),
        (404, openai("The model `x` does not exist", "invalid_request_error", "model_not_found"), "invalid_request"),
        (429, openai("Rate limit reached for gpt-4o", "requests", "rate_limit_exceeded"), "rate_limit"),
        (429, openai("Rate limit reached: TPM", "tokens", "rate_limit_exceeded"), "rate_limit"),
        (429, openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), "quota"),
        (400, openai("too long", "invalid_request_error", "context_length_exceeded"), "context_length"),
        (400, openai("filtered", None, "content_filter"), "content_filter"),
        (500, openai("The server had an error", "server_error"), "server"),
        (503, openai("The engine is currently overloaded", "server_error"), "server"),
        (400, {"error": {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"},
                         "message": "The response was filtered"}}, "content_filter"),
        (400, {"object": "error", "message": "This model's maximum context length is 4096 tokens.",
               "type": "BadRequestError", "code": 400}, "context_length"),
        (400, {"error": {"code": 400, "type": "exceed_context_size_error",
                         "message": "the request exceeds the available context size"}}, "context_length"),
        (401, {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}, "auth"),
        (403, {"type": "error", "error": {"type": "permission_error", "message": "no"}}, "auth"),
        (429, {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}, "rate_limit"),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "overloaded"),
        (None, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "overloaded"),
        (500, {"type": "error", "error": {"type": "api_error", "message": "Internal server error"}}, "server"),
        (400, {"type": "error", "error": {"type": "invalid_request_error",
               "message": "prompt is too long: 210000 tokens > 200000 maximum"}}, "context_length"),
        (400, {"type": "error", "error": {"type": "invalid_request_error",
               "message": "Your credit balance is too low to access the Anthropic API."}}, "quota"),
        (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "bad"}}, "invalid_request"),
        (429, {"type": "error", "error": {"type": "rate_limit_error", "message": "no more this month",
               "details": {"error_code": "enforced_spend_limit_reached"}}}, "quota"),
        (400, google(400, "INVALID_ARGUMENT", "API key not valid.", {"reason": "API_KEY_INVALID"}), "auth"),
        (400, google(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum"), "context_length"),
        (403, google(403, "PERMISSION_DENIED", "no"), "auth"),
        (429, google(429, "RESOURCE_EXHAUSTED", _GEMINI_QUOTA, per("Minute")), "rate_limit"),
        (429, google(429, "RESOURCE_EXHAUSTED", _GEMINI_QUOTA, per("Day")), "quota"),
        (429, [google(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted")], "rate_limit"),
        (503, google(503, "UNAVAILABLE", "The model is overloaded."), "overloaded"),
        (500, google(500, "INTERNAL", "An internal error"), "server"),
        (401, {"id": "x", "message": "invalid api token"}, "auth"),
        (429, {"message": "You are using a Trial key, which is limited to 10 API calls / minute."}, "rate_limit"),
        (400, {"message": "too many tokens in the prompt: 10000 tokens exceeds the limit"}, "context_length"),
        (404, {"error": "model 'x' not found"}, "invalid_request"),
        (None, {"error": "an error was encountered while running the model: CUDA error"}, "server"),
        (403, {"message": "The security token included in the request is invalid."}, "auth"),
        (429, {"message": "Too many tokens, please wait before trying again."}, "rate_limit"),
        (400, {"message": "The model returned: Input is too long for requested model."}, "context_length"),
        (None, {"type": "throttlingException", "error": {"message": "slow"}}, "rate_limit"),
        (None, {"type": "modelStreamErrorException", "error": {"message": "x"}}, "server"),
        (400, {"__type": "com.amazon.coral.service#ServiceQuotaExceededException", "message": "x"}, "quota"),
        (424, {"message": "The model failed"}, "server"),
        (400, {"message": "Your request exceeds the service quota for your account."}, "quota"),
        (429, {"message": "The model specified in the request is not ready to serve inference requests."},
         "overloaded"),
        (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096",
               "error_type": "validation"}, "context_length"),
        (429, {"error": "Model is overloaded", "error_type": "overloaded"}, "overloaded"),
        (402, {"error": {"message": "Insufficient credits", "code": 402}}, "quota"),
        (402, openai("Insufficient Balance", "unknown_error", "invalid_request_error"), "quota"),
        (403, {"error": {"message": "Your chosen model requires moderation", "code": 403,
                         "metadata": {"reasons": ["x"]}}}, "content_filter"),
        (None, {"error": {"message": "Provider disconnected", "code": 502}}, "server"),
        (None, {"error": {"message": "Rate limited", "code": 429}}, "rate_limit"),
        (422, {"detail": [{"loc": ["body"], "msg": "Field required", "type": "missing"}]}, "invalid_request"),
        (413, {"error": {"type": "request_too_large", "message": "Request exceeds the maximum size"}},
         "invalid_request"),
    ],
)  # fmt: skip
def test_kinds(status: int | None, body: Any, kind: str) -> None:
    assert error_kind(status, json.dumps(body).encode()) == kind


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 200000 tokens.",
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 200043 + 32000 > 204658, decrease input length",
        "too many tokens: size limit exceeded by 11326 tokens. Try using shorter or fewer inputs.",
        "too many tokens: total number of tokens in the prompt cannot exceed 128000 - received 200000.",
        "The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).",
        "Input is too long for requested model.",
        "Input Tokens Exceeded: Number of input tokens exceeds maximum length.",
        "Prompt contains 200000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "Your request exceeded model token limit: 131072 (requested: 200000)",
        "tokens in request more than max tokens allowed",
        "Input length 300000 exceeds the maximum allowed input length of 262144 tokens.",
        "The input (300000 tokens) is longer than the model's context length (262144 tokens).",
        "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
        "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192",
        "Requested tokens (5000) exceed context window of 4096",
        "prompt too long; exceeded max context length by 4 tokens",
        "E1002 PromptTooLong: Prompt length exceeds maximum input length.",
    ],
)
def test_a_prompt_that_is_too_long(words: str) -> None:
    for status, body in (
        (400, {"error": {"message": words, "type": "invalid_request_error"}}),
        (None, {"error": words}),
    ):
        assert error_kind(status, json.dumps(body).encode()) == "context_length"


@pytest.mark.parametrize(
    "words",
    [
        "max_tokens: 9000 > 8192, which is the maximum allowed number of output tokens",
        "too many tokens: max tokens must be less than or equal to 4096, the maximum output for this model",
        "Too many stop sequences: at most 4",
    ],
)
def test_other_limits_are_not_the_prompts(words: str) -> None:
    assert error_kind(400, json.dumps(openai(words, "invalid_request_error")).encode()) == "invalid_request"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request"), (401, "auth"), (402, "quota"), (403, "auth"), (404, "invalid_request"),
     (408, "server"), (429, "rate_limit"), (500, "server"), (502, "server"), (503, "overloaded"), (504, "server"),
     (529, "overloaded"), (None, "server")],
)  # fmt: skip
def test_without_a_readable_body_the_status_decides(status: int | None, kind: str) -> None:
    for body in (b"", b"<html>Bad gateway</html>", b"{}", b"null", b"[]"):
        assert error_kind(status, body) == kind


@given(st.one_of(st.none(), st.integers(400, 599)), st.binary(max_size=200))
def test_anything_may_come(status: int | None, body: bytes) -> None:
    assert error_kind(status, body)
    assert 0 < len(error_body_text(status or 200, body)) <= TEXT_LIMIT


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["error", "message", "code", "type", "detail", "x"]), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_any_json_may_come(value: Any) -> None:
    body = json.dumps(value).encode()
    assert error_kind(400, body)
    assert isinstance(error_body_text(400, body), str)
