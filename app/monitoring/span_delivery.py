"""Brings spans to a collector: a bounded queue, and one thread that writes and sends them.

Whoever adds spans waits for nothing: what finds the queue full is dropped and counted. A batch that the collector does
not take for now (it is away, slow, or says 429, 502, 503 or 504, with or without Retry-After) is tried again for a
minute; what it refuses is dropped at once. The log tells when that begins and ends, not each time.
"""

import gzip
import logging
import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import httpx

from app.core.version import service_version
from app.monitoring import otlp
from app.monitoring.span_attributes import CallFacts, call_span
from app.monitoring.trace_config import TraceConfig

log = logging.getLogger(__name__)

Outcome = Literal["exported", "queue_full", "failed", "rejected", "unsent"]
OUTCOMES: tuple[Outcome, ...] = ("exported", "queue_full", "failed", "rejected", "unsent")
BATCH = 512
PERIOD_SECONDS = 1.0
_RESERVE = 1_000  # for the spans of benchmarks, without which those of their requests hang in the air
_RETRIABLE = frozenset({429, 502, 503, 504})  # https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
_PATIENCE_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 15.0
_LONGEST_ANSWER_BYTES = 64 * 1024
_LOOK_SECONDS = 0.05

Waiting = tuple[bytes, CallFacts | None]
"""The shared part of a span and what its own is made of; None: it is whole already."""


