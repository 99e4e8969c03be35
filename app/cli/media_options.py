"""The options that say which images and sounds are sent → parts of a spec. Here, and only here, paths are read."""

import re
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.adapters.media import MAX_MEDIA_BYTES, Media, MediaError
from app.benchmarks.content_parts import written
from app.cli.usage import UsageProblem
from app.datasets.entry_media import MediaReader

if TYPE_CHECKING:
    from app.cli.bench_spec import BenchOptions

_SIZE = re.compile(r"(\d{1,5})[xX](\d{1,5})")


def opener(folder: Path) -> Callable[[str], bytes]:
    """Reads a regular file by its path, relative ones from `folder` on."""

    def open_file(name: str) -> bytes:
        try:
            path = folder / Path(name).expanduser()
            if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device would never end
                raise MediaError("is not a file")
            with path.open("rb") as file:
                return file.read(MAX_MEDIA_BYTES + 1)
        except (OSError, ValueError, RuntimeError) as error:
            if isinstance(error, MediaError):
                raise
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise MediaError(f"cannot be read: {reason}") from None

    return open_file


def shown(options: "BenchOptions") -> list[Media]:
    """What `--image` and `--audio` name.

    Raises:
        UsageProblem: naming the option.
    """
    reader = MediaReader(opener(Path()))
    found = []
    for option, kind, names in (("--image", "image", options.image), ("--audio", "audio", options.audio)):
        for name in names:
            try:
                found.append(reader.media(name, "image" if kind == "image" else "audio"))
            except MediaError as error:
                raise UsageProblem([f"{option}: {error}"]) from None
    return found


def asked_with(prompt: str, media: list[Media]) -> dict[str, Any]:
    """The workload of a prompt with images and sounds before it."""
    message = {"role": "user", "content": written((*media, prompt))}
    return {"kind": "list", "prompts": [{"messages": [message]}]}


def made_up(options: "BenchOptions") -> dict[str, Any]:
    """The fields `images` and `audio` of made-up prompts.

    Raises:
        UsageProblem: a size is none.
    """
    fields: dict[str, Any] = {}
    if options.images is not None:
        fields["images"] = {"count": options.images, **_size(options.image_size)}
    if options.audio_seconds is not None:
        fields["audio"] = {"seconds": options.audio_seconds}
    return fields


def misfits(options: "BenchOptions", *, makes_up: bool) -> Iterable[str]:
    """Options that do not go together; `makes_up`: prompts are made up, each a single message of its own."""
    if (options.image or options.audio) and (options.prompt is None or options.embeddings):
        yield "--image, --audio: needs --prompt (in a --dataset, entries name their own) and no --embeddings"
    if (options.images is not None or options.audio_seconds is not None) and not makes_up:
        yield "--images, --audio-seconds: needs made-up prompts, without --turns, --prefix-tokens and --embeddings"
    if options.image_size is not None and options.images is None:
        yield "--image-size: needs --images"


def _size(text: str | None) -> dict[str, int]:
    if text is None:
        return {}
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise UsageProblem([f"--image-size: {text!r} is no size; give WIDTHxHEIGHT in pixels, such as 512x512"])
    return {"width": int(found[1]), "height": int(found[2])}
