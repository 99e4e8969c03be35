"""The README's table of metrics is what a scrape has."""

import re
from pathlib import Path

from app.monitoring.metrics import Metrics

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_readme_lists_every_metric_with_its_labels() -> None:
    table = README.partition("### Metrics")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`llm_.*?) \| (.*?) \|", table, re.MULTILINE)
    listed = {
        name: set(re.findall(r"`(\w+)`", labels)) for names, labels in rows for name in re.findall(r"`(\w+)`", names)
    }
    metrics = Metrics("1")
    told = {
        name for name in re.findall(r"^# TYPE (\S+)", metrics.exposition().decode(), re.MULTILINE) if "llm_" in name
    }
    assert set(listed) == told
    labels = {family.name: set(family.labels) for family in metrics.families()}
    assert {name: listed[name] for name in labels} == labels
