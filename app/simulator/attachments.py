"""Images and sounds of requests from the server's side: checked as strictly as real APIs do, and counted.

Each format has shapes of its own, and another format's is a mistake that must show. Data must be base64 of what it says
it is; URLs are taken as they are and never fetched.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from app.adapters.media import AUDIO_FORMATS, Media, MediaKind, from_base64, from_url

IMAGE_TOKENS = 256
AUDIO_TOKENS = 64
"""What `usage` counts for each, whatever its size, so that it shows how many came."""
_AUDIO_TYPES = {name: media_type for media_type, name in AUDIO_FORMATS.items()}
_BEDROCK_FORMATS: dict[MediaKind, dict[str, str]] = {
    "image": {name: f"image/{name}" for name in ("png", "jpeg", "gif", "webp")},
    "audio": _AUDIO_TYPES,
}


class Attached(NamedTuple):
    """How many images and sounds came with a request."""

    images: int = 0
    sounds: int = 0

    @property
    def tokens(self) -> int:
        """What they add to the prompt."""
        return IMAGE_TOKENS * self.images + AUDIO_TOKENS * self.sounds


PartOf = Callable[[dict[str, Any]], Media | None]
"""A content part → its image or sound, None for one that is neither; raises `ValueError` for a wrong one."""


def attached(messages: Any, part_of: PartOf, *, within: str = "content") -> Attached:
    """What the messages hold, each in a list under `within`.

    Raises:
        ValueError: naming the message, the part and what is wrong with it.
    """
    found = []
    for number, message in enumerate(messages if isinstance(messages, list) else [messages]):
        parts = message.get(within) if isinstance(message, dict) else None
        for position, part in enumerate(parts if isinstance(parts, list) else ()):
            where = f"messages[{number}].{within}[{position}]"
            if not isinstance(part, dict):
                raise ValueError(f"{where}: must be an object")  # noqa: TRY004  (of a document)
            found.append(_checked(where, part_of, part))
    return _counted(found)


def in_ollama(messages: Any) -> Attached:
    """Ollama has bare base64 beside the text of a message; raises as `attached`."""
    found = []
    for number, message in enumerate(messages if isinstance(messages, list) else []):
        images = message.get("images") if isinstance(message, dict) else None
        for position, data in enumerate(images or ()):
            where = f"messages[{number}].images[{position}]"
            found.append(_checked(where, _bare_image, data))
    return _counted(found)


def chat_part(part: dict[str, Any]) -> Media | None:
    """OpenAI Chat Completions and what is like it; Cohere too."""
    kind = part.get("type")
    if kind == "image_url":
        value = part.get("image_url")
        return from_url(_text(value.get("url") if isinstance(value, dict) else value, "image_url.url"), "image")
    if kind == "audio_url":
        return from_url(_text(_object(part, "audio_url").get("url"), "audio_url.url"), "audio")
    if kind == "input_audio":
        value = part.get("input_audio")
        if isinstance(value, str):  # Mistral's
            return from_url(value, "audio") if value.startswith("http") else from_base64(value, "audio")
        sound = _object(part, "input_audio")
        if sound.get("format") not in _AUDIO_TYPES:
            raise ValueError(f"input_audio.format must be one of {', '.join(_AUDIO_TYPES)}")
        return from_base64(_text(sound.get("data"), "input_audio.data"), "audio", _AUDIO_TYPES[sound["format"]])
    _check_known(kind, {"text", "refusal", "thinking", "file", "document", "video_url", "reference", "document_url"})
    return None


def responses_part(part: dict[str, Any]) -> Media | None:
    """OpenAI Responses."""
    kind = part.get("type")
    if kind == "input_image":
        return from_url(_text(part.get("image_url"), "image_url"), "image")
    _check_known(kind, {"input_text", "output_text", "input_file", "refusal", "summary_text", "reasoning_text"})
    return None


def anthropic_part(part: dict[str, Any]) -> Media | None:
    """Anthropic Messages."""
    kind = part.get("type")
    if kind != "image":
        known = {"text", "document", "thinking", "redacted_thinking", "tool_use", "tool_result", "search_result"}
        if not str(kind).endswith(("_tool_use", "_tool_result")):
            _check_known(kind, known)
        return None
    source = _object(part, "source")
    if source.get("type") == "url":
        return from_url(_text(source.get("url"), "source.url"), "image")
    if source.get("type") != "base64":
        raise ValueError("source.type must be base64 or url")
    return from_base64(_text(source.get("data"), "source.data"), "image", _text(source.get("media_type"), "media_type"))


def gemini_part(part: dict[str, Any]) -> Media | None:
    """Google Gemini; its clients write names with underscores and URL-safe base64, and the API takes both."""
    part = _camel_case(part)
    if "inlineData" in part:
        value = _object(part, "inlineData")
        said = _text(value.get("mimeType"), "inlineData.mimeType")
        data = _text(value.get("data"), "inlineData.data").translate(str.maketrans("-_", "+/"))
        return from_base64(data, _kind(said), said)
    if "fileData" in part:
        value = _object(part, "fileData")
        return from_url(_text(value.get("fileUri"), "fileData.fileUri"), _kind(str(value.get("mimeType", "image/"))))
    return None


def bedrock_part(part: dict[str, Any]) -> Media | None:
    """AWS Bedrock Converse."""
    kind: MediaKind = "audio" if "audio" in part else "image"
    if kind not in part:
        return None
    value, formats = _object(part, kind), _BEDROCK_FORMATS[kind]
    if value.get("format") not in formats:
        raise ValueError(f"{kind}.format must be one of {', '.join(formats)}")
    data = _text(_object(value, "source").get("bytes"), f"{kind}.source.bytes")
    return from_base64(data, kind, formats[value["format"]])


def _camel_case(value: dict[str, Any]) -> dict[str, Any]:
    return {
        re.sub("_([a-z])", lambda found: found[1].upper(), name): _camel_case(one) if isinstance(one, dict) else one
        for name, one in value.items()
    }


def _bare_image(data: Any) -> Media:
    return from_base64(_text(data, "an image"), "image")


def _checked(where: str, read: Callable[[Any], Media | None], value: Any) -> Media | None:
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _counted(found: Iterable[Media | None]) -> Attached:
    kinds = [one.kind for one in found if one is not None]
    return Attached(kinds.count("image"), kinds.count("audio"))


def _kind(media_type: str) -> MediaKind:
    return "audio" if media_type.startswith("audio/") else "image"


def _check_known(kind: Any, known: set[str]) -> None:
    if kind not in known:
        raise ValueError(f"content parts of type {kind!r} are not known here")


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    if not isinstance(found, dict):
        raise ValueError(f"{name} must be an object")  # noqa: TRY004  (of a document)
    return found


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text that is not empty")
    return value
