"""Provider kinds: each names a wire format and how a vendor differs within it. A new compatible vendor is one entry."""

from typing import Any, NamedTuple

from app.adapters import charges
from app.adapters.anthropic import AnthropicMessages
from app.adapters.base import Adapter, EmbeddingsAdapter
from app.adapters.bedrock import BedrockConverse
from app.adapters.capabilities import OWN_SERVER, Capabilities, of_kind
from app.adapters.cohere import CohereChat
from app.adapters.cohere_embeddings import CohereEmbeddings
from app.adapters.custom import Undescribed, from_document
from app.adapters.gemini import Gemini
from app.adapters.gemini_embeddings import GeminiEmbeddings
from app.adapters.llamacpp import LlamaCppCompletion
from app.adapters.media import AUDIO_TYPES, IMAGE_TYPES, Takes
from app.adapters.ollama import OllamaChat
from app.adapters.ollama_embeddings import OllamaEmbeddings
from app.adapters.openai_chat import OpenAiChat, Profile
from app.adapters.openai_embeddings import OpenAiEmbeddings
from app.adapters.openai_responses import OpenAiResponses
from app.adapters.openai_responses import Profile as ResponsesProfile
from app.adapters.replicate import Replicate


class Kind(NamedTuple):
    """One kind of provider."""

    title: str
    adapter: Adapter
    default_base_url: str | None  # None: everybody has an address of their own
    price_provider: str | None  # its id in genai-prices; None: self-hosted or not listed, the price is unknown
    embeddings: EmbeddingsAdapter | None  # None: its API is not spoken here, or there is none
    capabilities: Capabilities = OWN_SERVER


class UnknownKindError(LookupError):
    """No such kind; the message lists those that exist."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown provider kind {name!r}; known are {', '.join(names())}")
        self.name = name


_WAV_MP3 = ("audio/wav", "audio/mpeg")
_HEARS = Takes(IMAGE_TYPES, image_urls=True, audio=_WAV_MP3)  # OpenAI's input_audio has these two
_HEARS_URLS = Takes(IMAGE_TYPES, image_urls=True, audio=AUDIO_TYPES, audio_urls=True)
_TEXT_ONLY = Takes()

CUSTOM = "custom"
"""The kind whose wire format is its provider's definition (`custom_definition`)."""

_EMBEDDINGS = OpenAiEmbeddings()
_PLAIN = OpenAiChat()
_PLAIN_HEARS = OpenAiChat(Profile(takes=_HEARS_URLS))
_PLAIN_TEXT = OpenAiChat(Profile(takes=_TEXT_ONLY))
_NEWER_LIMIT = OpenAiChat(Profile(max_tokens="max_completion_tokens"))
_XAI = OpenAiChat(
    Profile(max_tokens="max_completion_tokens", takes=Takes(("image/png", "image/jpeg"), True), charge=charges.xai)
)
_IGNORES_EOS = OpenAiChat(Profile(exact_length={"ignore_eos": True}, takes=_HEARS_URLS))
_LLAMACPP = OpenAiChat(Profile(exact_length={"ignore_eos": True}, takes=_HEARS))
_PERPLEXITY = OpenAiChat(Profile(stream_options={}, charge=charges.perplexity, reasoning_is_beside=True))
_DEEPINFRA = OpenAiChat(Profile(charge=charges.deepinfra))
_OPENROUTER = OpenAiChat(Profile(takes=_HEARS, charge=charges.openrouter))
_MISTRAL = OpenAiChat(Profile(seed="random_seed", stream_options={}, takes=_HEARS_URLS, audio_as_text=True))

