"""A real Prometheus, Debian's, as `ops/dev/prometheus.sh` provides it."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

ROOT = Path(__file__).parents[2]
START_TIMEOUT_SECONDS = 60.0
_PATH = f"{ROOT / '.tools' / 'usr' / 'bin'}{os.pathsep}{os.environ['PATH']}"
PROMETHEUS = shutil.which("prometheus", path=_PATH)
PROMTOOL = shutil.which("promtool", path=_PATH)


class Prometheus:
    """A server that scrapes every half second with a bearer token, with the project's recording rules.

    `target` is the API, `nodes` stands for a worker and a scheduler.
    """

    def __init__(self, folder: Path, target: str, token: str, nodes: str) -> None:
        assert PROMETHEUS is not None
        (folder / "token").write_text(token)
        config = yaml.safe_load((ROOT / "ops" / "prometheus" / "prometheus.yml").read_text())
        config["global"] |= {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "1s"}
        config["rule_files"] = [str(ROOT / "ops" / "prometheus" / "rules.yml")]
        jobs = {job["job_name"]: job for job in config["scrape_configs"]}
        for name, address in {"llm-test-bench": target, "llm-test-bench-worker": nodes}.items():
            del jobs[name]["dns_sd_configs"]
            jobs[name]["static_configs"] = [{"targets": [address]}]
            jobs[name]["authorization"]["credentials_file"] = str(folder / "token")
        config["scrape_configs"] = [jobs["llm-test-bench"], jobs["llm-test-bench-worker"]]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                PROMETHEUS,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
        self._log_path = folder / "log"
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def instant(self, query: str) -> list[dict[str, Any]]:
        """The series that a query gives now."""
        return self._ask("/api/v1/query", query=query)

    def over_time(self, query: str, seconds: float) -> list[dict[str, Any]]:
        """The series that a query gives over the last seconds, second by second."""
        now = time.time()
        return self._ask("/api/v1/query_range", query=query, start=now - seconds, end=now, step=1)

    def wait_for(self, query: str) -> None:
        """Return once a query gives something."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self._log_path.read_text()
            try:
                if self.instant(query):
                    return
            except httpx.TransportError:
                pass  # it has not begun to listen
            time.sleep(0.1)  # nothing to wait on: it scrapes when it scrapes
        raise AssertionError(f"{query} gave nothing:\n{self._log_path.read_text()[-3000:]}")

    def _ask(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        answer = self._client.post(path, data=parameters)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:  # it is starting
            return []
        body = answer.json()
        assert body["status"] == "success", body
        assert not body.get("warnings"), body
        found: list[dict[str, Any]] = body["data"]["result"]
        return found
