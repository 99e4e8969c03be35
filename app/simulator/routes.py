"""Which path speaks which wire format: all of them are served on one port."""

import re
from typing import Any

from app.simulator.anthropic import Anthropic
from app.simulator.bedrock import Bedrock
from app.simulator.cohere import Cohere
from app.simulator.formats import Format
from app.simulator.gemini import Gemini
from app.simulator.llamacpp import LlamaCpp
from app.simulator.ollama import Ollama
from app.simulator.openai_chat import OpenAiChat
from app.simulator.openai_responses import OpenAiResponses

KEY_HEADERS = frozenset({b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"})
DEFAULT: Format = OpenAiChat()
_CHATS: list[tuple[re.Pattern[str], Format]] = [
    (re.compile(r"/v1/chat/completions|/openai/deployments/[^/]+/chat/completions"), DEFAULT),
    (re.compile(r"/v1/responses"), OpenAiResponses()),
    (re.compile(r"/v1/messages"), Anthropic()),
    (re.compile(r"/v1(beta)?/models/[^/]+:(stream)?[gG]enerateContent"), Gemini()),
    (re.compile(r"/v2/chat"), Cohere()),
    (re.compile(r"/api/chat"), Ollama()),
    (re.compile(r"/completion"), LlamaCpp()),
    (re.compile(r"/model/[^/]+/converse(-stream)?"), Bedrock()),
]
_MODEL_LISTS = {"/v1/models", "/openai/models", "/v1beta/models", "/api/tags", "/foundation-models"}


def chat_format(path: str) -> Format | None:
    """The format whose chat requests go to `path`, if there is one."""
    return next((form for pattern, form in _CHATS if pattern.fullmatch(path)), None)


def is_model_list(path: str) -> bool:
    """Whether models are listed there."""
    return path in _MODEL_LISTS


def model_list(name: str) -> dict[str, Any]:
    """The only model, in a list that clients of every format can read: they look at different fields of it."""
    model = {"id": name, "object": "model", "created": 0, "owned_by": "simulator"}
    anthropic = {"type": "model", "display_name": name, "created_at": "2025-01-01T00:00:00Z"}
    others = {"name": name, "model": name, "displayName": name, "supportedGenerationMethods": ["generateContent"]}
    return {
        "object": "list",
        "data": [model | anthropic],
        "has_more": False,
        "first_id": name,
        "last_id": name,
        "models": [others],
        "modelSummaries": [{"modelId": name, "modelName": name}],
    }


def is_right_key(sent: str, key: str) -> bool:
    """Whether the value of one of `KEY_HEADERS` shows the key.

    A signature is believed if it names the access key: `key` is `ACCESS_KEY_ID:SECRET_ACCESS_KEY` then.
    """
    signed = f"AWS4-HMAC-SHA256 Credential={key.partition(':')[0]}/"
    return sent in {key, f"Bearer {key}"} or (":" in key and sent.startswith(signed))
