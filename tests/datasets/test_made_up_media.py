"""Made-up images and sounds are what they say they are, and the same again from the same seed."""

import base64
import io
import struct
import wave
import zlib

import pytest

from app.datasets.made_up_media import made_up, png, wav
from app.loadgen.plan import MadeUpMedia


def pixels(data: bytes) -> tuple[int, int, bytes]:
    """Width, height and unfiltered rows of a PNG, every checksum checked."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", data, at + 8 + size)[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + size
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *form = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert form == [8, 2, 0, 0, 0]
    return width, height, zlib.decompress(chunks[b"IDAT"])


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 9), (8, 8), (512, 512), (1024, 16)])
def test_an_image_has_its_size(width: int, height: int) -> None:
    found_width, found_height, rows = pixels(png(width, height, "a"))
    assert (found_width, found_height, len(rows)) == (width, height, height * (1 + 3 * width))
    assert not any(rows[:: 1 + 3 * width])
    assert png(width, height, "a") == png(width, height, "a") != png(width, height, "b")


@pytest.mark.parametrize("milliseconds", [50, 100, 1500])
def test_a_sound_has_its_length(milliseconds: int) -> None:
    with wave.open(io.BytesIO(wav(milliseconds, 16_000, "a"))) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 16_000)
        assert sound.getnframes() == 16 * milliseconds
        assert len(sound.readframes(10**6)) == 32 * milliseconds
    assert wav(milliseconds, 16_000, "a") != wav(milliseconds, 16_000, "b")


def test_every_image_of_a_run_is_another_and_reproducible() -> None:
    wanted = MadeUpMedia(2, 16, 16, audio_ms=100)
    seen = [made_up(wanted, seed, number) for seed in (1, 2) for number in (0, 1)]
    assert all([one.kind for one in media] == ["image", "image", "audio"] for media in seen)
    assert len({one.data for media in seen for one in media}) == 12
    assert seen[3] == made_up(wanted, 2, 1)
    assert pixels(base64.b64decode(seen[0][0].data))[:2] == (16, 16)
