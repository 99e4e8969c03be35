"""The README's table of metrics is what a scrape has."""

import re
from pathlib import Path

from app.monitoring.metrics import Metrics
from tests.ops.nodes import nodes_exposition

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def families(exposition: bytes) -> set[str]:
    return {name for name in re.findall(r"^# TYPE (\S+)", exposition.decode(), re.MULTILINE) if "llm_" in name}


def test_the_readme_lists_every_metric_with_its_labels() -> None:
    table = README.partition("### Metrics")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`llm_.*?) \| (.*?) \|", table, re.MULTILINE)
    listed = {
        name: set(re.findall(r"`(\w+)`", labels)) for names, labels in rows for name in re.findall(r"`(\w+)`", names)
    }
    metrics = Metrics("1")
    told = families(metrics.exposition())
    of_nodes = families(nodes_exposition())
    assert set(listed) == told | {name for name in of_nodes if name.startswith("llm_trace_")}
    # Of those of workers and the scheduler, the text has the names, shortened behind the first of each kind.
    for name in of_nodes - set(listed):
        kind, _, rest = name.removeprefix("llm_").partition("_")
        assert f"`{name}`" in table or f"`_{rest}`" in table or f"`llm_{kind}_{rest}{{" in table, name
    labels = {family.name: set(family.labels) for family in metrics.families()}
    assert {name: listed[name] for name in labels} == labels
