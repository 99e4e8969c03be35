"""The commands that the dashboard prints, read by a real shell: each makes the spec that was in the form.

`printed_commands.json` is written by the dashboard's own tests (`golden.test.ts`), which hold it against the code.
"""

import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.benchmarks.schemas import BenchmarkSpec
from tests.cli.conftest import Cli

PRINTED = json.loads(Path(__file__).with_name("printed_commands.json").read_text())
PROGRAM = """#!/bin/sh
printf '%s\\0' "$@" > "$SEEN/arguments"
cat > "$SEEN/input"
"""


@pytest.fixture
def shell(tmp_path: Path) -> Any:
    """Runs a command whose programs only note what they are given."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("llm-test-bench", "curl"):
        (programs / name).write_text(PROGRAM)
        (programs / name).chmod(0o755)

    def run(command: str) -> tuple[list[str], str]:
        env = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "SEEN": str(tmp_path),
            "LLM_TEST_BENCH_API_KEY": "ltb_secret",
        }
        done = subprocess.run(
            ["sh", "-eu", "-c", command],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        arguments = (tmp_path / "arguments").read_bytes().decode().split("\0")[:-1]
        return arguments, (tmp_path / "input").read_text()

    return run


def whole(spec: dict[str, Any]) -> dict[str, Any]:
    return BenchmarkSpec.model_validate(spec).model_dump(mode="json")


@pytest.mark.parametrize("position", range(len(PRINTED)))
def test_each_form_is_the_same_spec(position: int, shell: Any, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = PRINTED[position]
    expected = whole(printed["spec"])
    arguments, text = shell(printed["cli"])
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    done = cli(*arguments, "--print-spec")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected

    for form in ("curl", "graphql"):
        arguments, _ = shell(printed[form])
        assert "Authorization: Bearer ltb_secret" in arguments
        body = json.loads(arguments[arguments.index("--data-binary") + 1])
        assert whole(body if form == "curl" else body["variables"]["spec"]) == expected
    assert all("ltb_" not in printed[form] for form in ("cli", "curl", "graphql"))
