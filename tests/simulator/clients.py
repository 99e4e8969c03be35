"""The vendors' own clients, each behind one pair of functions that tell what the client understood."""

from collections.abc import Callable
from typing import Any, NamedTuple

import anthropic
import boto3
import botocore.exceptions
import cohere
import ollama
import openai
from botocore.config import Config
from cohere.core.api_error import ApiError as CohereError
from google import genai
from google.genai import errors as genai_errors
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError, TextGenerationError
from mistralai.client import Mistral
from mistralai.client.errors import HTTPValidationError, MistralError

KEY = "AKIDEXAMPLE:secret"
_MESSAGES: Any = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one two three four five six"}]
PROMPT_TOKENS = 8
STATUSES = (400, 401, 402, 403, 404, 422, 429, 500, 503, 504, 529)


class Said(NamedTuple):
    """What a client made of an answer. Counts are the vendor's own; None where it has none."""

    text: str
    finish: str
    reasoning: str | None = None
    input: int | None = None
    output: int | None = None
    cached: int | None = None
    reasoned: int | None = None


class Client(NamedTuple):
    """A client: `(base URL, key, limit on tokens)` → what it understood. `errors` maps statuses to its exceptions.

    `in_band` is its exception for an error within a stream, `told` the status that an exception tells, `models` lists
    models where it has a way to.
    """

    whole: Callable[[str, str, int | None], Said]
    stream: Callable[[str, str, int | None], Said]
    finish: tuple[str, str]  # at its end, at the limit
    errors: dict[int, type[BaseException]]
    in_band: type[BaseException]
    told: Callable[[Any], int]
    models: Callable[[str, str], list[str]] | None = None


_OPENAI_ERRORS: dict[int, type[BaseException]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    503: openai.InternalServerError,
    504: openai.InternalServerError,
    529: openai.InternalServerError,
}


def _openai(base: str, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0)


def _azure(base: str, key: str) -> openai.OpenAI:
    return openai.AzureOpenAI(azure_endpoint=base, api_key=key, api_version="2024-10-21", max_retries=0)


def _chat_said(text: str, finish: str, usage: Any, reasoning: str | None) -> Said:
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
    reasoned = usage.completion_tokens_details.reasoning_tokens if usage.completion_tokens_details else None
    return Said(text, finish, reasoning, usage.prompt_tokens, usage.completion_tokens, cached, reasoned)


def _chat_whole(connect: Callable[[str, str], openai.OpenAI]) -> Callable[[str, str, int | None], Said]:
    def whole(base: str, key: str, limit: int | None) -> Said:
        fields: Any = {"max_tokens": limit} if limit else {}
        with connect(base, key) as client:
            answer = client.chat.completions.create(model="m", messages=_MESSAGES, **fields)
        choice = answer.choices[0]
        thoughts = (choice.message.model_extra or {}).get("reasoning_content")
        return _chat_said(choice.message.content or "", choice.finish_reason, answer.usage, thoughts)

    return whole


def _chat_stream(connect: Callable[[str, str], openai.OpenAI]) -> Callable[[str, str, int | None], Said]:
    def stream(base: str, key: str, limit: int | None) -> Said:
        text = thoughts = finish = ""
        usage = None
        fields: Any = {"max_tokens": limit} if limit else {}
        with connect(base, key) as client:
            for chunk in client.chat.completions.create(
                model="m", messages=_MESSAGES, stream=True, stream_options={"include_usage": True}, **fields
            ):
                usage = chunk.usage or usage
                for choice in chunk.choices:
                    text += choice.delta.content or ""
                    thoughts += (choice.delta.model_extra or {}).get("reasoning_content") or ""
                    finish = choice.finish_reason or finish
        return _chat_said(text, finish, usage, thoughts or None)

    return stream


def _responses_said(answer: Any) -> Said:
    usage = answer.usage
    thoughts = "".join(part.text for item in answer.output if item.type == "reasoning" for part in item.summary)
    finish = answer.incomplete_details.reason if answer.incomplete_details else answer.status
    cached, reasoned = usage.input_tokens_details.cached_tokens, usage.output_tokens_details.reasoning_tokens
    return Said(answer.output_text, finish, thoughts, usage.input_tokens, usage.output_tokens, cached, reasoned)


def _responses_whole(base: str, key: str, limit: int | None) -> Said:
    with _openai(base, key) as client:
        return _responses_said(
            client.responses.create(model="m", input=_MESSAGES, max_output_tokens=limit or openai.omit)
        )


