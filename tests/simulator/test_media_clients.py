"""Images, sounds and embeddings: the vendors' own clients send what our adapters send, value by value."""

import base64
import gc
import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import anthropic
import boto3
import cohere
import httpx
import ollama
import openai
import pytest
from botocore.config import Config
from google import genai
from google.genai import types
from mistralai.client import Mistral

from app.adapters import registry
from app.adapters.base import ChatRequest, EmbeddingRequest, Message
from app.adapters.media import Media, from_bytes
from app.datasets.made_up_media import png, wav
from app.simulator.attachments import AUDIO_TOKENS, IMAGE_TOKENS
from tests.loadgen.servers import simulator

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
PNG, WAV = png(24, 16, "a"), wav(100, 8_000, "a")
PNG64, WAV64 = base64.b64encode(PNG).decode(), base64.b64encode(WAV).decode()
SHOWN = "data:image/png;base64," + PNG64
FAR = "https://example.org/cat.png"
TEXTS = ("one two", "three")


class Exchanged(NamedTuple):
    """What a client and we sent for one message, the tokens that the client was told, and the simulator's truth."""

    theirs: Any
    ours: Any
    tokens: int
    truth: list[dict[str, Any]]


def _openai(base: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=base + "/v1", api_key="k", max_retries=0)


def _chat(base: str) -> Any:
    content: Any = [
        {"type": "text", "text": "what"},
        {"type": "image_url", "image_url": {"url": SHOWN, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": FAR}},
        {"type": "input_audio", "input_audio": {"data": WAV64, "format": "wav"}},
    ]
    with _openai(base) as client:
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": content}])
    return answer.usage.prompt_tokens  # type: ignore[union-attr]


def _responses(base: str) -> Any:
    content: Any = [
        {"type": "input_text", "text": "what"},
        {"type": "input_image", "image_url": SHOWN, "detail": "auto"},
        {"type": "input_image", "image_url": FAR, "detail": "auto"},
    ]
    with _openai(base) as client:
        answer = client.responses.create(model="m", input=[{"role": "user", "content": content}])
    return answer.usage.input_tokens  # type: ignore[union-attr]


def _anthropic(base: str) -> Any:
    content: Any = [
        {"type": "text", "text": "what"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG64}},
        {"type": "image", "source": {"type": "url", "url": FAR}},
    ]
    with anthropic.Anthropic(base_url=base, api_key="k", max_retries=0) as client:
        answer = client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": content}])
    return answer.usage.input_tokens


def _gemini(base: str) -> Any:
    parts = [
        types.Part.from_text(text="what"),
        types.Part.from_bytes(data=PNG, mime_type="image/png"),
        types.Part.from_uri(file_uri=FAR, mime_type="image/png"),
        types.Part.from_bytes(data=WAV, mime_type="audio/wav"),
    ]
    with genai.Client(api_key="k", http_options={"base_url": base}) as client:
        answer = client.models.generate_content(model="m", contents=types.Content(role="user", parts=parts))
    return answer.usage_metadata.prompt_token_count  # type: ignore[union-attr]


def _cohere(base: str) -> Any:
    content: Any = [
        {"type": "text", "text": "what"},
        {"type": "image_url", "image_url": {"url": SHOWN}},
        {"type": "image_url", "image_url": {"url": FAR}},
    ]
    client = cohere.ClientV2(api_key="k", base_url=base)
    messages: Any = [{"role": "user", "content": content}]
    answer: Any = client.chat(model="m", messages=messages)
    return answer.usage.billed_units.input_tokens


def _ollama(base: str) -> Any:
    message: Any = {"role": "user", "content": "what", "images": [PNG]}
    return ollama.Client(host=base).chat(model="m", messages=[message]).prompt_eval_count


def _bedrock(base: str) -> Any:
    client = boto3.client(
        "bedrock-runtime", endpoint_url=base, region_name="us-east-1", aws_access_key_id="a",
        aws_secret_access_key="b", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    content = [
        {"text": "what"},
        {"image": {"format": "png", "source": {"bytes": PNG}}},
        {"audio": {"format": "wav", "source": {"bytes": WAV}}},
    ]
    return client.converse(modelId="m", messages=[{"role": "user", "content": content}])["usage"]["inputTokens"]


def _mistral(base: str) -> Any:
    content: Any = [
        {"type": "text", "text": "what"},
        {"type": "image_url", "image_url": {"url": SHOWN}},
        {"type": "input_audio", "input_audio": WAV64},
    ]
    with Mistral(api_key="k", server_url=base + "/mistral") as client:
        answer = client.chat.complete(model="m", messages=[{"role": "user", "content": content}])
    return answer.usage.prompt_tokens


IMAGE, SOUND = from_bytes(PNG), from_bytes(WAV)
URL = Media("image", url=FAR)
LOW = Media("image", "image/png", PNG64, "", "low")
CASES: dict[str, tuple[Callable[[str], Any], tuple[Media, ...], str]] = {
    "openai": (_chat, (LOW, URL, SOUND), "messages"),
    "openai-responses": (_responses, (IMAGE, URL), "input"),
    "anthropic": (_anthropic, (IMAGE, URL), "messages"),
    "gemini": (_gemini, (IMAGE, URL, SOUND), "contents"),
    "cohere": (_cohere, (IMAGE, URL), "messages"),
    "ollama": (_ollama, (IMAGE,), "messages"),
    "bedrock": (_bedrock, (IMAGE, SOUND), "messages"),
    "mistral": (_mistral, (IMAGE, SOUND), "messages"),
}


def post(base: str, kind: str, request: Any) -> httpx.Response:
    bare = {"anthropic", "gemini", "cohere", "ollama", "bedrock"}
    prefix = "" if kind in bare else "/mistral/v1" if kind == "mistral" else "/v1"
    return httpx.post(base + prefix + request.path, headers=dict(request.headers), content=request.body, timeout=10)


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Exchanged]]:
    """Every client once, then we, against one simulator, whose logs are complete when it has ended."""
    folder = tmp_path_factory.mktemp("simulated")
    requests, truth = folder / "requests.jsonl", folder / "truth.jsonl"
    tokens: dict[str, int] = {}
    with simulator("--ttft-ms", "0", "--itl-ms", "0", "--tokens", "2", "--requests-log", str(requests),
                   "--log", str(truth)) as port:  # fmt: skip
        base = f"http://127.0.0.1:{port}"
        for kind, (client, media, _) in CASES.items():
            tokens[kind] = client(base)
            message = Message("user", "what", ("what", *media))
            ours = registry.get(kind).encode(ChatRequest(model="m", messages=(message,), stream=False), "k")
            answer = post(base, kind, ours)
            assert answer.status_code == 200, answer.text
    bodies = [json.loads(line)["body"] for line in requests.read_text().splitlines()]
    truths = [json.loads(line) for line in truth.read_text().splitlines()]
    yield {
        kind: Exchanged(bodies[2 * at][CASES[kind][2]], bodies[2 * at + 1][CASES[kind][2]], tokens[kind],
                        truths[2 * at : 2 * at + 2])
        for at, kind in enumerate(CASES)
    }  # fmt: skip
    with warnings.catch_warnings(action="ignore"):
        gc.collect()  # of sockets that some clients have no way to close


