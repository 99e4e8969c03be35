"""The configuration and rules of Prometheus, by its own tools."""

import re
import subprocess

import pytest
import yaml

from app.monitoring.metrics import Metrics
from tests.ops.nodes import nodes_exposition
from tests.ops.prometheus import PROMTOOL, ROOT

FOLDER = ROOT / "ops" / "prometheus"
RULES = yaml.safe_load((FOLDER / "rules.yml").read_text())
ALERTS = [rule["alert"] for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool; run ops/dev/prometheus.sh")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "--syntax-only", "--lint-fatal", "prometheus.yml"),
        ("check", "rules", "--lint=all", "--lint-fatal", "rules.yml"),
        ("test", "rules", "rules.test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_agrees(arguments: tuple[str, ...]) -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_been_seen_firing(alert: str) -> None:
    tests = yaml.safe_load((FOLDER / "rules.test.yml").read_text())["tests"]
    tried = [
        one["exp_alerts"] for test in tests for one in test.get("alert_rule_test", ()) if one["alertname"] == alert
    ]
    assert any(tried), "never seen firing"


def every_family() -> str:
    """Of the API, of workers and of the scheduler."""
    return Metrics("1").exposition().decode() + nodes_exposition().decode()


def test_alerts_ask_for_metrics_that_exist() -> None:
    told = set(re.findall(r"^# TYPE (\S+)", every_family(), re.MULTILINE))
    recorded = {rule["record"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule}
    for group in RULES["groups"]:
        for rule in group["rules"]:
            for name in re.findall(r"\b(llm[_:][\w:]+)", rule["expr"]):
                assert name in recorded or re.sub(r"_(bucket|sum|count)$", "", name) in told, name
