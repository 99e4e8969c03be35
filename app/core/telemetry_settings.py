"""`[telemetry]`: traces of benchmarks, sent to a collector by OTLP over HTTP.

OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_SERVICE_NAME`, …) count where nothing is set here;
`monitoring.trace_config` puts the two together.
"""

import os
import re
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from app.core.section import Section

TRACE_PLACEHOLDER = "{trace_id}"
_PLACEHOLDERS = {"trace_id", "span_id"}
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_OURS = {"content-type", "content-length", "content-encoding", "host", "transfer-encoding", "connection"}


def check_endpoint(url: str | None) -> str | None:
    """The address, with OTLP's usual path where it has none; raises `ValueError`."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None or parts.fragment:
        raise ValueError("must be http://host[:port][/path] or https://…, without credentials: they belong to headers")
    return url if parts.path not in {"", "/"} else parts._replace(path="/v1/traces").geturl()


def _template(url: str | None) -> str | None:
    if url is None:
        return None
    if not re.match(r"https?://[^/\s{}]+", url):
        raise ValueError("must start with http://host or https://host")
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(url) if name is not None]
    except ValueError:
        raise ValueError(f"has a brace that is not part of {TRACE_PLACEHOLDER} or {{span_id}}") from None
    if "trace_id" not in names or not set(names) <= _PLACEHOLDERS:
        raise ValueError(f"must contain {TRACE_PLACEHOLDER}, may contain {{span_id}}, and no other braces")
    return url


def check_headers(headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    """Raises `ValueError` for what is no header, or is set by the exporter itself."""
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise ValueError(f"{name!r} is not a header that may be set here")
        secret = value.get_secret_value()
        if not secret or not re.fullmatch(r"[\x20-\x7e]+", secret):
            raise ValueError(f"the value of {name} must be visible ASCII characters")
        scheme, _, rest = secret.partition(":")
        if scheme == "file" and not rest.startswith("/"):
            raise ValueError(f"the value of {name}: file: needs an absolute path")
    return headers


class TelemetrySettings(Section):
    """`[telemetry]`"""

    traces_endpoint: Annotated[str | None, AfterValidator(check_endpoint)] = Field(
        None,
        description="Where traces go by OTLP/HTTP, such as http://collector:4318/v1/traces; none: nowhere. Needs the "
        "extra `otel`.",
    )
    headers: Annotated[dict[str, SecretStr], AfterValidator(check_headers)] = Field(
        {}, description="Sent with every export; a value is text, env:NAME or file:/PATH."
    )
    sample_ratio: float | None = Field(
        None, ge=0, le=1, description="Share of provider calls that are exported; by default all. 0 exports nothing."
    )
    service_name: str | None = Field(
        None, min_length=1, max_length=255, description="`service.name`; by default llm-test-bench."
    )
    resource_attributes: dict[str, str] = Field({}, description="Further attributes of the resource.")
    timeout_seconds: float | None = Field(None, gt=0, le=300, description="For each export, as a whole; default 10.")
    queue_size: int = Field(
        20_000, ge=100, le=1_000_000, description="Spans that wait at most; others are dropped, and counted."
    )
    flush_seconds: float = Field(5.0, ge=0, le=300, description="At the end, how long to go on sending what waits.")
    compression: bool = Field(False, description="Send gzip.")
    ca_file: Path | None = Field(None, description="Certificates to trust besides the system's.")
    server_spans: bool = Field(False, description="Export a span for each request to the REST and GraphQL API too.")
    trace_url: Annotated[str | None, AfterValidator(_template)] = Field(
        None,
        description="Where the dashboard links to a trace, such as https://jaeger.example/trace/{trace_id}; may "
        "contain {span_id}.",
    )

    def link(self, trace_id: str | None, span_id: str | None = None) -> str | None:
        """The address of a trace for people; None when there is none."""
        if self.trace_url is None or trace_id is None:
            return None
        return self.trace_url.format(trace_id=trace_id, span_id=span_id or "")


def header_values(headers: Mapping[str, SecretStr], environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Headers with what their references name.

    Raises:
        ValueError: naming the header whose reference cannot be read.
    """
    variables = os.environ if environment is None else environment
    found = {}
    for name, value in headers.items():
        secret = value.get_secret_value()
        scheme, _, rest = secret.partition(":")
        if scheme == "env":
            if not (secret := variables.get(rest, "")):
                raise ValueError(f"{name}: the variable {rest} is not set")
        elif scheme == "file":
            try:
                secret = Path(rest).read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(f"{name}: {rest} cannot be read: {error}") from None
        if not re.fullmatch(r"[\x20-\x7e]+", secret):
            raise ValueError(f"{name}: what the reference names is empty or not visible ASCII")
        found[name] = secret
    return found