# Reasoning models refuse `max_tokens`; obfuscation pads every chunk to a random length.
_OPENAI = Profile(
    max_tokens="max_completion_tokens",
    stream_options={"include_usage": True, "include_obfuscation": False},
    takes=_HEARS,
)
_API_KEY = ("api-key", "")
_PERPLEXITY_EMBEDDINGS = OpenAiEmbeddings("/v1/embeddings")
_AZURE_VERSION = "api-version=2024-10-21"
_AZURE = Profile(
    path=f"/openai/deployments/{{model}}/chat/completions?{_AZURE_VERSION}",
    models_path=f"/openai/models?{_AZURE_VERSION}",
    auth=_API_KEY,
    max_tokens="max_completion_tokens",
    takes=_HEARS,
)
_AZURE_V1 = Profile(auth=_API_KEY, max_tokens="max_completion_tokens", takes=_HEARS)
_AZURE_EMBEDDINGS = OpenAiEmbeddings(f"/openai/deployments/{{model}}/embeddings?{_AZURE_VERSION}", _API_KEY)
_AZURE_V1_EMBEDDINGS = OpenAiEmbeddings(auth=_API_KEY)

_KINDS: dict[str, Kind] = {
    "openai": Kind(
        "OpenAI",
        OpenAiChat(_OPENAI),
        "https://api.openai.com/v1",
        "openai",
        _EMBEDDINGS,
        of_kind(audio=True, embeddings=True),
    ),
    "openai-responses": Kind(
        "OpenAI Responses",
        OpenAiResponses(),
        "https://api.openai.com/v1",
        "openai",
        _EMBEDDINGS,
        of_kind(embeddings=True),
    ),
    "anthropic": Kind("Anthropic", AnthropicMessages(), "https://api.anthropic.com", "anthropic", None, of_kind()),
    "gemini": Kind(
        "Google Gemini",
        Gemini(),
        "https://generativelanguage.googleapis.com",
        "google",
        GeminiEmbeddings(),
        of_kind(audio=True, embeddings=True),
    ),
    "cohere": Kind(
        "Cohere",
        CohereChat(),
        "https://api.cohere.com",
        "cohere",
        CohereEmbeddings(),
        of_kind(embeddings=True),
    ),
    "bedrock": Kind(
        "AWS Bedrock",
        BedrockConverse(),
        "https://bedrock-runtime.us-east-1.amazonaws.com",
        "aws",
        None,
        of_kind(audio=True),
    ),
    "replicate": Kind(
        "Replicate",
        Replicate(),
        "https://api.replicate.com",
        None,
        None,
        of_kind(vision=False, streaming=False, tools=None, json_mode=None),  # inputs are each model's own
    ),
    "azure-openai": Kind(
        "Azure OpenAI (deployments)",
        OpenAiChat(_AZURE),
        None,
        "azure",
        _AZURE_EMBEDDINGS,
        of_kind(audio=True, embeddings=True),
    ),
    "azure-openai-v1": Kind(
        "Azure OpenAI (v1)",
        OpenAiChat(_AZURE_V1),
        None,
        "azure",
        _AZURE_V1_EMBEDDINGS,
        of_kind(audio=True, embeddings=True),
    ),
    "mistral": Kind(
        "Mistral", _MISTRAL, "https://api.mistral.ai/v1", "mistral", _EMBEDDINGS, of_kind(audio=True, embeddings=True)
    ),
    "groq": Kind("Groq", _NEWER_LIMIT, "https://api.groq.com/openai/v1", "groq", None, of_kind()),
    "together": Kind(
        "Together AI", _PLAIN, "https://api.together.xyz/v1", "together", _EMBEDDINGS, of_kind(embeddings=True)
    ),
    "perplexity-agent": Kind(
        "Perplexity Agent API",
        OpenAiResponses(ResponsesProfile(stores=False, charge=charges.perplexity)),
        "https://api.perplexity.ai/v1",
        "perplexity",
        OpenAiEmbeddings(),
        of_kind(embeddings=True),
    ),
    "perplexity": Kind(
        "Perplexity Sonar (Chat Completions, which Perplexity ended in September 2026)",
        _PERPLEXITY,
        "https://api.perplexity.ai",
        "perplexity",
        _PERPLEXITY_EMBEDDINGS,
        of_kind(tools=None, embeddings=True),
    ),
    "deepseek": Kind("DeepSeek", _PLAIN_TEXT, "https://api.deepseek.com/v1", "deepseek", None, of_kind(vision=False)),
    "xai": Kind("xAI", _XAI, "https://api.x.ai/v1", "x-ai", _EMBEDDINGS, of_kind(embeddings=None)),
    "openrouter": Kind(
        "OpenRouter",
        _OPENROUTER,
        "https://openrouter.ai/api/v1",
        "openrouter",
        _EMBEDDINGS,
        of_kind(audio=True, embeddings=True),
    ),
    "fireworks": Kind(
        "Fireworks AI",
        _PLAIN,
        "https://api.fireworks.ai/inference/v1",
        "fireworks",
        _EMBEDDINGS,
        of_kind(embeddings=True),
    ),
    "cerebras": Kind("Cerebras", _NEWER_LIMIT, "https://api.cerebras.ai/v1", "cerebras", None, of_kind(vision=None)),
    "sambanova": Kind("SambaNova", _PLAIN, "https://api.sambanova.ai/v1", None, _EMBEDDINGS, of_kind(embeddings=True)),
    "deepinfra": Kind(
        "DeepInfra", _DEEPINFRA, "https://api.deepinfra.com/v1/openai", None, _EMBEDDINGS, of_kind(embeddings=True)
    ),
    "nvidia": Kind(
        "NVIDIA NIM", _PLAIN, "https://integrate.api.nvidia.com/v1", None, _EMBEDDINGS, of_kind(embeddings=True)
    ),
    "moonshot": Kind(
        "Moonshot AI", _PLAIN, "https://api.moonshot.ai/v1", "moonshotai", _EMBEDDINGS, of_kind(embeddings=None)
    ),
    "zai": Kind("Z.ai", _PLAIN, "https://api.z.ai/api/paas/v4", "zai", _EMBEDDINGS, of_kind(embeddings=None)),
    "huggingface": Kind("Hugging Face router", _PLAIN, "https://router.huggingface.co/v1", None, None, of_kind()),
    "tgi": Kind("Hugging Face TGI", _PLAIN, "http://127.0.0.1:8080/v1", None, None, of_kind(vision=None, tools=None)),
    "vllm": Kind("vLLM", _IGNORES_EOS, "http://127.0.0.1:8000/v1", None, _EMBEDDINGS),
    "sglang": Kind("SGLang", _IGNORES_EOS, "http://127.0.0.1:30000/v1", None, _EMBEDDINGS),
    "llamacpp": Kind("llama.cpp server", _LLAMACPP, "http://127.0.0.1:8080/v1", None, _EMBEDDINGS),
    "llamacpp-completion": Kind(
        "llama.cpp server, /completion",
        LlamaCppCompletion(),
        "http://127.0.0.1:8080",
        None,
        None,
        of_kind(vision=False, tools=False),
    ),
    "ollama": Kind(
        "Ollama",
        OllamaChat(),
        "http://127.0.0.1:11434",
        None,
        OllamaEmbeddings(),
        of_kind(vision=None, tools=None, embeddings=None),
    ),
    "lmstudio": Kind(
        "LM Studio",
        _PLAIN,
        "http://127.0.0.1:1234/v1",
        None,
        _EMBEDDINGS,
        of_kind(vision=None, tools=None, json_mode=None, embeddings=None),
    ),
    "openai-compatible": Kind("Any OpenAI-compatible server", _PLAIN_HEARS, None, None, _EMBEDDINGS),
    CUSTOM: Kind("Custom, described by a file", Undescribed(), None, None, None, Capabilities(embeddings=False)),
}


def names() -> list[str]:
    """Every kind, in the order of the table."""
    return list(_KINDS)


def kind(name: str, definition: Any = None) -> Kind:
    """The kind's entry; that of a custom provider follows from its `definition`.

    Raises:
        UnknownKindError: naming the kinds that exist.
        DefinitionError: the definition is wrong.
    """
    try:
        found = _KINDS[name]
    except KeyError:
        raise UnknownKindError(name) from None
    if name != CUSTOM or definition is None:
        return found
    adapter = from_document(definition)
    described = adapter.definition
    return found._replace(
        title=described.title or found.title,
        adapter=adapter,
        default_base_url=described.base_url,
        capabilities=adapter.capabilities(),
    )


def get(name: str, definition: Any = None) -> Adapter:
    """The adapter of a kind; raises as `kind`."""
    return kind(name, definition).adapter
