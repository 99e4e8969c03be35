import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from app.cli import main
from tests.cli.command import PYTHON


class Outcome(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class Cli(Protocol):
    def __call__(self, *arguments: str | Path, env: Mapping[str, str] | None = None) -> Outcome: ...


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """`main()` in this process and an empty folder: a second faster than `tests.cli.command.run`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")
    for name in os.environ:
        if name.startswith(("LTB_", "LLM_TEST_BENCH_")):
            monkeypatch.delenv(name)

    def invoke(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Outcome:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["llm-test-bench", *map(str, arguments)])
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            capsys.readouterr()
            with pytest.raises(SystemExit) as stop:
                main()
        output = capsys.readouterr()
        return Outcome(int(stop.value.code or 0), output.out, output.err)

    return invoke


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a simulator: first token after 20 ms, then nine more 5 ms apart."""
    options = "--port 0 --ttft-ms 20 --itl-ms 5 --tokens 10"
    process = subprocess.Popen(
        [*PYTHON, "-m", "app.simulator", "--exit-with-stdin", *options.split()],
        cwd=tmp_path_factory.mktemp("simulator"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}/v1"
    finally:
        process.terminate()
        process.wait(10)
        process.stdin.close()
        process.stdout.close()
