"""What others wrote is printed, and a terminal obeys none of it."""

import io
import re

import pytest
from rich.table import Table
from rich.text import Text

from app.cli.plain import plain
from app.cli.provider_views import show_health
from app.cli.terminal import Console

HOSTILE = "\x1b]52;c;cm0gLXJmIH4=\x07name\x1b[2J\x9b1m\r\x08\u202ecod.exe\ud800"
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def test_no_text_reaches_the_terminal_as_a_command() -> None:
    file = io.StringIO()
    console = Console(file=file, width=200)
    table = Table(HOSTILE)
    table.add_row(HOSTILE, style="red")
    for what in (HOSTILE, Text(HOSTILE, style="bold"), table):
        console.print(what)
    assert not _OBEYED.search(file.getvalue())
    assert "name" in file.getvalue()


def test_colours_and_lines_are_the_consoles_own() -> None:
    file = io.StringIO()
    Console(file=file, force_terminal=True, color_system="standard").print(
        Text("one\ntwo \U0001f468\u200d\U0001f469", "red")
    )
    assert file.getvalue() == "\x1b[31mone\x1b[0m\n\x1b[31mtwo \U0001f468\u200d\U0001f469\x1b[0m\n"


def test_what_a_model_said_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    completion = {"model": "m", "text": HOSTILE, "cost_usd": None}
    health = {"latency_ms": 1.0, "status": "ok", "auth": "ok", "message": HOSTILE, "completion": completion}
    show_health("one", health)
    shown = capsys.readouterr().out
    assert not _OBEYED.search(shown)
    assert plain(HOSTILE) in shown
