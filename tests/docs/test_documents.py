import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from app.adapters import registry
from app.api import openapi_document
from app.cli import COMMANDS, load_command
from app.core.http import API_PREFIX
from app.core.settings import load_settings
from app.main import create_app
from tests.docs.settings_table import README, rewritten

ROOT = README.parent
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_lists_every_setting_as_it_is() -> None:
    assert rewritten(text("README.md")) == text("README.md"), "run: python -m tests.docs.settings_table"


@pytest.mark.parametrize("kind", registry.names())
def test_the_readme_lists_every_kind_of_provider(kind: str) -> None:
    table = text("README.md").partition("### Providers")[2].partition("###")[0]
    assert f"`{kind}`" in table


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_lists_every_command(name: str) -> None:
    for command in leaves(name, load_command(name)):
        assert f"`llm-test-bench {command}`" in text("README.md")


def leaves(path: str, command: Any) -> Iterator[str]:
    children = getattr(command, "commands", None)
    if not children:
        yield path
    for name, child in (children or {}).items():
        yield from leaves(f"{path} {name}", child)


def test_every_command_line_in_the_readme_parses() -> None:
    lines = re.sub(r"\\\n\s*", " ", text("README.md")).splitlines()
    examples = [line.strip() for line in lines if line.strip().startswith("llm-test-bench ")]
    assert len(examples) >= 4
    for example in examples:
        words = shlex.split(example, comments=True)
        command = load_command(words[1])
        arguments = words[2:]
        while getattr(command, "commands", None):
            command, arguments = command.commands[arguments[0]], arguments[1:]
        command.make_context(words[1], arguments).close()


def test_the_readme_lists_every_group_of_routes() -> None:
    paths = openapi_document(create_app(load_settings()))["paths"]
    groups = {path.removeprefix(API_PREFIX).split("/")[1] for path in paths if path.startswith(API_PREFIX)}
    assert sorted(group for group in groups if f"| `/{group}` |" not in text("README.md")) == []


def test_contributing_lists_every_room() -> None:
    rooms = {path.name for path in (ROOT / "app").iterdir() if (path / "__init__.py").is_file()}
    assert sorted(room for room in rooms if f"`app/{room}`" not in text("CONTRIBUTING.md")) == []


def test_every_path_that_a_document_names_exists() -> None:
    named = set()
    for document in DOCUMENTS:
        named |= set(re.findall(r"`((?:app|web|tests|migrations|ops|benches)/[\w./-]*)`", text(document)))
        named |= set(re.findall(r"\]\((?!https?:)([^)#]+)\)", text(document)))
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_every_result_field_is_explained() -> None:
    from app.benchmarks.result_lines import LINE_FIELDS  # noqa: PLC0415

    explained = set(re.findall(r"`([\w*]+)`", text("README.md").split("## Result files")[1].split("## Commands")[0]))
    plain = {
        "index",
        "response_id",
        "provider",
        "model",
        "http_status",
        "finish_reason",
        "attempts",
        "clock",
        "trace_id",
    }
    for name in LINE_FIELDS:
        twin = name.endswith("_from_intended_ms")
        assert name in explained or name in plain or twin or name.endswith("_ns"), name
