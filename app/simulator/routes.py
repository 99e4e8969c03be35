"""Which path speaks which wire format: all of them are served on one port."""

import re
from collections.abc import Sequence
from typing import Any

from app.simulator.anthropic import Anthropic
from app.simulator.bedrock import Bedrock
from app.simulator.cohere import Cohere
from app.simulator.embedding_formats import EmbeddingForm, embedding_form
from app.simulator.formats import Format
from app.simulator.gemini import Gemini
from app.simulator.llamacpp import LlamaCpp
from app.simulator.mistral import Mistral
from app.simulator.ollama import Ollama
from app.simulator.openai_chat import OpenAiChat
from app.simulator.openai_responses import OpenAiResponses
from app.simulator.replicate import Replicate

KEY_HEADERS = frozenset({b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"})
_OPENAI = OpenAiChat()
_FORMATS: dict[str, tuple[Format, re.Pattern[str], str]] = {  # by name: it, its chats, its lists of models
    "openai": (
        _OPENAI,
        re.compile(r"/v1/chat/completions|/openai/deployments/[^/]+/chat/completions"),
        "/v1/models /openai/models",
    ),
    "openai-responses": (OpenAiResponses(), re.compile(r"/v1/responses"), "/v1/models"),
    "anthropic": (Anthropic(), re.compile(r"/v1/messages"), "/v1/models"),
    "gemini": (
        Gemini(),
        re.compile(r"/v1(beta)?/models/[^/]+:(stream)?[gG]enerateContent"),
        "/v1/models /v1beta/models",
    ),
    "cohere": (Cohere(), re.compile(r"/v2/chat"), "/v1/models"),
    "ollama": (Ollama(), re.compile(r"/api/chat"), "/api/tags"),
    "llamacpp-completion": (LlamaCpp(), re.compile(r"/completion"), "/v1/models"),
    "bedrock": (Bedrock(), re.compile(r"/model/[^/]+/converse(-stream)?"), "/foundation-models"),
    "mistral": (  # where it is spoken beside OpenAI's, the longer path alone is its own
        Mistral(),
        re.compile(r"(/mistral)?/v1/chat/completions"),
        "/v1/models /mistral/v1/models",
    ),
    "replicate": (Replicate(), re.compile(r"/v1/(models/[^/]+/[^/]+/)?predictions"), "/v1/models"),
}


class Routes:
    """The paths of the formats that are spoken, by name."""

    def __init__(self, names: Sequence[str]) -> None:
        spoken = [_FORMATS[name] for name in names]
        self._chats = [(pattern, form) for form, pattern, _ in spoken]
        self._lists = {path for _, _, paths in spoken for path in paths.split()}
        self._names = names
        self._spoken = {type(form) for form, _, _ in spoken}
        self.default = _OPENAI if "openai" in names else spoken[0][0]
        """The format of errors where none is asked for."""

    def chat_format(self, path: str) -> Format | None:
        """The format whose chat requests go to `path`, if it is spoken."""
        return next((form for pattern, form in self._chats if pattern.fullmatch(path)), None)

    def embedding_form(self, path: str) -> EmbeddingForm | None:
        """The format whose embeddings are asked for at `path`, if its chats are spoken too."""
        form = embedding_form(path)
        return form if form is not None and type(form.errors) in self._spoken else None

    def is_model_list(self, path: str) -> bool:
        """Whether models are listed there."""
        return path in self._lists

    def unknown(self, method: str, path: str) -> str:
        """What to say of any other path."""
        others = "" if len(self._names) == len(_FORMATS) else f"; spoken here: {', '.join(self._names)}"
        return f"no route {method} {path}{others}"


def model_list(name: str, path: str) -> dict[str, Any]:
    """The only model, in a list that clients of every format can read: they look at different fields of it.

    Only Mistral's tells its clients by a field that Anthropic's has, too, and has a path of its own.
    """
    if path.startswith("/mistral/"):
        able = {"completion_chat": True, "function_calling": True, "vision": True, "audio": True}
        return {"object": "list", "data": [{"id": name, "object": "model", "type": "base", "capabilities": able}]}
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
        "results": [{"owner": "simulator", "name": name, "url": "", "visibility": "public", "run_count": 0}],
        "modelSummaries": [{"modelId": name, "modelName": name}],
    }


def is_right_key(sent: str, key: str) -> bool:
    """Whether the value of one of `KEY_HEADERS` shows the key.

    A signature is believed if it names the access key: `key` is `ACCESS_KEY_ID:SECRET_ACCESS_KEY` then.
    """
    signed = f"AWS4-HMAC-SHA256 Credential={key.partition(':')[0]}/"
    return sent in {key, f"Bearer {key}"} or (":" in key and sent.startswith(signed))
