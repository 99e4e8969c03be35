"""Structured logs, for people or for programs, with secrets removed before anything is written.

Everything goes through here: our own events and the standard-library loggers of uvicorn, SQLAlchemy and Dask.
Redaction works on names (`api_key=…`) and on shapes (a bearer token inside a sentence or a traceback).
"""

import logging
import logging.config
import re
import sys
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from app.core.outages import OneLine
from app.core.settings import MonitoringSettings

REDACTED = "[redacted]"

# Names match as whole words of a snake_case or header-case key, so `tokens` and `key_id` stay readable.
_SECRET_NAME = re.compile(
    r"(?i)(?:^|[_\-.])(?:password|passwd|secret|secret_key|token|authorization|api[_-]?key|x-api-key|cookie|set-cookie"
    r"|credentials?|private_key|pepper)$"
)
_SECRET_SHAPES = (
    re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"\b(ltb|ltr)_[A-Za-z0-9_-]{16,}"),
    re.compile(r"\b(sk|pk|gsk|xai|hf|r8)[-_][A-Za-z0-9_-]{16,}"),
    re.compile(r"\b(eyJ)[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),  # a JWT
    re.compile(r"\b(AIza)[A-Za-z0-9_-]{20,}"),
    re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+(?=@)"),  # user:password@ of an address
    re.compile(r"(?i)([?&](?:api[_-]?key|key|token|access_token|password)=)[^&\s'\"]+"),
)
_MAX_DEPTH = 8


def redact_text(text: str) -> str:
    """`text` without anything that has the shape of a secret; what is left says which shape it was."""
    for shape in _SECRET_SHAPES:
        text = shape.sub(rf"\1{REDACTED}", text)
    return text


def redact(value: Any, depth: int = 0) -> Any:
    """A copy of `value` without secrets: by the names of mapping keys, and by shape inside strings."""
    if isinstance(value, Mapping) and depth <= _MAX_DEPTH:
        return {key: _redact_named(str(key), item, depth) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth <= _MAX_DEPTH:
        return [redact(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact_text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def _redact_named(name: str, value: Any, depth: int = 0) -> Any:
    secret = value is not None and not isinstance(value, bool) and _SECRET_NAME.search(name)
    return REDACTED if secret else redact(value, depth + 1)


def _redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Last before rendering, when tracebacks are text already. Keys with an underscore are structlog's own."""
    return {key: item if key.startswith("_") else _redact_named(key, item) for key, item in event.items()}


def configure_logging(settings: MonitoringSettings) -> None:
    """Route every log line of this process to stderr in the configured format. Calling it again replaces it."""
    one_line = OneLine()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        one_line.event,
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=lambda value, **_: orjson.dumps(value, default=str).decode())
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    level = settings.log_level.upper()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        _redact_event,
                        renderer,
                    ],
                }
            },
            "filters": {"one line": {"()": lambda: one_line}},
            "handlers": {
                "stderr": {
                    "class": "logging.StreamHandler",
                    "formatter": "line",
                    "filters": ["one line"],
                    "stream": "ext://sys.stderr",
                }
            },
            "root": {"level": level, "handlers": ["stderr"]},
            "loggers": {
                # Ours says the same in a line of its own, and uvicorn's start-up lines repeat the address.
                "uvicorn": {"level": "WARNING", "handlers": [], "propagate": True},
                "uvicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
                "distributed": {"level": "WARNING", "handlers": [], "propagate": True},
                "alembic": {"level": "WARNING", "handlers": [], "propagate": True},
                "httpx": {"level": "WARNING", "handlers": [], "propagate": True},
                "httpcore": {"level": "WARNING", "handlers": [], "propagate": True},
            },
        }
    )