def _responses_stream(base: str, key: str, limit: int | None) -> Said:
    final: Any = None
    with _openai(base, key) as client:
        for event in client.responses.create(
            model="m", input=_MESSAGES, max_output_tokens=limit or openai.omit, stream=True
        ):
            if event.type == "error":  # the client hands it out instead of raising it
                raise openai.APIError(event.message, request=None, body=None)  # type: ignore[arg-type]
            if event.type in {"response.completed", "response.incomplete"}:
                final = event.response
    return _responses_said(final)


def _anthropic(base: str, key: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=base, api_key=key, max_retries=0)


def _anthropic_said(message: Any) -> Said:
    text = "".join(block.text for block in message.content if block.type == "text")
    thoughts = "".join(block.thinking for block in message.content if block.type == "thinking")
    usage = message.usage
    cached, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    reasoned = usage.output_tokens_details.thinking_tokens if usage.output_tokens_details else None
    total = usage.input_tokens + (cached or 0) + (written or 0)
    return Said(text, message.stop_reason, thoughts, total, usage.output_tokens, cached, reasoned)


def _anthropic_fields(limit: int | None) -> Any:
    return {"model": "m", "max_tokens": limit or 1000, "system": "be brief", "messages": _MESSAGES[1:]}


def _anthropic_whole(base: str, key: str, limit: int | None) -> Said:
    with _anthropic(base, key) as client:
        return _anthropic_said(client.messages.create(**_anthropic_fields(limit)))


def _anthropic_stream(base: str, key: str, limit: int | None) -> Said:
    with _anthropic(base, key) as client, client.messages.stream(**_anthropic_fields(limit)) as stream:
        return _anthropic_said(stream.get_final_message())


def _gemini(base: str, key: str) -> genai.Client:
    return genai.Client(api_key=key, http_options={"base_url": base})


def _gemini_said(chunks: list[Any]) -> Said:
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
    text = "".join(part.text for part in parts if not part.thought)
    thoughts = "".join(part.text for part in parts if part.thought)
    usage, finish = chunks[-1].usage_metadata, chunks[-1].candidates[0].finish_reason
    thought, cached = usage.thoughts_token_count, usage.cached_content_token_count
    output = usage.candidates_token_count + (thought or 0)
    return Said(text, finish.value, thoughts, usage.prompt_token_count, output, cached, thought)


def _gemini_config(limit: int | None) -> Any:
    return {"system_instruction": "be brief", "max_output_tokens": limit}


def _gemini_whole(base: str, key: str, limit: int | None) -> Said:
    with _gemini(base, key) as client:
        content = _MESSAGES[1]["content"]
        answer = client.models.generate_content(model="m", contents=content, config=_gemini_config(limit))
    return _gemini_said([answer])


def _gemini_stream(base: str, key: str, limit: int | None) -> Said:
    with _gemini(base, key) as client:
        content = _MESSAGES[1]["content"]
        return _gemini_said(
            list(client.models.generate_content_stream(model="m", contents=content, config=_gemini_config(limit)))
        )


def _gemini_models(base: str, key: str) -> list[str]:
    with _gemini(base, key) as client:
        return [str(model.name) for model in client.models.list()]


def _cohere(base: str, key: str) -> cohere.ClientV2:
    return cohere.ClientV2(api_key=key, base_url=base)


def _cohere_whole(base: str, key: str, limit: int | None) -> Said:
    answer = _cohere(base, key).chat(
        model="m", messages=_MESSAGES, max_tokens=limit or 1000, request_options={"max_retries": 0}
    )
    parts: Any = answer.message.content
    text = "".join(part.text for part in parts if part.type == "text")
    thoughts = "".join(part.thinking for part in parts if part.type == "thinking")
    return _cohere_said(text, thoughts, answer)


def _cohere_stream(base: str, key: str, limit: int | None) -> Said:
    text = thoughts = ""
    ending: Any = None
    for event in _cohere(base, key).chat_stream(
        model="m", messages=_MESSAGES, max_tokens=limit or 1000, request_options={"max_retries": 0}
    ):
        if event.type == "content-delta":
            content: Any = event.delta.message.content  # type: ignore[union-attr]
            text += content.text or ""
            thoughts += content.thinking or ""
        elif event.type == "message-end":
            ending = event.delta
    if ending.error:  # the client hands it out instead of raising it
        raise CohereError(body=ending.error)
    return _cohere_said(text, thoughts, ending)


def _cohere_said(text: str, thoughts: str, answer: Any) -> Said:
    billed, cached = answer.usage.billed_units, answer.usage.cached_tokens
    return Said(text, answer.finish_reason, thoughts, billed.input_tokens, billed.output_tokens, cached)


def _ollama(base: str, key: str) -> ollama.Client:
    return ollama.Client(host=base, headers={"Authorization": f"Bearer {key}"})