@pytest.mark.parametrize("kind", CASES)
def test_what_clients_send_is_what_we_send(kind: str, exchanged: dict[str, Exchanged]) -> None:
    found, media = exchanged[kind], CASES[kind][1]
    theirs = found.theirs
    if kind == "gemini":  # its client writes names and base64 in the other way that protocol buffers' JSON allows
        names = json.dumps(theirs).replace('"mime_type"', '"mimeType"').replace('"file_uri"', '"fileUri"')
        theirs = json.loads(names)
        for part in theirs[0]["parts"]:
            if "inlineData" in part:
                part["inlineData"]["data"] = part["inlineData"]["data"].translate(str.maketrans("-_", "+/"))
    assert found.ours == theirs
    sounds = sum(one.kind == "audio" for one in media)
    assert found.tokens == 1 + IMAGE_TOKENS * (len(media) - sounds) + AUDIO_TOKENS * sounds
    assert [(one.get("images", 0), one.get("sounds", 0)) for one in found.truth] == [(len(media) - sounds, sounds)] * 2


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with simulator("--ttft-ms", "0", "--itl-ms", "0", "--tokens", "2") as port:
        yield f"http://127.0.0.1:{port}"


def _bodies(data: str) -> dict[str, tuple[str, Any]]:
    """A message with this as its image, in the shape of each format: kind → path and body."""
    uri = "data:image/png;base64," + data
    shown = {"type": "image_url", "image_url": {"url": uri}}
    source = {"type": "base64", "media_type": "image/png", "data": data}
    inline = {"inlineData": {"mimeType": "image/png", "data": data}}
    block = {"image": {"format": "png", "source": {"bytes": data}}}

    def message(part: Any) -> Any:
        return [{"role": "user", "content": [part]}]

    return {
        "openai": ("/v1/chat/completions", {"model": "m", "messages": message(shown)}),
        "openai-responses": (
            "/v1/responses", {"model": "m", "input": message({"type": "input_image", "image_url": uri})}
        ),
        "anthropic": (
            "/v1/messages", {"model": "m", "max_tokens": 9, "messages": message({"type": "image", "source": source})}
        ),
        "gemini": ("/v1beta/models/m:generateContent", {"contents": [{"role": "user", "parts": [inline]}]}),
        "cohere": ("/v2/chat", {"model": "m", "messages": message(shown)}),
        "ollama": ("/api/chat", {"model": "m", "messages": [{"role": "user", "content": "x", "images": [data]}]}),
        "bedrock": ("/model/m/converse", {"messages": message(block)}),
    }  # fmt: skip


