"""Where traces go, out of `[telemetry]` and, where that is silent, OpenTelemetry's own variables. Pure.

Variables: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and
https://opentelemetry.io/docs/specs/otel/protocol/exporter/.
"""

import math
import os
import platform
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from pydantic import SecretStr

from app.core.errors import ConfigError
from app.core.ids import new_id
from app.core.telemetry_settings import TelemetrySettings, check_endpoint, check_headers, header_values
from app.core.version import service_version

DEFAULT_SERVICE = "llm-test-bench"
DEFAULT_TIMEOUT_SECONDS = 10.0
_PREFIX = "OTEL_EXPORTER_OTLP_"
_RATIO_SAMPLERS = {"traceidratio", "parentbased_traceidratio"}
_ON_SAMPLERS = {"", "always_on", "parentbased_always_on"}
_OFF_SAMPLERS = {"always_off", "parentbased_always_off"}


@dataclass(frozen=True)
class TraceConfig:
    """What the exporter needs. `is_asked_for` says that `[telemetry]` names the endpoint, not only the environment."""

    endpoint: str
    headers: Mapping[str, str]
    sample_ratio: float
    resource: Mapping[str, str]
    timeout_seconds: float
    queue_size: int
    flush_seconds: float
    compression: bool
    ca_file: Path | None
    server_spans: bool
    is_asked_for: bool = True


def trace_config(
    settings: TelemetrySettings, role: str, environment: Mapping[str, str] | None = None
) -> TraceConfig | None:
    """What is configured for this process, a `role` of the service; None when traces go nowhere.

    Raises:
        ConfigError: naming what is wrong.
    """
    given = dict(os.environ) if environment is None else environment
    if given.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    endpoint = settings.traces_endpoint
    if endpoint is None and given.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp":
        endpoint = _endpoint_of(given)
    if endpoint is None:
        return None
    protocol = given.get(f"{_PREFIX}TRACES_PROTOCOL") or given.get(f"{_PREFIX}PROTOCOL") or "http/protobuf"
    if settings.traces_endpoint is None and protocol != "http/protobuf":
        raise _wrong(f"{_PREFIX}PROTOCOL", f"{protocol!r} is not supported; traces are sent by http/protobuf")
    ratio = _ratio_of(given) if settings.sample_ratio is None else settings.sample_ratio
    if ratio == 0:
        return None
    timeout = settings.timeout_seconds
    if timeout is None:
        timeout = _timeout_of(given)
    ca_file = settings.ca_file or _path(given.get(f"{_PREFIX}TRACES_CERTIFICATE") or given.get(f"{_PREFIX}CERTIFICATE"))
    if ca_file is not None and not ca_file.is_file():
        raise _wrong("telemetry.ca_file", f"{ca_file} does not exist")
    compression = given.get(f"{_PREFIX}TRACES_COMPRESSION") or given.get(f"{_PREFIX}COMPRESSION") or "none"
    return TraceConfig(
        endpoint=endpoint,
        headers=_headers_of(settings, given),
        sample_ratio=ratio,
        resource=_resource_of(settings, given, role),
        timeout_seconds=timeout,
        queue_size=settings.queue_size,
        flush_seconds=settings.flush_seconds,
        compression=settings.compression or compression == "gzip",
        ca_file=ca_file,
        server_spans=settings.server_spans,
        is_asked_for=settings.traces_endpoint is not None,
    )


def _endpoint_of(given: Mapping[str, str]) -> str | None:
    name = f"{_PREFIX}TRACES_ENDPOINT"
    url = given.get(name)
    if not url:
        name = f"{_PREFIX}ENDPOINT"
        base = given.get(name)
        url = f"{base.rstrip('/')}/v1/traces" if base else None
    try:
        return check_endpoint(url)
    except ValueError as error:
        raise _wrong(name, str(error)) from None


def _headers_of(settings: TelemetrySettings, given: Mapping[str, str]) -> dict[str, str]:
    name = f"{_PREFIX}TRACES_HEADERS" if given.get(f"{_PREFIX}TRACES_HEADERS") else f"{_PREFIX}HEADERS"
    pairs = _pairs(name, given.get(name, ""))
    try:
        check_headers({key: SecretStr(value) for key, value in pairs.items()})
    except ValueError as error:
        raise _wrong(name, str(error)) from None
    try:
        return pairs | header_values(settings.headers, given)
    except ValueError as error:
        raise _wrong("telemetry.headers", str(error)) from None


def _ratio_of(given: Mapping[str, str]) -> float:
    sampler = given.get("OTEL_TRACES_SAMPLER", "").lower()
    if sampler in _ON_SAMPLERS:
        return 1.0
    if sampler in _OFF_SAMPLERS:
        return 0.0
    argument = given.get("OTEL_TRACES_SAMPLER_ARG") or "1"
    try:
        ratio = float(argument)
    except ValueError:
        ratio = math.nan
    if sampler not in _RATIO_SAMPLERS or not 0 <= ratio <= 1:
        raise _wrong(
            "OTEL_TRACES_SAMPLER",
            f"{sampler} with the argument {argument} is not known here; set telemetry.sample_ratio, 0 to 1",
        )
    return ratio


def _timeout_of(given: Mapping[str, str]) -> float:
    """Seconds, as OpenTelemetry for Python reads it; the specification's milliseconds would be hundreds and more."""
    name = f"{_PREFIX}TRACES_TIMEOUT" if given.get(f"{_PREFIX}TRACES_TIMEOUT") else f"{_PREFIX}TIMEOUT"
    text = given.get(name)
    if not text:
        return DEFAULT_TIMEOUT_SECONDS
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise _wrong(name, f"{text!r} is no time")
    return min(value if value < 500 else value / 1000, 300.0)


def _resource_of(settings: TelemetrySettings, given: Mapping[str, str], role: str) -> dict[str, str]:
    """See https://opentelemetry.io/docs/specs/semconv/resource/."""
    from_environment = _pairs("OTEL_RESOURCE_ATTRIBUTES", given.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    found = {
        "service.name": DEFAULT_SERVICE,
        "service.version": service_version(),
        "service.instance.id": str(new_id()),
        "host.name": socket.gethostname(),
        "process.pid": str(os.getpid()),
        "process.runtime.name": platform.python_implementation().lower(),
        "process.runtime.version": platform.python_version(),
        "telemetry.sdk.name": DEFAULT_SERVICE,
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": service_version(),
        "llm_test_bench.role": role,
    }
    found |= from_environment | settings.resource_attributes
    if name := settings.service_name or given.get("OTEL_SERVICE_NAME"):
        found["service.name"] = name
    return found


def _pairs(name: str, text: str) -> dict[str, str]:
    """`key=value,key=value`, percent-encoded (W3C Baggage)."""
    found = {}
    for part in filter(None, map(str.strip, text.split(","))):
        key, is_there, value = part.partition("=")
        if not is_there or not re.fullmatch(r"[^\s\"(),/:;<=>?@\[\\\]{}]+", key.strip()):
            raise _wrong(name, "must be key=value,key=value")
        found[key.strip()] = unquote(value.strip())
    return found


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _wrong(key: str, message: str) -> ConfigError:
    return ConfigError(f"{key}: {message}", errors=[{"key": key, "message": message}])