def _ollama_said(lines: list[Any]) -> Said:
    text = "".join(line.message.content or "" for line in lines)
    thoughts = "".join(line.message.thinking or "" for line in lines)
    last = lines[-1]
    return Said(text, last.done_reason, thoughts, last.prompt_eval_count, last.eval_count)


def _ollama_whole(base: str, key: str, limit: int | None) -> Said:
    return _ollama_said([_ollama(base, key).chat(model="m", messages=_MESSAGES, options={"num_predict": limit})])


def _ollama_stream(base: str, key: str, limit: int | None) -> Said:
    options = {"num_predict": limit}
    return _ollama_said(list(_ollama(base, key).chat(model="m", messages=_MESSAGES, options=options, stream=True)))


def aws(service: str, base: str, key: str) -> Any:
    access, secret = key.split(":")
    return boto3.client(
        service,
        endpoint_url=base,
        region_name="us-east-1",
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )


def _bedrock_fields(limit: int | None) -> Any:
    return {
        "modelId": "anthropic.m-v1:0",
        "system": [{"text": "be brief"}],
        "messages": [{"role": "user", "content": [{"text": _MESSAGES[1]["content"]}]}],
        "inferenceConfig": {"maxTokens": limit} if limit else {},
    }


def _bedrock_said(text: str, thoughts: str, finish: str, usage: Any) -> Said:
    cached = usage["cacheReadInputTokens"]
    total = usage["inputTokens"] + cached + usage["cacheWriteInputTokens"]
    return Said(text, finish, thoughts, total, usage["outputTokens"], cached)


def _bedrock_whole(base: str, key: str, limit: int | None) -> Said:
    answer = aws("bedrock-runtime", base, key).converse(**_bedrock_fields(limit))
    content = answer["output"]["message"]["content"]
    text = "".join(part.get("text", "") for part in content)
    thoughts = "".join(part["reasoningContent"]["reasoningText"]["text"] for part in content if "text" not in part)
    return _bedrock_said(text, thoughts, answer["stopReason"], answer["usage"])


def _bedrock_stream(base: str, key: str, limit: int | None) -> Said:
    text = thoughts = finish = ""
    usage: Any = None
    for event in aws("bedrock-runtime", base, key).converse_stream(**_bedrock_fields(limit))["stream"]:
        delta = event.get("contentBlockDelta", {}).get("delta", {})
        text += delta.get("text", "")
        thoughts += delta.get("reasoningContent", {}).get("text", "")
        finish = event.get("messageStop", {}).get("stopReason", finish)
        usage = event.get("metadata", {}).get("usage", usage)
    return _bedrock_said(text, thoughts, finish, usage)


def _mistral_said(choices: list[Any], usage: Any, finish: str) -> Said:
    parts = [part for one in choices for part in (one.content if isinstance(one.content, list) else [one.content])]
    text = "".join(part if isinstance(part, str) else part.text for part in parts if part and not _thoughts(part))
    thoughts = "".join(map(_thoughts, parts))
    cached = (usage.additional_properties.get("prompt_tokens_details") or {}).get("cached_tokens")
    return Said(text, finish, thoughts or None, usage.prompt_tokens, usage.completion_tokens, cached)


def _thoughts(part: Any) -> str:
    return "".join(one.text for one in getattr(part, "thinking", ()))


def _mistral_whole(base: str, key: str, limit: int | None) -> Said:
    with Mistral(api_key=key, server_url=base + "/mistral") as client:
        answer = client.chat.complete(model="m", messages=_MESSAGES, max_tokens=limit)
    return _mistral_said([answer.choices[0].message], answer.usage, str(answer.choices[0].finish_reason))


def _mistral_models(base: str, key: str) -> list[str]:
    with Mistral(api_key=key, server_url=base + "/mistral") as client:
        return [model.id for model in client.models.list().data or ()]


def _mistral_stream(base: str, key: str, limit: int | None) -> Said:
    with Mistral(api_key=key, server_url=base + "/mistral") as client:
        chunks = [event.data for event in client.chat.stream(model="m", messages=_MESSAGES, max_tokens=limit)]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    finish = next(choice.finish_reason for choice in choices if choice.finish_reason)
    if finish == "error":  # the client hands it out instead of raising it
        raise RuntimeError("simulated failure: it ended with an error")
    usage = next(chunk.usage for chunk in chunks if chunk.usage)
    return _mistral_said([choice.delta for choice in choices], usage, str(finish))


def _huggingface(base: str, key: str) -> InferenceClient:
    return InferenceClient(base_url=base + "/v1", api_key=key)


def _huggingface_whole(base: str, key: str, limit: int | None) -> Said:
    answer: Any = _huggingface(base, key).chat_completion(model="m", messages=_MESSAGES, max_tokens=limit)
    choice, usage = answer.choices[0], answer.usage
    return Said(choice.message.content or "", choice.finish_reason, None, usage.prompt_tokens, usage.completion_tokens)


