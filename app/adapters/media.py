"""Images and sounds in messages: what they are, whether they are sound, and which of them a wire format takes. Pure.

Data travels as base64 text, because every API but Bedrock's binary clients wants it so. What the bytes are is read off
their first bytes (the signatures of PNG, JPEG, GIF, WebP; RIFF/WAVE, MPEG audio, Ogg, FLAC), never off a name.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

import msgspec

MediaKind = Literal["image", "audio"]
MAX_MEDIA_BYTES = 20 * 2**20
"""Of one image or sound: what Gemini takes in a whole request; OpenAI takes more, Anthropic 5 MiB, Bedrock 3.75 MB."""
MAX_PARTS = 256
MAX_URL_CHARACTERS = 2_048

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
AUDIO_TYPES = ("audio/wav", "audio/mpeg", "audio/ogg", "audio/flac")
AUDIO_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/flac": "flac"}
"""Names of audio types in `input_audio.format`."""
_ALIASES = {
    "image/jpg": "image/jpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/mp3": "audio/mpeg",
    "audio/x-flac": "audio/flac",
    "application/ogg": "audio/ogg",
}


class MediaError(ValueError):
    """What is wrong with an image or a sound, and what is allowed."""


class Media(msgspec.Struct, frozen=True):
    """One image or sound: `data` in base64 with its type, or a `url` that the provider fetches by itself.

    `detail` is how closely OpenAI, Cohere and their like shall look at an image; empty: not said.
    """

    kind: MediaKind
    media_type: str = ""
    data: str = ""
    url: str = ""
    detail: str = ""

    @property
    def data_uri(self) -> str:
        """As one text: the URL, or the data as a `data:` URI (RFC 2397)."""
        return self.url or f"data:{self.media_type};base64,{self.data}"

    @property
    def format(self) -> str:
        """`png`, `jpeg`, `wav`, `mp3` …: what some APIs say instead of a type."""
        return AUDIO_FORMATS.get(self.media_type) or self.media_type.partition("/")[2]


class Takes(NamedTuple):
    """What a wire format takes beside text: types of data, and whether the provider fetches URLs."""

    images: tuple[str, ...] = ()
    image_urls: bool = False
    audio: tuple[str, ...] = ()
    audio_urls: bool = False

    def problem(self, media: Media) -> str | None:
        """Why this cannot be sent, with what can be; None when it can."""
        types, urls = (self.images, self.image_urls) if media.kind == "image" else (self.audio, self.audio_urls)
        what = "images" if media.kind == "image" else "audio"
        if not types and not urls:
            others = [name for name, one in (("images", self.images), ("audio", self.audio)) if one]
            return f"takes no {what}; it takes {' and '.join(['text', *others])}"
        names = ", ".join(one.partition("/")[2] for one in types)
        if media.url and not urls:
            return f"takes {what} as data only, not by URL: give a file or a data: URI ({names})"
        if media.data and media.media_type not in types:
            return f"takes {what} as {names}, not as {media.media_type}"
        return None


def sniffed(data: bytes) -> str | None:
    """The type that the first bytes say; None for none of those that are known."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(data[8:12])
    if data.startswith(b"ID3") or (len(data) > 2 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2):  # MPEG sync, layer 3
        return "audio/mpeg"
    return "audio/ogg" if data.startswith(b"OggS") else "audio/flac" if data.startswith(b"fLaC") else None


def from_bytes(data: bytes, kind: MediaKind | None = None) -> Media:
    """An image or a sound from its bytes; raises `MediaError` when they are none, or not of the `kind`."""
    found = sniffed(data) or ""
    allowed = {"image": IMAGE_TYPES, "audio": AUDIO_TYPES}.get(kind or "", IMAGE_TYPES + AUDIO_TYPES)
    if not data or found not in allowed:
        names = ", ".join(one.partition("/")[2] for one in allowed)
        raise MediaError(f"is {'empty' if not data else found or 'of an unknown type'}; it must be {names}")
    if len(data) > MAX_MEDIA_BYTES:
        raise MediaError(f"is larger than {MAX_MEDIA_BYTES // 2**20} MiB")
    return Media("image" if found in IMAGE_TYPES else "audio", found, base64.b64encode(data).decode())


def from_base64(text: str, kind: MediaKind, said: str | None = None) -> Media:
    """The same from base64 text; `said` is the type that was claimed.

    Raises:
        MediaError: it is no base64 (RFC 4648, with padding), or not what was claimed.
    """
    if len(text) > MAX_MEDIA_BYTES * 4 // 3 + 4:
        raise MediaError(f"is larger than {MAX_MEDIA_BYTES // 2**20} MiB")
    if len(text) % 4 or not _BASE64.fullmatch(text):
        raise MediaError("is not base64 (the standard alphabet with its padding, without blanks)")
    try:
        media = from_bytes(base64.b64decode(text, validate=True), kind)
    except binascii.Error:
        raise MediaError("is not base64 (the standard alphabet with its padding, without blanks)") from None
    if said is not None and plain_type(said) != media.media_type:
        raise MediaError(f"says {said} but holds {media.media_type}")
    return Media(media.kind, media.media_type, text)


def from_url(url: str, kind: MediaKind) -> Media:
    """An image or a sound by `data:` URI, or by an address that the provider is to fetch; never fetched here.

    Raises:
        MediaError: it is neither, or what it holds cannot be used.
    """
    if url[:5].lower() == "data:":
        head, comma, rest = url[5:].partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise MediaError("is no data: URI with base64; write data:image/png;base64,…")
        text = unquote_to_bytes(rest).decode("latin-1") if "%" in rest[:MAX_URL_CHARACTERS] else rest
        return from_base64(text, kind, head.partition(";")[0] or None)
    if len(url) > MAX_URL_CHARACTERS:
        raise MediaError(f"is a URL of more than {MAX_URL_CHARACTERS} characters")
    if url[:5].lower() not in {"http:", "https"}:
        raise MediaError("must be an http:// or https:// URL, or a data: URI with base64")
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        has_secret = parts.username is not None or parts.password is not None
    except ValueError:
        is_good = has_secret = False
    if not is_good or any(not letter.isprintable() or letter.isspace() for letter in url):
        raise MediaError("must be an http:// or https:// URL, or a data: URI with base64")
    if has_secret:
        raise MediaError("must not hold a user name or a password")
    return Media(kind, url=url)


def plain_type(name: str) -> str:
    """A media type by its usual name."""
    name = name.strip().lower()
    return _ALIASES.get(name, name)


def problems(media: Iterable[Media], takes: Takes) -> list[str]:
    """What of this cannot be sent, each kind of problem once."""
    return list(dict.fromkeys(found for one in media if (found := takes.problem(one))))
