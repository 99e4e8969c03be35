"""A disk that fills up under the embedded service: nothing is lost when there is room again."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.command import PYTHON, environment

DISK_BYTES = 24 * 2**20
LEFT_BYTES = 600 * 2**10
REQUESTS = 1500


def may_mount(folder: Path) -> bool:
    """Whether this user may have a small disk of their own."""
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    return (
        shutil.which("unshare") is not None
        and subprocess.run(command, check=False, capture_output=True).returncode == 0
    )


def until(holds: Callable[[], Any], what: str, seconds: float = 180.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.05)
    return answer


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A folder that `serve` sees as a disk of `DISK_BYTES`."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not may_mount(folder):
        pytest.skip("needs the right to mount a file system")
    return folder


@pytest.fixture
def service(disk: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """`serve` with its data on the small disk, and where its log is."""
    log = tmp_path / "serve.log"
    mount = f'mount -t tmpfs -o size={DISK_BYTES} tmpfs "{disk}" && exec "$@"'
    serve = [*PYTHON, "-m", "app.cli", "serve", "--port", "0", "--data-dir", str(disk / "data")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", mount, "sh", *serve],
            cwd=tmp_path,
            env=environment({"LTB_DEMO__ENABLE": "false", "PYTHONPATH": str(Path.cwd())}),
            stdout=output,
            stderr=output,
        )
    try:
        yield process, log
    finally:
        process.terminate()
        process.wait(40)


@pytest.mark.slow
def test_results_wait_until_there_is_room(
    service: tuple[subprocess.Popen[bytes], Path], disk: Path, simulator: str
) -> None:
    process, log = service
    ready = until(lambda: [line for line in log.read_text().splitlines() if "is ready: " in line], "the server")
    seen = Path(f"/proc/{process.pid}/root") / disk.relative_to("/")  # the disk, as that process sees it
    password = (seen / "data" / "admin-password").read_text().strip()
    with httpx.Client(base_url=ready[0].rsplit(" ", 1)[1] + "/api/v1", timeout=20) as client:
        token = client.post("/auth/login", json={"username": "admin", "password": password}).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        provider = {"name": "local", "kind": "openai-compatible", "base_url": simulator}
        client.post("/providers", json=provider).raise_for_status()
        free = os.statvfs(seen).f_bavail * os.statvfs(seen).f_frsize
        (seen / "ballast").write_bytes(b"\0" * (free - LEFT_BYTES))
        spec = {
            "name": "full",
            "targets": [{"provider": "local", "model": "m"}],
            "workload": {"kind": "prompt", "prompt": "hi"},
            "load": {"kind": "closed", "concurrency": 32},
            "stop": {"requests": REQUESTS},
        }
        made = client.post("/benchmarks", json=spec)
        assert made.status_code == 202, made.text
        path = f"/benchmarks/{made.json()['id']}"
        until(lambda: "disk is full" in log.read_text(), "the disk to be full")
        assert client.get(path).json()["status"] == "running"  # it answers, and the run goes on
        (seen / "ballast").unlink()
        found = until(lambda: answer if (answer := client.get(path).json())["status"] != "running" else None, "the end")
        assert (found["status"], found["error"]) == ("completed", None)
        assert found["summary"]["requests"]["total"] == REQUESTS
        exported = (
            client.get("/results/export", params={"session_id": made.json()["id"], "format": "jsonl"})
            .raise_for_status()
            .text
        )
    assert sorted(json.loads(line)["index"] for line in exported.splitlines()) == list(range(REQUESTS))
    told = log.read_text()
    assert "Traceback" not in told, told
    assert told.count("the database does not work") == 1, told
    assert told.count("wait to be stored") == 1, told
    assert told.count("are stored again") == 1, told
    # Of the rest a line each at most a minute: the heartbeat, the lease, the search for work.
    assert told.count("disk is full") <= 6, told
