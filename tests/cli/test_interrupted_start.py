"""Ctrl-C while the command line is still loading."""

import os
import signal
import subprocess
import sys
from pathlib import Path

_SLOW = "import sys, time\nprint('loading', flush=True)\ntime.sleep(60)\n"


def test_it_ends_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text(_SLOW)  # what the command line loads first
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    command = [sys.executable, "-c", "from app.console import main; main()", "bench", "--model", "m"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGINT)
        assert (process.wait(30), process.stderr.read()) == (130, "")
