"""Images and sounds in prompt files."""

import base64
import json
from typing import Any

import pytest

from app.adapters.media import MediaError
from app.datasets import files
from app.datasets.entries import DatasetError, Item
from app.datasets.files import read_dataset
from app.datasets.made_up_media import png, wav

PNG, WAV = png(8, 8, "a"), wav(100, 8_000, "a")
PNG64, WAV64 = base64.b64encode(PNG).decode(), base64.b64encode(WAV).decode()
FILES = {"cat.png": PNG, "s.wav": WAV, "notes.txt": b"secret"}


def open_file(name: str) -> bytes:
    try:
        return FILES[name]
    except KeyError:
        raise MediaError("cannot be read: No such file or directory") from None


def items(*entries: Any, name: str = "a.jsonl") -> tuple[Item, ...]:
    text = "\n".join(map(json.dumps, entries))
    return read_dataset(name, text.encode(), open_file=open_file).items


@pytest.mark.parametrize(
    "entry",
    [
        {"prompt": "hi", "image": "cat.png"},
        {"prompt": "hi", "images": ["cat.png"], "audio": None},
        {"prompt": "hi", "image": {"path": "cat.png"}},
        {"prompt": "hi", "image_url": f"data:image/png;base64,{PNG64}"},
        {"messages": [{"role": "user", "content": "hi"}], "image": "cat.png"},
        {"messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "cat.png"}}, {"type": "text", "text": "hi"}]}]},
        {"messages": [{"role": "user", "content": [
            {"type": "input_image", "image_url": "cat.png"}, {"type": "input_text", "text": "hi"}]}]},
        {"messages": [{"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG64}},
            {"type": "text", "text": "hi"}]}]},
        {"body": {"messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG64}"}},
            {"type": "text", "text": "hi"}]}]}},
    ],
)  # fmt: skip
def test_ways_to_show_an_image(entry: Any) -> None:
    (item,) = items(entry)
    (message,) = item.messages
    assert message.content == "hi"
    assert item.prompt is None
    (image,) = item.media
    assert (image.media_type, image.data, message.parts) == ("image/png", PNG64, (image, "hi"))


def test_sounds_columns_and_order() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": WAV64, "format": "wav"}}
    (item,) = items({"messages": [{"role": "user", "content": [{"type": "text", "text": "hear"}, sound]}]})
    assert [part if isinstance(part, str) else part.kind for part in item.messages[0].parts] == ["hear", "audio"]
    (item,) = read_dataset("a.csv", b"prompt,audio\nhear,s.wav\n", open_file=open_file).items
    assert item.media[0].data == WAV64
    far = items({"prompt": "x", "image": "https://example.org/a.png"})[0].media[0]
    assert (far.url, far.data) == ("https://example.org/a.png", "")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"prompt": "x", "image": "none.png"}, "image 'none.png' cannot be read: No such file"),
        ({"prompt": "x", "image": "notes.txt"}, "image 'notes.txt' is of an unknown type"),
        ({"prompt": "x", "image": "s.wav"}, "is audio/wav; it must be png"),
        ({"prompt": "x", "image": 7}, "image must be a path, a URL"),
        ({"prompt": "x", "image": "file:///etc/passwd"}, "must be a path, an http"),
        ({"prompt": "x", "image": "data:image/png;base64,AAA"}, "not base64"),
        ({"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "cat.png"}}]},
                       {"role": "user", "content": "x"}]}, "message 1: only a user's message"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio",
                        "input_audio": {"data": WAV64, "format": "aiff"}}]}]}, "format must be wav, mp3"),
        ({"messages": [{"role": "user", "content": [{"type": "video_url"}]}]}, "must be of type text, image_url"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(entry: Any, words: str) -> None:
    with pytest.raises(DatasetError, match=words) as found:
        items({"prompt": "fine"}, entry)
    assert str(found.value).startswith("a.jsonl, line 2: ")
    assert "secret" not in str(found.value)


def test_nobody_else_reads_paths() -> None:
    with pytest.raises(DatasetError, match="names a file, which cannot be read here"):
        read_dataset("a.jsonl", b'{"prompt": "x", "image": "cat.png"}')


def test_all_of_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ALL_TEXT_BYTES", 3 * len(PNG64) // 2)
    with pytest.raises(DatasetError, match="of text, images and audio"):
        items({"prompt": "a", "image": "cat.png"}, {"prompt": "b", "image": "cat.png"})
