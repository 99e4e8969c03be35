"""Where traces go: `[telemetry]` first, OpenTelemetry's own variables where it is silent."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import ConfigError
from app.core.settings import load_settings
from app.monitoring.trace_config import TraceConfig, trace_config
from app.monitoring.tracing import new_tracer

URL = "http://127.0.0.1:4318"


def config(environment: dict[str, str] | None = None, **telemetry: Any) -> TraceConfig | None:
    return trace_config(load_settings(telemetry=telemetry).telemetry, "server", environment or {})


def found(environment: dict[str, str] | None = None, **telemetry: Any) -> TraceConfig:
    config_ = config(environment, **telemetry)
    assert config_ is not None
    return config_


def test_nothing_is_exported_unless_asked() -> None:
    assert config() is None
    assert config(traces_endpoint=URL, sample_ratio=0) is None
    assert config({"OTEL_SDK_DISABLED": "true"}, traces_endpoint=URL) is None
    assert config({"OTEL_EXPORTER_OTLP_ENDPOINT": URL, "OTEL_TRACES_EXPORTER": "none"}) is None
    assert config({"OTEL_TRACES_SAMPLER": "always_off"}, traces_endpoint=URL) is None


def test_the_usual_path_is_added() -> None:
    assert found(traces_endpoint=URL).endpoint == f"{URL}/v1/traces"
    assert found(traces_endpoint=f"{URL}/otlp/mine").endpoint == f"{URL}/otlp/mine"
    assert found({"OTEL_EXPORTER_OTLP_ENDPOINT": f"{URL}/api/"}).endpoint == f"{URL}/api/v1/traces"
    both = {"OTEL_EXPORTER_OTLP_ENDPOINT": URL, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{URL}/t"}
    assert found(both).endpoint == f"{URL}/t"


def test_settings_win_over_variables(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("Bearer abc\n")
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://other:4318",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=a%20b,authorization=old",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.25",
        "OTEL_RESOURCE_ATTRIBUTES": "team=red,zone=1",
        "OTEL_SERVICE_NAME": "theirs",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "TENANT": "t",
    }
    alone = found(variables)
    assert (alone.sample_ratio, alone.timeout_seconds, alone.compression) == (0.25, 2.5, True)
    assert alone.headers == {"x-tenant": "a b", "authorization": "old"}
    assert (alone.resource["service.name"], alone.resource["team"]) == ("theirs", "red")
    both = found(
        variables,
        traces_endpoint=URL,
        headers={"authorization": f"file:{tmp_path / 'token'}", "x-other": "env:TENANT"},
        sample_ratio=0.5,
        timeout_seconds=3,
        service_name="ours",
        resource_attributes={"team": "blue"},
    )
    assert (both.endpoint, both.sample_ratio, both.timeout_seconds) == (f"{URL}/v1/traces", 0.5, 3)
    assert both.headers == {"x-tenant": "a b", "authorization": "Bearer abc", "x-other": "t"}
    assert [both.resource[name] for name in ("service.name", "team", "zone")] == ["ours", "blue", "1"]


@pytest.mark.parametrize(
    ("telemetry", "words"),
    [
        ({"traces_endpoint": "collector:4317"}, "must be http://host"),
        ({"traces_endpoint": "http://user:secret@host"}, "without credentials"),
        ({"headers": {"bad name": "x"}}, "not a header"),
        ({"headers": {"Host": "x"}}, "not a header"),
        ({"headers": {"a": "x\r\nb: c"}}, "visible ASCII"),
        ({"headers": {"a": "file:token"}}, "absolute path"),
        ({"sample_ratio": 1.5}, "less than or equal to 1"),
        ({"trace_url": "https://jaeger/trace"}, "must contain {trace_id}"),
        ({"trace_url": "https://jaeger/{trace_id}/{user}"}, "no other braces"),
        ({"trace_url": "https://jaeger/{trace_id"}, "brace"),
        ({"trace_url": "https://jaeger/{trace_id.__class__}"}, "no other braces"),
        ({"trace_url": "javascript:{trace_id}"}, "must start with http"),
    ],
)
def test_wrong_settings_are_named(telemetry: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match="telemetry") as caught:
        load_settings(telemetry=telemetry)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' is not supported"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "host:4317"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"OTEL_TRACES_SAMPLER": "jaeger_remote"}, "OTEL_TRACES_SAMPLER"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"}, "set telemetry.sample_ratio"),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"}, "OTEL_EXPORTER_OTLP_TIMEOUT"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "team"}, "OTEL_RESOURCE_ATTRIBUTES"),
    ],
)
def test_wrong_variables_are_named(
    variables: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": URL} | variables
    with pytest.raises(ConfigError) as caught:
        config(given)
    assert words in str(caught.value)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert new_tracer(load_settings(), "server") is None  # they may be meant for others: no reason not to start


def test_references_that_name_nothing_are_refused(tmp_path: Path) -> None:
    for value in ("env:NOT_SET", f"file:{tmp_path / 'none'}"):
        with pytest.raises(ConfigError, match=r"telemetry.headers: authorization"):
            config({}, traces_endpoint=URL, headers={"authorization": value})


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("opentelemetry.proto", "app.monitoring.otlp"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "app.monitoring.span_delivery", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.proto", None)
    monkeypatch.delattr("app.monitoring.otlp", raising=False)
    monkeypatch.delattr("app.monitoring.span_delivery", raising=False)
    with pytest.raises(ConfigError, match=r"telemetry.traces_endpoint: needs .* pip install 'llm-test-bench\[otel\]'"):
        new_tracer(load_settings(telemetry={"traces_endpoint": URL}), "server")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", URL)
    assert new_tracer(load_settings(), "server") is None


def test_the_engine_knows_nothing_of_it() -> None:
    code = (
        "import sys, app.engine; sys.exit(any(n.startswith(('opentelemetry', 'google.protobuf')) for n in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
