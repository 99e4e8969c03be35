import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from app.cli import COMMANDS, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, Invocation, _report, load_command
from app.core.errors import ConfigError, NotFoundError
from tests.cli.command import PYTHON, environment, run
from tests.cli.conftest import Cli

HEAVY = ("fastapi", "sqlalchemy", "numpy", "scipy", "rich", "httpx", "distributed", "pydantic_settings", "uvicorn")


def test_help_lists_every_command_and_an_example(tmp_path: Path) -> None:
    result = run("--help", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for name, command in COMMANDS.items():
        assert name in result.stdout
        assert command.summary in result.stdout
    assert "llm-test-bench simulate --port 9000" in result.stdout


def loaded(arguments: tuple[str, ...], folder: Path) -> str:
    """Which heavy packages the program has imported by its end."""
    code = (
        "import sys, app.cli\n"
        f"sys.argv[1:] = {list(arguments)!r}\n"
        "try: app.cli.main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run(
        [*PYTHON, "-c", code], cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    return result.stderr.strip()


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    assert loaded(("--help",), tmp_path) == "[]"


@pytest.mark.parametrize("arguments", [("serve",), ("simulate",), ("config", "show"), ("auth", "generate-key")])
def test_the_help_of_a_command_does_not_load_what_the_command_needs(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert loaded((*arguments, "--help"), tmp_path) == "[]"


def test_no_arguments_show_the_help(cli: Cli) -> None:
    result = cli()
    assert "Usage: llm-test-bench" in result.stdout + result.stderr
    assert result.returncode == EXIT_USAGE


def test_version(cli: Cli) -> None:
    result = cli("--version")
    assert (result.returncode, result.stdout.strip()) == (0, f"llm-test-bench {version('llm-test-bench')}")


def test_a_typo_gets_a_suggestion_and_exit_code_2(cli: Cli) -> None:
    result = cli("confg")
    assert result.returncode == EXIT_USAGE
    assert "Did you mean 'config'?" in result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_and_documents_each_option(name: str) -> None:
    command = load_command(name)
    for leaf in getattr(command, "commands", {"": command}).values():
        assert leaf.help, f"{name} {leaf.name} has no help"
        assert f"llm-test-bench {name}" in (leaf.epilog or ""), f"{name} {leaf.name} has no example"
        for parameter in leaf.params:
            assert parameter.help, f"{name} {leaf.name} {parameter.name} has no help"


def test_completion_offers_commands_and_the_options_of_one(tmp_path: Path) -> None:
    def complete(words: str) -> str:
        result = subprocess.run(
            [Path(sys.executable).with_name("llm-test-bench")],
            cwd=tmp_path,
            env=environment(
                {
                    "_LLM_TEST_BENCH_COMPLETE": "complete_bash",
                    "COMP_WORDS": f"llm-test-bench {words}",
                    "COMP_CWORD": str(len(words.split(" "))),
                }
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        return result.stdout

    assert set(complete("").split()) >= set(COMMANDS)
    assert "validate" in complete("config v")


def test_errors_become_exit_codes_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = Invocation()
    assert _report(ConfigError("server.port: bad", errors=[]), quiet) == EXIT_USAGE
    assert _report(NotFoundError("no such session"), quiet) == EXIT_FAILED
    assert _report(KeyboardInterrupt(), quiet) == EXIT_INTERRUPTED
    assert _report(PermissionError(13, "Permission denied", "/x"), quiet) == EXIT_FAILED
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["error: server.port: bad", "error: no such session", "error: /x: Permission denied"]


def test_an_unexpected_error_hints_at_debug_which_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert _report(ZeroDivisionError("oops"), Invocation()) == EXIT_FAILED
    assert "--debug" in capsys.readouterr().err
    assert _report(ZeroDivisionError("oops"), Invocation(debug=True)) == EXIT_FAILED
    assert "\nerror:" in capsys.readouterr().err  # behind the traceback
