"""Images and sounds: what is sound, what each kind takes, and what is sent."""

import base64
import json
from typing import Any

import pytest

from app.adapters import registry
from app.adapters.base import ChatRequest, Message
from app.adapters.media import MAX_MEDIA_BYTES, Media, MediaError, from_base64, from_bytes, from_url

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
WAV = base64.b64encode(b"RIFF\x24\0\0\0WAVEfmt " + bytes(20)).decode()
IMAGE, SOUND = Media("image", "image/png", PNG), Media("audio", "audio/wav", WAV)
FAR = Media("image", url="https://example.org/a.png")
SHOWN = "data:image/png;base64," + PNG


def sent(kind: str, *parts: str | Media) -> Any:
    message = Message("user", "hi", parts)
    return json.loads(registry.get(kind).encode(ChatRequest(model="m", messages=(message,)), None).body)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("openai", [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": SHOWN}}]),
        ("openai-responses", [
            {"type": "input_text", "text": "hi"}, {"type": "input_image", "image_url": SHOWN, "detail": "auto"}
        ]),
        ("anthropic", [
            {"type": "text", "text": "hi"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        ]),
        ("cohere", [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": SHOWN}}]),
        ("mistral", [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": SHOWN}}]),
        ("bedrock", [{"text": "hi"}, {"image": {"format": "png", "source": {"bytes": PNG}}}]),
        ("gemini", [{"text": "hi"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}]),
    ],
)  # fmt: skip
def test_an_image_in_each_format(kind: str, content: Any) -> None:
    body = sent(kind, "hi", IMAGE)
    (message,) = body.get("messages") or body.get("input") or body["contents"]
    assert message.get("content", message.get("parts")) == content


def test_bedrock_takes_sounds() -> None:
    assert sent("bedrock", "hi", SOUND)["messages"][0]["content"][1] == {
        "audio": {"format": "wav", "source": {"bytes": SOUND.data}}
    }


def test_ollama_has_images_beside_the_text() -> None:
    assert sent("ollama", IMAGE, "hi")["messages"] == [{"role": "user", "content": "hi", "images": [PNG]}]


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("openai", {"type": "image_url", "image_url": {"url": FAR.url}}),
        ("openai-responses", {"type": "input_image", "image_url": FAR.url, "detail": "auto"}),
        ("anthropic", {"type": "image", "source": {"type": "url", "url": FAR.url}}),
        ("gemini", {"fileData": {"fileUri": FAR.url, "mimeType": "image/png"}}),
    ],
)
def test_an_image_by_its_address(kind: str, part: Any) -> None:
    body = sent(kind, FAR)
    (message,) = body.get("messages") or body.get("input") or body["contents"]
    assert message.get("content", message.get("parts")) == [part]


def test_sounds() -> None:
    part = sent("openai", SOUND)["messages"][0]["content"][0]
    assert part == {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}
    assert sent("mistral", SOUND)["messages"][0]["content"][0] == {"type": "input_audio", "input_audio": WAV}
    part = sent("gemini", SOUND)["contents"][0]["parts"][0]
    assert part == {"inlineData": {"mimeType": "audio/wav", "data": WAV}}
    far = sent("vllm", Media("audio", url="https://example.org/a.wav"))["messages"][0]["content"][0]
    assert far == {"type": "audio_url", "audio_url": {"url": "https://example.org/a.wav"}}


@pytest.mark.parametrize(
    ("kind", "media", "words"),
    [
        ("deepseek", IMAGE, "takes no images; it takes text"),
        ("llamacpp-completion", IMAGE, "takes no images"),
        ("anthropic", SOUND, "takes no audio; it takes text and images"),
        ("ollama", FAR, "as data only, not by URL"),
        ("bedrock", FAR, "as data only, not by URL"),
        ("bedrock", Media("audio", url=FAR.url), "as data only, not by URL"),
        ("xai", Media("image", "image/gif", "AAAA"), "takes images as png, jpeg, not as image/gif"),
        ("openai", Media("audio", "audio/flac", "AAAA"), "takes audio as wav, mpeg, not as audio/flac"),
    ],
)
def test_what_a_kind_does_not_take_is_told(kind: str, media: Media, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        sent(kind, media)
    assert words in (registry.get(kind).takes.problem(media) or "")


@pytest.mark.parametrize("name", registry.names())
def test_capabilities_agree_with_what_is_taken(name: str) -> None:
    kind = registry.kind(name)
    can, takes = kind.capabilities, kind.adapter.takes
    for flag, types in ((can.vision, takes.images), (can.audio, takes.audio)):
        assert flag is None or flag == bool(types)
    assert (can.embeddings is False) == (kind.embeddings is None)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"RIFF....WAVEfmt ", "audio/wav"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"OggS", "audio/ogg"),
        (b"fLaC", "audio/flac"),
    ],
)
def test_types_are_read_off_the_bytes(data: bytes, found: str) -> None:
    assert from_bytes(data).media_type == found


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"<svg/>", "of an unknown type"),
        (b"RIFF....WAVE", "is audio/wav; it must be png"),
        (b"GIF89a" + bytes(MAX_MEDIA_BYTES), "larger than 20 MiB"),
    ],
)
def test_what_is_no_image(data: bytes, words: str) -> None:
    with pytest.raises(MediaError, match=words):
        from_bytes(data, "image")


@pytest.mark.parametrize(
    "text", ["iVBORw0KGgo", "iVBO Rw0KGgo=", "iVBORw0KGg-_", "=iVBORw0KGgo", "!!!!", "iVBORw0KGgo=\n"]
)
def test_broken_base64_is_refused(text: str) -> None:
    with pytest.raises(MediaError, match="not base64"):
        from_base64(text, "image")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file:///etc/passwd", "must be an http"),
        ("ftp://a/b.png", "must be an http"),
        ("cat.png", "must be an http"),
        ("https://user:secret@example.org/a.png", "user name"),
        ("https://", "must be an http"),
        ("https://a b/c.png", "must be an http"),
        ("https://[::1/c.png", "must be an http"),
        ("https://a/" + "x" * 3000, "more than 2048"),
        ("data:image/png,abc", "base64"),
        ("data:image/jpeg;base64," + PNG, "says image/jpeg but holds image/png"),
    ],
)
def test_wrong_addresses(url: str, words: str) -> None:
    with pytest.raises(MediaError, match=words):
        from_url(url, "image")


def test_a_data_uri_may_be_escaped_and_call_its_type_otherwise() -> None:
    escaped = SHOWN.replace("+", "%2B").replace("=", "%3D")
    assert from_url(escaped, "image") == IMAGE
    assert from_url("data:audio/x-wav;base64," + WAV, "audio") == SOUND
