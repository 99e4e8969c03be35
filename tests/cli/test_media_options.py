"""Images and sounds from the command line: what is sent, what is refused, and that a replay sends it again."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.cli import EXIT_USAGE
from tests.cli.conftest import Cli
from tests.loadgen.servers import simulator as server

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 24
QUICK = ("--model", "m", "--requests", "4", "--seed", "3", "--quiet")


def parts(log: Path) -> list[list[dict[str, Any]]]:
    """The contents of the last message of every request, in one order."""
    bodies = [json.loads(line)["body"] for line in log.read_text().splitlines()]
    return sorted((body["messages"][-1]["content"] for body in bodies), key=json.dumps)


@pytest.mark.parametrize(
    ("options", "types"),
    [
        (("--image", "cat.png", "--prompt", "what is this?"), ["image_url", "text"]),
        (
            ("--images", "2", "--image-size", "8x6", "--audio-seconds", "0.1", "--input-tokens", "8"),
            ["image_url", "image_url", "input_audio", "text"],
        ),
    ],
    ids=["given", "made up"],
)
def test_what_is_shown_is_sent_and_sent_again_by_a_replay(
    options: tuple[str, ...], types: list[str], cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "cat.png").write_bytes(PNG)
    sent = []
    for name in ("before", "after"):
        more = (*options, "--output", "before") if name == "before" else ("--replay", "before", "--output", "after")
        log = tmp_path / f"{name}.jsonl"
        with server("--ttft-ms", "1", "--itl-ms", "0", "--tokens", "2", "--requests-log", str(log)) as port:
            done = cli("bench", "--base-url", f"http://127.0.0.1:{port}/v1", *QUICK[:2], *more, "--quiet",
                       *(QUICK[2:6] if name == "before" else ()))  # fmt: skip
        assert done.returncode == 0, done.stderr
        sent.append([content for content in parts(log) if isinstance(content, list)])
    assert [[part["type"] for part in content] for content in sent[0]] == [types] * 4
    assert sent[1] == sent[0]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--image", "cat.png"), "--image, --audio: needs --prompt"),
        (("--images", "1", "--prompt", "x"), "--images, --audio-seconds: needs made-up prompts"),
        (("--image-size", "8x8"), "--image-size: needs --images"),
        (("--images", "1", "--image-size", "big"), "give WIDTHxHEIGHT in pixels"),
        (("--images", "0"), "--images"),
        (("--image", "none.png", "--prompt", "x"), "--image: 'none.png' cannot be read: No such file"),
        (("--image", "/dev/zero", "--prompt", "x"), "is not a file"),
        (("--image", "cat.png", "--prompt", "x", "--provider", "deepseek"), "takes no images"),
        (("--audio-seconds", "1", "--provider", "anthropic"), "takes no audio"),
    ],
)
def test_what_cannot_be_shown_is_refused(options: tuple[str, ...], says: str, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(PNG)
    done = cli("bench", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--requests", "1", *options)
    assert (done.returncode, done.stdout) == (EXIT_USAGE, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
