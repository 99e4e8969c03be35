"""README, "Add a provider in five minutes", done as it says, with the simulator as the vendor."""

import re
import shlex
from pathlib import Path

from tests.cli.conftest import Cli, cli
from tests.docs.test_documents import text
from tests.loadgen.servers import simulator

__all__ = ["cli"]
KEY = "acme-secret"


def test_the_section_works_as_written(cli: Cli, tmp_path: Path) -> None:
    section = text("README.md").partition("### Add a provider in five minutes")[2].partition("With `--server`")[0]
    (document,) = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    commands = [shlex.split(line, comments=True)[1:] for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
                for line in block.splitlines()]  # fmt: skip
    assert f"simulate --port 9000 --api-key {KEY}" in section
    assert len(commands) == 8
    with simulator("--ttft-ms", "1", "--itl-ms", "1", "--tokens", "5", "--api-key", KEY) as port:
        (tmp_path / "acme.toml").write_text(document.replace("127.0.0.1:9000", f"127.0.0.1:{port}"))
        for command in commands:
            if "--key-prompt" in command:
                continue  # a vendor that is not here
            here = [word.replace("127.0.0.1:9000", f"127.0.0.1:{port}") for word in command]
            done = cli(*here, env={"ACME_KEY": KEY})
            assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"
    assert "m said: " in done.stdout
