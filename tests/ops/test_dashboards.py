"""Every query of every dashboard, asked of a real Prometheus that scraped the real service during a benchmark."""

import asyncio
import importlib.util
import json
import math
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app.monitoring.scrape_server import serving_scrapes
from tests.e2e.processes import Program
from tests.ops.nodes import nodes_exposition
from tests.ops.prometheus import PROMETHEUS, ROOT, Prometheus

GRAFANA = ROOT / "ops" / "grafana"
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))}
PANELS = [
    (name, panel) for name, dashboard in DASHBOARDS.items() for panel in dashboard["panels"] if panel["type"] != "text"
]
TOKEN = "a-token-only-for-the-scraper"
RUN_LIMIT_SECONDS = 60.0


def ids(value: object) -> str | None:
    return value if isinstance(value, str) else str(value["title"]) if isinstance(value, dict) else None


def test_there_are_the_five_dashboards() -> None:
    assert set(DASHBOARDS) == {"overview", "benchmarks", "providers", "evaluation", "api"}


def test_the_files_are_what_make_writes() -> None:
    spec = importlib.util.spec_from_file_location("grafana_make", GRAFANA / "make.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    for name, content in made.documents().items():
        assert (GRAFANA / "dashboards" / name).read_text() == content, "run: python ops/grafana/make.py"


def test_dashboards_can_be_told_apart_and_choose_their_source() -> None:
    assert len({dashboard["uid"] for dashboard in DASHBOARDS.values()}) == len(DASHBOARDS)
    assert len({dashboard["title"] for dashboard in DASHBOARDS.values()}) == len(DASHBOARDS)
    for name, dashboard in DASHBOARDS.items():
        variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
        assert variables["datasource"]["type"] == "datasource", name
        assert variables["datasource"]["query"] == "prometheus", name
        used = set(re.findall(r"\$\{?(\w+)", json.dumps(dashboard))) - {"__rate_interval", "__range", "__all", "1"}
        assert used == set(variables), name


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=ids)
def test_a_panel_is_whole(name: str, panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["title"]
    place = panel["gridPos"]
    assert place["x"] + place["w"] <= 24
    for source in (panel["datasource"], *(target["datasource"] for target in panel["targets"])):
        assert source == {"type": "prometheus", "uid": "${datasource}"}
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_do_not_lie_on_each_other(name: str) -> None:
    panels = DASHBOARDS[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))


class _Service(Program):
    """The service with one priced provider, and the scraper's token in a file."""

    def __init__(self, folder: Path) -> None:
        (folder / "token").write_text(TOKEN + "\n")
        (folder / "config.toml").write_text(
            f'[server]\nport = 0\n[demo]\nenable = false\n[monitoring]\nmetrics_token = "{TOKEN}"\n'
            '[[providers.prices]]\nkind = "openai-compatible"\nmodel = "m*"\ninput = "1"\noutput = "2"\n'
            "as_of = 2026-01-01\n"
        )
        super().__init__("-m", "app.cli", "serve", folder=folder)
        self.url = self.wait_for(r"is ready: (http://\S+)")[1]
        self._client = httpx.Client(base_url=f"{self.url}/api/v1", timeout=30)
        password = (folder / "data" / "admin-password").read_text().strip()
        self._post("/auth/login", {"username": "admin", "password": password})

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._client.post(path, json=body, headers={"Origin": self.url})
        assert answer.is_success, answer.text
        if "access_token" in (found := answer.json()):
            self._client.headers["Authorization"] = f"Bearer {found['access_token']}"
        return dict(found)

    def measure(self, base_url: str) -> None:
        """Run a benchmark of a few seconds to its end."""
        self._post("/providers", {"name": "sim", "kind": "openai-compatible", "base_url": base_url})
        spec = {
            "name": "dashboards",
            "targets": [{"provider": "sim", "model": "m"}],
            "workload": {"kind": "synthetic", "input_tokens": 20, "output_tokens": 20, "words_per_token": 1.0},
            "load": {"kind": "closed", "concurrency": 8},
            "stop": {"duration_seconds": 4},
        }
        session_id = self._post("/benchmarks", spec)["id"]
        deadline = time.monotonic() + RUN_LIMIT_SECONDS
        while (status := self._client.get(f"/benchmarks/{session_id}").json()["status"]) in {"pending", "running"}:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert status == "completed"

    def close(self) -> None:
        self._client.close()


