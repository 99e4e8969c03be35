"""The two servers, started on a free port of this machine and ended with their block."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

START_SECONDS = 120.0
STOP_SECONDS = 20.0
SLOTS = 4


def llama_server(folder: Path, model: Path, port: int) -> list[str]:
    """llama.cpp's own; each of its slots has a part of the context."""
    context = str(1024 * SLOTS)
    own = ["--parallel", str(SLOTS), "--ctx-size", context, "--threads", "1", "--threads-http", "4", "--no-webui"]
    return [str(folder / "build/bin/llama-server"), "--model", str(model), "--port", str(port), *own]


def python_server(folder: Path, model: Path, port: int) -> list[str]:
    """llama-cpp-python's; one request at a time, and by default a new one breaks off the one under way."""
    own = ["--n_ctx", "1024", "--n_threads", "1", "--n_threads_batch", "1", "--interrupt_requests", "false"]
    command = [str(folder / "venv/bin/python"), "-m", "llama_cpp.server", "--model", str(model), "--port", str(port)]
    return [*command, *own, "--verbose", "false"]


SERVERS = {"llama.cpp": llama_server, "llama-cpp-python": python_server}


@contextlib.contextmanager
def running(name: str, folder: Path, model: Path) -> Iterator[str]:
    """Its address, once it lists its models.

    Raises:
        RuntimeError: it ended, or did not answer in time; with the end of its log.
    """
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    command = [*SERVERS[name](folder, model, port), "--host", "127.0.0.1"]
    log = folder / f"{name}.log"
    environment = os.environ | environment_of(folder)
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment) as process,
    ):
        try:
            _wait(process, f"http://127.0.0.1:{port}", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def environment_of(folder: Path) -> dict[str, str]:
    """Where the Python package finds the libraries."""
    return {"LLAMA_CPP_LIB_PATH": str(folder / "build/bin")}


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/v1/models", timeout=5, trust_env=False).is_success:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{process.args!r} does not answer:\n{log.read_text(errors='replace')[-2000:]}")
