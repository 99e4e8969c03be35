"""Provider kinds: each names a wire format and how a vendor differs within it. A new compatible vendor is one entry."""

from typing import NamedTuple

from app.adapters.base import Adapter
from app.adapters.openai_chat import OpenAiChat, Profile


class Kind(NamedTuple):
    """One kind of provider."""

    title: str
    adapter: Adapter
    default_base_url: str | None = None
    price_provider: str | None = None  # its id in genai-prices; None: self-hosted, the price is unknown


class UnknownKindError(LookupError):
    """No such kind; the message lists those that exist."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown provider kind {name!r}; known are {', '.join(names())}")
        self.name = name


_IGNORE_EOS = {"ignore_eos": True}

_KINDS: dict[str, Kind] = {
    "openai": Kind("OpenAI", OpenAiChat(), "https://api.openai.com/v1", "openai"),
    "openai-compatible": Kind("Any OpenAI-compatible server", OpenAiChat()),
    "vllm": Kind("vLLM", OpenAiChat(Profile(exact_length=_IGNORE_EOS)), "http://127.0.0.1:8000/v1"),
    "sglang": Kind("SGLang", OpenAiChat(Profile(exact_length=_IGNORE_EOS)), "http://127.0.0.1:30000/v1"),
    "llamacpp": Kind("llama.cpp server", OpenAiChat(Profile(exact_length=_IGNORE_EOS)), "http://127.0.0.1:8080/v1"),
}


def names() -> list[str]:
    """Every kind, in the order of the table."""
    return list(_KINDS)


def kind(name: str) -> Kind:
    """The kind's entry.

    Raises:
        UnknownKindError: naming the kinds that exist.
    """
    try:
        return _KINDS[name]
    except KeyError:
        raise UnknownKindError(name) from None


def get(name: str) -> Adapter:
    """The adapter of a kind; raises as `kind`."""
    return kind(name).adapter
