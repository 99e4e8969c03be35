"""What vendors' model lists say of each model beside its name, under one set of names. Pure.

Sources: the "list models" references of OpenRouter, Mistral, Google, Groq, Together, Cohere, Anthropic, Fireworks,
DeepInfra and AWS Bedrock, and the lists that vLLM, SGLang and llama.cpp serve. A field that is not told is None.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from app.adapters.capabilities import Capabilities

_IDS = ("id", "name", "model", "modelId")
_CONTEXT = (
    "context_length",
    "context_window",
    "max_model_len",
    "max_context_length",
    "max_input_tokens",
    "inputTokenLimit",
    "contextLength",
    "metadata.context_length",
    "meta.n_ctx",
    "meta.n_ctx_train",
    "limits.max_context_length",
)
_OUTPUT = (
    "top_provider.max_completion_tokens",
    "max_completion_tokens",
    "outputTokenLimit",
    "max_output_tokens",
    "metadata.max_tokens",
    "limits.max_completion_tokens",
    "max_tokens",  # Anthropic
)
_FLAGS = {
    "streaming": ("responseStreamingSupported",),
    "vision": ("capabilities.vision", "capabilities.image_input.supported", "supports_image_input", "supports_vision"),
    "audio": ("capabilities.audio",),
    "tools": ("capabilities.function_calling", "supports_tools"),
    "json_mode": ("capabilities.structured_outputs.supported",),
}
_INPUTS = ("architecture.input_modalities", "inputModalities")
_MAX_TOKENS = 2**40
_MAX_MODELS = 20_000


def read(body: bytes) -> dict[str, Capabilities]:
    """By model name, under each name that an item has; empty when the body is no list of objects."""
    try:
        value: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return {}
    found: dict[str, Capabilities] = {}
    for item in _items(value):
        facts = _of(item)
        for key in _IDS:
            name = item.get(key)
            if isinstance(name, str):
                found.setdefault(name, facts)
    return found


def joined(first: Capabilities, *others: Capabilities) -> Capabilities:
    """Field by field, what the first one that says something says."""
    fields = {}
    for name in Capabilities.__struct_fields__:
        said = (getattr(one, name) for one in (first, *others))
        fields[name] = next((value for value in said if value is not None), None)
    return Capabilities(**fields)


def _items(value: Any) -> Iterator[Mapping[str, Any]]:
    lists = [value] if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    count = 0
    for one in lists:
        for item in one if isinstance(one, list) else ():
            count += 1
            if count > _MAX_MODELS:
                return
            if isinstance(item, dict):
                yield item


def _of(item: Mapping[str, Any]) -> Capabilities:
    flags = {name: _first(item, paths, _flag) for name, paths in _FLAGS.items()}
    inputs = _first(item, _INPUTS, _words)
    if inputs is not None:
        flags["vision"], flags["audio"] = "image" in inputs, "audio" in inputs or "speech" in inputs
    parameters = _first(item, ("supported_parameters",), _words)
    if parameters is not None:
        flags["tools"] = "tools" in parameters
        flags["json_mode"] = "response_format" in parameters or "structured_outputs" in parameters
    features = _first(item, ("features",), _words)  # Cohere
    if features is not None:
        flags |= {"tools": "tools" in features, "json_mode": "json_mode" in features}
        flags["vision"] = True if "vision" in features else flags["vision"]
    methods = _first(item, ("supportedGenerationMethods", "endpoints"), _words)
    return Capabilities(
        **flags,
        embeddings=None if methods is None else bool(methods & {"embedcontent", "embed"}),
        context_length=_first(item, _CONTEXT, _tokens),
        max_output_tokens=_first(item, _OUTPUT, _tokens),
    )


def _first(item: Mapping[str, Any], paths: tuple[str, ...], read: Any) -> Any:
    for path in paths:
        value: Any = item
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if (found := read(value)) is not None:
            return found
    return None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _tokens(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_TOKENS else None


def _words(value: Any) -> set[str] | None:
    if not isinstance(value, list) or not value:
        return None
    return {one.lower() for one in value if isinstance(one, str)}