def _huggingface_stream(base: str, key: str, limit: int | None) -> Said:
    options: Any = {"include_usage": True}
    client = _huggingface(base, key)  # without it its streams are closed
    chunks: Any = client.chat_completion(
        model="m", messages=_MESSAGES, max_tokens=limit, stream=True, stream_options=options
    )
    kept = list(chunks)
    choices = [choice for chunk in kept for choice in chunk.choices]
    text = "".join(choice.delta.content or "" for choice in choices)
    finish = next(choice.finish_reason for choice in choices if choice.finish_reason)
    usage = next(chunk.usage for chunk in kept if chunk.usage)
    return Said(text, finish, None, usage.prompt_tokens, usage.completion_tokens)


def _all(statuses: type[BaseException]) -> dict[int, type[BaseException]]:
    return dict.fromkeys(STATUSES, statuses)


def _status_code(error: Any) -> int:
    return int(error.status_code)


CLIENTS: dict[str, Client] = {
    "openai": Client(
        _chat_whole(_openai),
        _chat_stream(_openai),
        ("stop", "length"),
        _OPENAI_ERRORS,
        openai.APIError,
        _status_code,
        lambda base, key: [model.id for model in _openai(base, key).models.list()],
    ),
    "azure": Client(
        _chat_whole(_azure), _chat_stream(_azure), ("stop", "length"), _OPENAI_ERRORS, openai.APIError, _status_code
    ),
    "openai-responses": Client(
        _responses_whole, _responses_stream, ("completed", "max_output_tokens"), _OPENAI_ERRORS, openai.APIError,
        _status_code,
    ),
    "anthropic": Client(
        _anthropic_whole,
        _anthropic_stream,
        ("end_turn", "max_tokens"),
        {
            400: anthropic.BadRequestError,
            401: anthropic.AuthenticationError,
            403: anthropic.PermissionDeniedError,
            404: anthropic.NotFoundError,
            422: anthropic.UnprocessableEntityError,
            429: anthropic.RateLimitError,
            500: anthropic.InternalServerError,
            503: anthropic.ServiceUnavailableError,
            504: anthropic.GatewayTimeoutError,
            529: anthropic.OverloadedError,
        },
        anthropic.APIStatusError,
        _status_code,
        lambda base, key: [model.id for model in _anthropic(base, key).models.list()],
    ),
    "gemini": Client(
        _gemini_whole,
        _gemini_stream,
        ("STOP", "MAX_TOKENS"),
        _all(genai_errors.ClientError) | dict.fromkeys((500, 503, 504, 529), genai_errors.ServerError),
        genai_errors.ServerError,
        lambda error: int(error.code),
        _gemini_models,
    ),
    "cohere": Client(
        _cohere_whole,
        _cohere_stream,
        ("COMPLETE", "MAX_TOKENS"),
        {
            400: cohere.BadRequestError,
            401: cohere.UnauthorizedError,
            402: CohereError,
            403: cohere.ForbiddenError,
            404: cohere.NotFoundError,
            422: cohere.UnprocessableEntityError,
            429: cohere.TooManyRequestsError,
            500: cohere.InternalServerError,
            503: cohere.ServiceUnavailableError,
            504: cohere.GatewayTimeoutError,
            529: CohereError,
        },
        CohereError,
        _status_code,
        lambda base, key: [str(model.name) for model in _cohere(base, key).models.list().models],
    ),
    "ollama": Client(
        _ollama_whole,
        _ollama_stream,
        ("stop", "length"),
        _all(ollama.ResponseError),
        ollama.ResponseError,
        _status_code,
        lambda base, key: [str(model.model) for model in _ollama(base, key).list().models],
    ),
    "bedrock": Client(
        _bedrock_whole,
        _bedrock_stream,
        ("end_turn", "max_tokens"),
        _all(botocore.exceptions.ClientError),
        botocore.exceptions.EventStreamError,
        lambda error: int(error.response["ResponseMetadata"]["HTTPStatusCode"]),
        lambda base, key: [
            model["modelId"] for model in aws("bedrock", base, key).list_foundation_models()["modelSummaries"]
        ],
    ),
    "mistral": Client(
        _mistral_whole,
        _mistral_stream,
        ("stop", "length"),
        _all(MistralError) | {422: HTTPValidationError},
        RuntimeError,
        _status_code,
        _mistral_models,
    ),
    "huggingface": Client(
        _huggingface_whole, _huggingface_stream, ("stop", "length"), _all(HfHubHTTPError), TextGenerationError,
        lambda error: int(error.response.status_code),
    ),
}  # fmt: skip