@pytest.mark.parametrize("data", [PNG64[:-1], "!" + PNG64[1:], WAV64, ""], ids=["cut", "alphabet", "sound", "empty"])
def test_the_simulator_refuses_what_is_broken(data: str, base: str) -> None:
    for kind, (path, body) in _bodies(data).items():
        answer = httpx.post(base + path, json=body, timeout=10)
        assert answer.status_code == 400, kind
        assert "[0]" in answer.text, "the place is told"
    assert httpx.post(base + "/v1/chat/completions", json=_bodies(PNG64)["openai"][1], timeout=10).status_code == 200


def test_another_formats_shape_is_a_mistake(base: str) -> None:
    wrong = {"model": "m", "max_tokens": 9, "messages": _bodies(PNG64)["openai"][1]["messages"]}
    answer = httpx.post(base + "/v1/messages", json=wrong, timeout=10)
    assert answer.status_code == 400
    assert "messages[0].content[0]: content parts of type 'image_url' are not known here" in answer.text


# -------------------------------------------------------------------- embeddings


def _embed_openai(base: str) -> tuple[list[Any], int | None]:
    with _openai(base) as client:
        answer = client.embeddings.create(model="m", input=list(TEXTS), encoding_format="float")
    return [item.embedding for item in answer.data], answer.usage.prompt_tokens


def _embed_azure(base: str) -> tuple[list[Any], int | None]:
    with openai.AzureOpenAI(azure_endpoint=base, api_key="k", api_version="2024-10-21", max_retries=0) as client:
        answer = client.embeddings.create(model="m", input=list(TEXTS), encoding_format="float")
    return [item.embedding for item in answer.data], answer.usage.prompt_tokens


def _embed_gemini(base: str) -> tuple[list[Any], int | None]:
    with genai.Client(api_key="k", http_options={"base_url": base}) as client:
        answer = client.models.embed_content(model="m", contents=list(TEXTS))
    return [one.values for one in answer.embeddings or ()], None


def _embed_cohere(base: str) -> tuple[list[Any], int | None]:
    answer: Any = cohere.ClientV2(api_key="k", base_url=base).embed(
        model="m", texts=list(TEXTS), input_type="search_document", embedding_types=["float"]
    )
    return answer.embeddings.float_, answer.meta.billed_units.input_tokens


def _embed_ollama(base: str) -> tuple[list[Any], int | None]:
    answer = ollama.Client(host=base).embed(model="m", input=list(TEXTS))
    return list(answer.embeddings), answer.prompt_eval_count


@pytest.mark.parametrize(
    ("kind", "client"),
    [
        ("openai", _embed_openai),
        ("azure-openai", _embed_azure),
        ("gemini", _embed_gemini),
        ("cohere", _embed_cohere),
        ("ollama", _embed_ollama),
    ],
)
def test_embeddings(kind: str, client: Callable[[str], tuple[list[Any], int | None]], base: str) -> None:
    theirs, tokens = client(base)
    assert len(theirs) == 2
    assert theirs[0] != theirs[1]
    assert all(len(vector) == 256 for vector in theirs)
    assert tokens in {3, None}
    adapter = registry.kind(kind).embeddings
    assert adapter is not None
    request = adapter.encode(EmbeddingRequest(model="m", texts=TEXTS), "k")
    prefix = "" if kind != "openai" else "/v1"
    answer = httpx.post(base + prefix + request.path, headers=dict(request.headers), content=request.body, timeout=10)
    decoder = adapter.decoder(answer.status_code, answer.headers["content-type"], items=2)
    for byte in answer.content:
        decoder.feed(7, bytes([byte]))
    reply = decoder.finish(complete=True)
    assert (reply.error_type, reply.error, reply.answered_ns) == (None, None, 7)
    assert (reply.buckets.uncached_input, reply.token_count_source) == (3, "usage")
    short = adapter.decoder(200, "application/json", items=3)
    short.feed(1, answer.content)
    assert short.finish(complete=True).error == "2 vectors came for 3 texts"


@pytest.mark.parametrize("kind", ["openai", "gemini", "cohere", "ollama"])
@pytest.mark.parametrize(
    ("body", "error_type"),
    [(b"{}", "empty"), (b"[]", "protocol"), (b"<html>", "protocol"), (b"", None), (b"\xff", "protocol")],
)
def test_what_is_no_embeddings_answer(kind: str, body: bytes, error_type: str | None) -> None:
    adapter = registry.kind(kind).embeddings
    assert adapter is not None
    decoder = adapter.decoder(200, "application/json", items=1)
    decoder.feed(1, body)
    found = decoder.finish(complete=True).error_type
    assert found == error_type if error_type else found is not None
