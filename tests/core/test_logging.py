"""No secret reaches a log line, whether by its name or by its shape."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app.core.logging import REDACTED, configure_logging, redact, redact_text
from app.core.settings import MonitoringSettings

API_KEY = "ltb_Ab3dE6gH9j_" + "s" * 40
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
PROVIDER_KEY = "sk-proj-0123456789abcdefABCDEF"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"Authorization: Bearer {JWT}", JWT),
        (f"key {API_KEY} was used", API_KEY),
        (f"refused {PROVIDER_KEY}", PROVIDER_KEY),
        ("postgresql+asyncpg://bench:hunter22@db/x", "hunter22"),
        ("GET /v1/models?key=AIzaSyA1234567890&x=1", "AIzaSyA1234567890"),
        ("basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
        ("ltr_" + "R" * 40, "R" * 40),
    ],
)
def test_shapes(text: str, secret: str) -> None:
    assert secret not in redact_text(text)
    assert REDACTED in redact_text(text)


def test_names() -> None:
    event = {
        "password": "p",
        "api_key": "k",
        "headers": {"Authorization": "x", "X-Api-Key": "y", "Accept": "json"},
        "nested": [{"refresh_token": "t"}, ("cookie", {"set-cookie": "c"})],
        "secret_key": b"bytes",
        "has_api_key": True,
        "tokens": 12,
        "output_tokens": 40,
        "key_id": "abc",
        "token": None,
    }
    assert redact(event) == {
        "password": REDACTED,
        "api_key": REDACTED,
        "headers": {"Authorization": REDACTED, "X-Api-Key": REDACTED, "Accept": "json"},
        "nested": [{"refresh_token": REDACTED}, ["cookie", {"set-cookie": REDACTED}]],
        "secret_key": REDACTED,
        "has_api_key": True,
        "tokens": 12,
        "output_tokens": 40,
        "key_id": "abc",
        "token": None,
    }


@pytest.fixture
def _logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("_logging_restored")
@pytest.mark.parametrize("log_format", ["console", "json"])
def test_lines_carry_no_secret(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(MonitoringSettings.model_validate({"log_format": log_format}))
    try:
        int(f"upstream said {PROVIDER_KEY}")
    except ValueError:
        structlog.get_logger("test").exception("failed with %s", API_KEY, api_key="plain", url=f"http://x/?token={JWT}")
    logging.getLogger("sqlalchemy").warning("connect %s", "postgresql://bench:hunter22@db/x")
    structlog.get_logger("test").debug("not shown")
    lines = capsys.readouterr().err
    for secret in (PROVIDER_KEY, API_KEY, "plain", JWT, "hunter22"):
        assert secret not in lines
    assert "ValueError" in lines
    assert "not shown" not in lines
    if log_format == "json":
        first = json.loads(lines.splitlines()[0])
        assert first["level"] == "error"
        assert first["logger"] == "test"
        assert first["api_key"] == REDACTED
