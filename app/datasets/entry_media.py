"""Images and sounds of an entry: OpenAI's, Anthropic's and plain ways to write them → `Media`. Pure; errors say why.

A text is a URL, a `data:` URI or a path. What a path means is for the caller to say: the command line reads files that
lie beside the prompt file, and nobody else reads any.
"""

from collections.abc import Callable, Iterator
from typing import Any

from app.adapters.media import AUDIO_FORMATS, Media, MediaError, MediaKind, from_base64, from_bytes, from_url

OpenFile = Callable[[str], bytes]
"""Path → what the file holds; raises `MediaError` saying why it cannot be read."""

MEDIA_KEYS: dict[str, MediaKind] = {"image": "image", "images": "image", "image_url": "image", "audio": "audio"}
"""Keys of an entry beside its text."""
_TYPES = {name: media_type for media_type, name in AUDIO_FORMATS.items()}
_TEXT_PARTS = {"text", "input_text"}
_IMAGE_PARTS = {"image_url", "input_image", "image"}
_AUDIO_PARTS = {"input_audio", "audio_url", "audio"}
_FORMS = "text, image_url or input_audio"


class MediaReader:
    """Makes `Media` of what entries say. Files are read once, however many entries name them."""

    def __init__(self, open_file: OpenFile | None = None) -> None:
        self._open_file = open_file
        self._kept: dict[tuple[str, MediaKind], Media] = {}

    def part(self, part: Any) -> str | Media:
        """A content part.

        Raises:
            MediaError: it is of no known type, or what it names cannot be used.
        """
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in _TEXT_PARTS and isinstance(part.get("text"), str):
            return str(part["text"])
        if kind in _IMAGE_PARTS:
            detail = part.get("detail") or (part["image_url"].get("detail") if _is_object(part, "image_url") else None)
            media = self.media(_first(part, "image_url", "image", "source", "url"), "image")
            known = str(detail) if detail in {"auto", "low", "high"} else ""
            return Media(media.kind, media.media_type, media.data, media.url, known)
        if kind in _AUDIO_PARTS:
            return self.media(_first(part, "input_audio", "audio_url", "audio", "source", "url"), "audio")
        raise MediaError(f"content parts must be of type {_FORMS}")

    def beside(self, entry: dict[str, Any]) -> Iterator[Media]:
        """What an entry has under `MEDIA_KEYS`; raises as `part`."""
        for key, kind in MEDIA_KEYS.items():
            value = entry.get(key)
            for one in value if isinstance(value, list) else [value]:
                if one not in (None, ""):
                    try:
                        yield self.media(one, kind)
                    except MediaError as error:
                        raise MediaError(f"{key} {error}") from None

    def media(self, value: Any, kind: MediaKind) -> Media:
        """One image or sound; raises as `part`."""
        if isinstance(value, str) and value:
            return self._named(value, kind)
        if isinstance(value, dict):
            if isinstance(value.get("data"), str):  # of OpenAI's input_audio and of Anthropic's source
                said = value.get("media_type") or _TYPES.get(str(value.get("format")))
                if "format" in value and said is None:
                    raise MediaError(f"format must be {', '.join(_TYPES)}, not {str(value['format'])[:40]!r}")
                return from_base64(value["data"], kind, said)
            named = _first(value, "url", "path")
            if isinstance(named, str) and named:
                return self._named(named, kind)
        raise MediaError("must be a path, a URL, a data: URI, or an object with url, path or data")

    def _named(self, name: str, kind: MediaKind) -> Media:
        if name[:5].lower() in {"data:", "http:", "https"}:
            return from_url(name, kind)
        if "://" in name[:16] or name[:5].lower() == "file:":
            raise MediaError("must be a path, an http:// or https:// URL, or a data: URI")
        if self._open_file is None:
            raise MediaError("names a file, which cannot be read here; give a data: URI or a URL")
        if (name, kind) not in self._kept:
            try:
                self._kept[name, kind] = from_bytes(self._open_file(name), kind)
            except MediaError as error:
                raise MediaError(f"{name[:200]!r} {error}") from None
        return self._kept[name, kind]


def _is_object(part: dict[str, Any], key: str) -> bool:
    return isinstance(part.get(key), dict)


def _first(part: dict[str, Any], *keys: str) -> Any:
    return next((part[key] for key in keys if part.get(key) is not None), None)