@contextmanager
def _nodes() -> Iterator[str]:
    """The address of what stands for workers and a scheduler: their own page, over their own server."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = serving_scrapes(nodes_exposition, "127.0.0.1", 0, SecretStr(TOKEN))
    try:
        address = asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(30)
        yield address.removeprefix("http://").removesuffix("/metrics")
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has seen a service before, during and after a benchmark in which some requests fail."""
    if PROMETHEUS is None:
        pytest.skip("no Prometheus; run ops/dev/prometheus.sh")
    folder = tmp_path_factory.mktemp("observed")
    (folder / "prometheus").mkdir()
    options = "--port 0 --ttft-ms 30 --itl-ms 2 --tokens 20 --reasoning 5 --error-rate 0.1 --errors http_500,cut"
    with Program("-m", "app.simulator", *options.split()) as simulator, _Service(folder) as service:
        target = service.url.removeprefix("http://")
        with _nodes() as nodes, Prometheus(folder / "prometheus", target, TOKEN, nodes) as server:
            server.wait_for('up{job="llm-test-bench"} == 1')
            server.wait_for('up{job="llm-test-bench-worker"} == 1')
            port = json.loads(simulator.wait_for(r"{.*}")[0])["port"]
            service.measure(f"http://127.0.0.1:{port}/v1")
            server.wait_for("llm_benchmark_total == 1")
            yield server
        service.close()


def substituted(query: str) -> str:
    """A query as Grafana sends it, with everything chosen."""
    for name, value in {
        "__rate_interval": "20s",
        "__range": "300s",
        "provider": ".*",
        "model": ".*",
        "instance": ".*",
    }.items():
        query = query.replace(f"${name}", value)
    assert "$" not in query.replace("${1}xx", ""), query
    return query


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=ids)
def test_every_query_of_a_panel_gives_data(prometheus: Prometheus, name: str, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        query = substituted(target["expr"])
        if target["instant"]:
            found = [float(series["value"][1]) for series in prometheus.instant(query)]
        else:
            found = [float(value) for series in prometheus.over_time(query, 60) for _, value in series["values"]]
        assert any(math.isfinite(value) for value in found), f"{query} gave {found[:5]}"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_labels_of_a_legend_are_in_the_data(prometheus: Prometheus, name: str) -> None:
    for panel in DASHBOARDS[name]["panels"]:
        for target in panel.get("targets", ()):
            wanted = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            for series in prometheus.over_time(substituted(target["expr"]), 60) if wanted else ():
                assert wanted <= set(series["metric"]), target["expr"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_there_is_something_to_choose(prometheus: Prometheus, name: str) -> None:
    for variable in DASHBOARDS[name]["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            assert asked is not None
            assert prometheus.instant(f"count by ({asked[2]}) ({substituted(asked[1])})")


def test_what_was_measured_adds_up(prometheus: Prometheus) -> None:
    def value(query: str) -> float:
        (series,) = prometheus.instant(query)
        return float(series["value"][1])

    ok, failed = value('llm_test_total{status="ok"}'), value('llm_test_total{status="error"}')
    assert ok > 50
    assert failed > 0
    assert value('llm_provider_requests_total{provider="sim"}') == ok + failed
    assert value("sum(llm_provider_errors_total)") == failed
    assert value('llm_provider_ttft_seconds_count{provider="sim", model="m"}') == ok
    assert value('llm_provider_tokens_total{type="output"}') == 20 * ok
    assert 0.025 < value("llm_provider_ttft_seconds_sum / llm_provider_ttft_seconds_count") < 10, "30 ms, in seconds"
    assert value("max(scrape_duration_seconds)") < 5