class SpanDelivery:
    """Close it to send what waits."""

    def __init__(self, config: TraceConfig) -> None:
        self.counts: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)
        self._config = config
        self._envelope = otlp.Envelope(config.resource)
        self._queue: deque[Waiting] = deque()
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._deadline: float | None = None  # of the end, on the monotonic clock
        self._is_closed = False
        self._is_failing = False
        self._is_full = False
        self._in_hand = 0
        self._thread: threading.Thread | None = None
        verify: Any = True
        if config.ca_file is not None:
            verify = ssl.create_default_context()
            verify.load_verify_locations(cafile=config.ca_file)
        headers = {"Content-Type": "application/x-protobuf", "User-Agent": f"llm-test-bench/{service_version()}"}
        if config.compression:
            headers["Content-Encoding"] = "gzip"
        self._client_options: Mapping[str, Any] = {
            "headers": {**config.headers, **headers},
            "timeout": config.timeout_seconds,
            "verify": verify,
        }

    @property
    def waiting(self) -> int:
        """Spans that are not delivered yet."""
        return len(self._queue) + self._in_hand

    def add(self, spans: list[Waiting], *, is_vital: bool = False) -> None:
        """Take spans. What does not fit is dropped; `is_vital` ones have some room more."""
        with self._lock:
            limit = self._config.queue_size + (_RESERVE if is_vital else 0)
            room = 0 if self._deadline is not None else max(limit - len(self._queue), 0)
            self._queue.extend(spans[:room])
            dropped = len(spans) - min(room, len(spans))
            self.counts["queue_full"] += dropped
            if self._thread is None and self._queue:
                self._thread = threading.Thread(target=self._run, name="span delivery", daemon=True)
                self._thread.start()
            has_news = bool(dropped) and not self._is_full
            self._is_full = bool(dropped)
        if has_news:
            log.warning("traces: more than %d spans wait; new ones are dropped", self._config.queue_size)
        if len(self._queue) >= BATCH:
            self._bell.set()

    def close(self) -> None:
        """Send what waits, for as long as is configured; returns then in any case."""
        with self._lock:
            if self._deadline is not None:
                return
            self._deadline = time.monotonic() + self._config.flush_seconds
        self._bell.set()
        if self._thread is not None:
            self._thread.join(self._config.flush_seconds + _LOOK_SECONDS)
        with self._lock:
            lost = self.waiting
            self.counts["unsent"] += lost
            self._queue.clear()
            self._in_hand, self._is_closed = 0, True
        if lost:
            log.warning("traces: %d spans could not be sent before the end", lost)

    # ---------------------------------------------------------------- in the thread

    def _run(self) -> None:
        with httpx.Client(**self._client_options) as client:
            while True:
                self._bell.wait(PERIOD_SECONDS)
                self._bell.clear()
                while batch := self._next():
                    self._deliver(client, batch)
                    if self._is_over():
                        return
                if self._deadline is not None and not self._queue:
                    return

    def _next(self) -> list[Waiting]:
        with self._lock:
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            self._in_hand = len(batch)
        return batch

    def _deliver(self, client: httpx.Client, batch: list[Waiting]) -> None:
        try:
            body = self._envelope.request([_whole(*one) for one in batch])
            if self._config.compression:
                body = gzip.compress(body, 5)
            self._send(client, body, len(batch))
        except Exception:
            log.exception("traces: %d spans cannot be written", len(batch))
            self._count("failed", len(batch))

    def _send(self, client: httpx.Client, body: bytes, number: int) -> None:
        """Until it is delivered, refused, or too old."""
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        pause = _FIRST_PAUSE_SECONDS
        while True:
            problem, wait = self._try(client, body, number)
            if problem is None:
                return
            wanted = pause * random.uniform(0.8, 1.2) if wait is None else wait  # noqa: S311
            at = time.monotonic() + wanted
            if wait is _NEVER or at > give_up_at:
                self._tell_failure(problem, number)
                self._count("failed", number)
                return
            self._tell_failure(problem)
            if not self._rest(at):
                return  # `close` counts what is in hand
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _try(self, client: httpx.Client, body: bytes, number: int) -> tuple[str | None, float | None]:
        """Why it was not delivered (None: it was), and for how long to wait (None: as usual; `_NEVER`: for ever)."""
        stop_at = time.monotonic() + self._config.timeout_seconds
        try:
            with client.stream("POST", self._config.endpoint, content=body) as answer:
                said = bytearray()
                for piece in answer.iter_bytes():
                    said += piece
                    if len(said) > _LONGEST_ANSWER_BYTES or time.monotonic() > stop_at:
                        break
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return f"{type(error).__name__}: {error}".rstrip(": "), None
        if answer.is_success:
            self._take_answer(bytes(said), number)
            return None, None
        problem = f"the collector says {answer.status_code}"
        if answer.status_code in _RETRIABLE:
            return problem, retry_after_seconds(answer.headers.get("retry-after"), datetime.now(UTC))
        return problem, _NEVER

    def _take_answer(self, said: bytes, number: int) -> None:
        try:
            refused, why = otlp.rejected(said)
        except Exception:  # noqa: BLE001  (some receivers answer with anything)
            refused, why = 0, ""
        refused = min(refused, number)
        self._count("exported", number - refused)
        if refused:
            self._count("rejected", refused)
            self._tell_failure(f"the collector rejects {refused} of {number} spans: {why[:200]}")
        elif self._is_failing:
            self._is_failing = False
            lost = self.counts["queue_full"] + self.counts["failed"] + self.counts["rejected"]
            log.warning("traces: spans are delivered again; %d were lost so far", lost)

    def _tell_failure(self, problem: str, lost: int = 0) -> None:
        if not self._is_failing:
            self._is_failing = True
            words = f"; {lost} spans are lost" if lost else ""
            log.warning("traces: spans cannot be delivered to %s: %s%s", self._config.endpoint, problem, words)

    def _count(self, outcome: Outcome, number: int) -> None:
        with self._lock:
            if self._is_closed:  # they are counted as unsent already
                return
            self.counts[outcome] += number
            self._in_hand -= number

    def _rest(self, until: float) -> bool:
        """Wait; False when the end came before that."""
        while (now := time.monotonic()) < until:
            if self._is_over():
                return False
            time.sleep(min(_LOOK_SECONDS, until - now))
        return not self._is_over()

    def _is_over(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline


_NEVER = float("inf")


def _whole(shared: bytes, facts: CallFacts | None) -> bytes:
    return shared if facts is None else shared + otlp.own(call_span(facts))


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """What a `Retry-After` header asks for (RFC 9110, 10.2.3); None when it asks for nothing that can be read."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return max((at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds(), 0.0)
