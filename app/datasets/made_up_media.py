"""Made-up images and sounds: reproducible, of a given size, different from request to request, and cheap to make.

An image is a PNG (W3C, "Portable Network Graphics", second edition) of coloured squares of 8 by 8 pixels, which
compress about as well as a drawing does. A sound is noise in a WAV file: 16 bits, one channel. Only the first squares,
or the first tenth of a second, are drawn anew for each number: servers that keep what they made of an image go by all
of its bytes, so that is enough, and one of 512 by 512 pixels costs about a tenth of what it would (measured).
"""

import base64
import random
import struct
import zlib
from functools import lru_cache

from app.adapters.media import Media
from app.loadgen.plan import MadeUpMedia

_SQUARE = 8  # pixels
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL = 1  # of compression: the fastest


def made_up(wanted: MadeUpMedia, seed: int, number: int) -> tuple[Media, ...]:
    """The images and the sound of request `number`."""
    images = tuple(
        Media("image", "image/png", _base64(png(wanted.width, wanted.height, f"image-{seed}-{number}-{which}")))
        for which in range(wanted.images)
    )
    if not wanted.audio_ms:
        return images
    sound = wav(wanted.audio_ms, wanted.sample_rate_hz, f"audio-{seed}-{number}")
    return (*images, Media("audio", "audio/wav", _base64(sound)))


def png(width: int, height: int, name: str) -> bytes:
    """An image of so many pixels; another `name`, other pixels."""
    first = _squares(width, min(_SQUARE, height), name)
    packed_rest, rest = _rest(width, height - min(_SQUARE, height))
    packer = zlib.compressobj(_LEVEL)
    # A full flush ends on a whole byte and refers to nothing before it, so that a part made once can follow.
    packed = packer.compress(first) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = zlib.adler32(rest, zlib.adler32(first))
    data = packed + packed_rest + struct.pack(">I", checksum)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, red green blue
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def wav(milliseconds: int, sample_rate_hz: int, name: str) -> bytes:
    """A sound of that length; another `name`, another beginning."""
    size = 2 * max(1, milliseconds * sample_rate_hz // 1000)
    own = min(size, 2 * (sample_rate_hz // 10))
    data = random.Random(name).randbytes(own) + _noise(size - own)  # noqa: S311  (reproducible, not a secret)
    form = struct.pack("<HHIIHH", 1, 1, sample_rate_hz, 2 * sample_rate_hz, 2, 16)
    return (
        b"RIFF%bWAVEfmt %b%bdata%b"
        % (
            struct.pack("<I", 36 + size),
            struct.pack("<I", len(form)),
            form,
            struct.pack("<I", size),
        )
        + data
    )


def _squares(width: int, height: int, name: str) -> bytes:
    """Rows of pixels, each behind a byte that says how it is filtered (not at all)."""
    draw = random.Random(name).randbytes  # noqa: S311
    across = -(-width // _SQUARE)
    rows = []
    for top in range(0, height, _SQUARE):
        colours = draw(3 * across)
        line = b"".join(colours[at : at + 3] * _SQUARE for at in range(0, 3 * across, 3))[: 3 * width]
        rows.append((b"\0" + line) * min(_SQUARE, height - top))
    return b"".join(rows)


@lru_cache(maxsize=4)
def _rest(width: int, height: int) -> tuple[bytes, bytes]:
    """What images of one size share: as the end of a raw deflate stream, and as it is."""
    rows = _squares(width, height, "shared") if height > 0 else b""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(rows) + packer.flush(), rows


@lru_cache(maxsize=4)
def _noise(size: int) -> bytes:
    return random.Random("shared").randbytes(size)  # noqa: S311


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
