"""What a message may hold beside text, as OpenAI's Chat Completions writes it: the part of a spec, and what it means.

Images and sounds come as data (a `data:` URI, or base64) or as a URL that the provider itself fetches. Never as a path:
the server reads no files for anyone, so the command line reads them and sends what they hold.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from app.adapters.media import (
    AUDIO_FORMATS,
    MAX_MEDIA_BYTES,
    MAX_PARTS,
    Media,
    from_base64,
    from_url,
)
from app.benchmarks.spec_parts import STORED, Prompt, SpecPart

MAX_ALL_MEDIA_CHARACTERS = 128 * 2**20
"""Of all data of a spec, as base64: it travels to every engine in one piece."""
_MAX_DATA = MAX_MEDIA_BYTES * 4 // 3 + 128
_TYPES = {name: media_type for media_type, name in AUDIO_FORMATS.items()}
Data = Annotated[str, StringConstraints(min_length=1, max_length=_MAX_DATA)]


class TextPart(SpecPart):
    """A piece of text."""

    type: Literal["text"] = "text"
    text: Prompt = Field(description="What is said.")


class ImageUrl(SpecPart):
    """Where an image is, or what it holds."""

    url: Data = Field(
        description="`data:image/png;base64,…` (png, jpeg, gif, webp), or an http(s) URL that the provider fetches."
    )
    detail: Literal["auto", "low", "high"] | None = Field(None, description="How closely the model looks, where known.")

    @field_validator("url")
    @classmethod
    def _is_image(cls, url: str, info: ValidationInfo) -> str:
        if info.context is not STORED:
            from_url(url, "image")
        return url


class ImagePart(SpecPart):
    """An image."""

    type: Literal["image_url"] = "image_url"
    image_url: ImageUrl = Field(description="The image.")


class AudioData(SpecPart):
    """A sound."""

    data: Data = Field(description="The file in base64.")
    format: Literal["wav", "mp3", "ogg", "flac"] = Field(description="What it is.")

    @model_validator(mode="after")
    def _is_sound(self, info: ValidationInfo) -> "AudioData":
        if info.context is not STORED:
            from_base64(self.data, "audio", _TYPES[self.format])
        return self


class AudioPart(SpecPart):
    """A sound."""

    type: Literal["input_audio"] = "input_audio"
    input_audio: AudioData = Field(description="The sound.")


class AudioUrl(SpecPart):
    """Where a sound is."""

    url: Data = Field(description="An http(s) URL that the provider fetches, or `data:audio/wav;base64,…`.")

    @field_validator("url")
    @classmethod
    def _is_sound(cls, url: str, info: ValidationInfo) -> str:
        if info.context is not STORED:
            from_url(url, "audio")
        return url


class AudioUrlPart(SpecPart):
    """A sound by its address, for the few APIs that fetch one."""

    type: Literal["audio_url"] = "audio_url"
    audio_url: AudioUrl = Field(description="The sound.")


ContentPart = Annotated[TextPart | ImagePart | AudioPart | AudioUrlPart, Field(discriminator="type")]
Content = Prompt | Annotated[list[ContentPart], Field(min_length=1, max_length=MAX_PARTS)]
"""What a message says: a text, or parts in their order."""


def text_of(content: str | Sequence[Any]) -> str:
    """The text of a message."""
    if isinstance(content, str):
        return content
    return "\n".join(part.text for part in content if isinstance(part, TextPart))


def parts_of(content: str | Sequence[Any]) -> tuple[str | Media, ...]:
    """Its parts, where one of them is no text; else none."""
    if isinstance(content, str) or all(isinstance(part, TextPart) for part in content):
        return ()
    return tuple(map(_part, content))


def written(parts: Iterable[str | Media]) -> list[dict[str, Any]]:
    """Parts as a spec has them: the other way round."""
    return [_written(part) for part in parts]


def check_size(contents: Iterable[str | Sequence[Any]]) -> None:
    """Refuse more data than can travel.

    Raises:
        ValueError: naming the limit.
    """
    total = 0
    for content in contents:
        if not isinstance(content, str):
            total += sum(len(data) for part in content for data in _data(part))
    if total > MAX_ALL_MEDIA_CHARACTERS:
        raise ValueError(f"images and audio must be at most {MAX_ALL_MEDIA_CHARACTERS // 2**20} MiB of base64 together")


def _data(part: Any) -> Iterable[str]:
    if isinstance(part, ImagePart):
        yield part.image_url.url
    elif isinstance(part, AudioPart):
        yield part.input_audio.data
    elif isinstance(part, AudioUrlPart):
        yield part.audio_url.url


def _part(part: Any) -> str | Media:
    if isinstance(part, TextPart):
        return part.text
    if isinstance(part, ImagePart):
        image = from_url(part.image_url.url, "image")
        return Media(image.kind, image.media_type, image.data, image.url, part.image_url.detail or "")
    if isinstance(part, AudioUrlPart):
        return from_url(part.audio_url.url, "audio")
    return Media("audio", _TYPES[part.input_audio.format], part.input_audio.data)


def _written(part: str | Media) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if part.kind == "image":
        detail = {"detail": part.detail} if part.detail else {}
        return {"type": "image_url", "image_url": {"url": part.data_uri, **detail}}
    if part.url:
        return {"type": "audio_url", "audio_url": {"url": part.url}}
    return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
