"""A collector that is down, slow, busy, or refuses: spans are kept, delivered later, or counted as lost."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from app.core.settings import load_settings
from app.core.tracing import new_span_id, new_trace_id
from app.monitoring import otlp
from app.monitoring.span_attributes import Span
from app.monitoring.span_delivery import SpanDelivery, Waiting, retry_after_seconds
from app.monitoring.trace_config import trace_config
from app.monitoring.trace_metrics import TraceFamilies
from tests.monitoring.otlp_receiver import Answer, Receiver, partial, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def delivery_to(url: str, **telemetry: object) -> SpanDelivery:
    settings = load_settings(telemetry={"traces_endpoint": url, **telemetry})
    config = trace_config(settings.telemetry, "test", {})
    assert config is not None
    return SpanDelivery(config)


def spans(number: int) -> list[Waiting]:
    shared = otlp.shared("x", "internal", new_trace_id(), None, {})
    return [(shared + otlp.own(Span(new_span_id(), 1, 2, {"number": one})), None) for one in range(number)]


def lost(delivery: SpanDelivery) -> dict[str, int]:
    return {name: number for name, number in delivery.counts.items() if name != "exported" and number}


def test_everything_arrives_whole_in_batches(receiver: Receiver) -> None:
    delivery = delivery_to(receiver.url, compression=True)
    delivery.add(spans(1300))
    delivery.close()
    assert sorted(span.attributes["number"] for span in receiver.spans) == list(range(1300))
    assert receiver.headers[0]["content-encoding"] == "gzip"
    assert (delivery.counts["exported"], lost(delivery), delivery.waiting) == (1300, {}, 0)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_collector_is_asked_again_when_it_says(receiver: Receiver, status: int) -> None:
    receiver.answers = [Answer(status, {"Retry-After": "1"}), Answer(502)]
    delivery = delivery_to(receiver.url, flush_seconds=20)
    delivery.add(spans(600))
    began = time.monotonic()
    delivery.close()
    assert time.monotonic() - began > 1.3  # a second as told, and half a one (less its jitter) by itself
    assert receiver.asked == 4
    assert len(receiver.spans) == 600
    assert lost(delivery) == {}


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_what_is_refused_is_counted_and_logged_once(
    receiver: Receiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [Answer(status), Answer(status)]
    delivery = delivery_to(receiver.url)
    with caplog.at_level(logging.WARNING, "app.monitoring.span_delivery"):
        delivery.add(spans(1100))
        delivery.close()
    assert receiver.asked == 3
    assert (delivery.counts["exported"], lost(delivery)) == (76, {"failed": 1024})
    first, second = [record.getMessage() for record in caplog.records]
    assert f"the collector says {status}; 512 spans are lost" in first
    assert "delivered again; 1024 were lost so far" in second
    text = TraceFamilies(delivery).text()
    assert 'llm_trace_spans_total{outcome="failed"} 1024' in text
    assert "llm_trace_spans_waiting 0" in text


def test_a_collector_may_take_some(receiver: Receiver) -> None:
    receiver.answers = [Answer(body=partial(3, "too old"))]
    delivery = delivery_to(receiver.url)
    delivery.add(spans(10))
    delivery.close()
    assert (delivery.counts["exported"], lost(delivery)) == (7, {"rejected": 3})


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [Answer(307, {"Location": receiver.url})]
    delivery = delivery_to(receiver.url, headers={"Authorization": "secret"})
    delivery.add(spans(1))
    delivery.close()
    assert (receiver.asked, lost(delivery)) == (1, {"failed": 1})


def test_a_collector_that_is_down_costs_neither_memory_nor_time(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"  # bound, and nobody listens
        delivery = delivery_to(url, queue_size=100, flush_seconds=0.3)
        many = spans(50)
        began = time.monotonic()
        for _ in range(200):
            delivery.add(many)
        delivery.add(many, is_vital=True)  # has room of its own
        added = time.monotonic() - began
        delivery.close()
    assert added < 10
    assert time.monotonic() - began - added < 20
    assert sum(delivery.counts.values()) == 10_050
    assert delivery.counts["exported"] == 0
    assert delivery.counts["unsent"] >= 150
    assert delivery.waiting == 0
    assert len([record for record in caplog.records if "cannot be delivered" in record.getMessage()]) <= 1
    assert len([record for record in caplog.records if "new ones are dropped" in record.getMessage()]) == 1


def test_a_slow_collector_is_left_at_the_end(receiver: Receiver) -> None:
    receiver.usual = Answer(wait=threading.Event())
    delivery = delivery_to(receiver.url, flush_seconds=0.5)
    delivery.add(spans(600))
    receiver.until_asked(1)
    began = time.monotonic()
    delivery.close()
    assert time.monotonic() - began < 30
    assert delivery.counts["unsent"] == 600
    delivery.add(spans(1))  # too late
    assert delivery.counts["queue_full"] == 1


def test_a_slow_answer_is_given_up_and_tried_again(receiver: Receiver) -> None:
    held = threading.Event()
    receiver.answers = [Answer(503, wait=held)]
    delivery = delivery_to(receiver.url, timeout_seconds=0.3, flush_seconds=20)
    delivery.add(spans(5))
    delivery.close()
    held.set()
    assert len(receiver.spans) == 5
    assert lost(delivery) == {}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("Sat, 01 Aug 2026 12:00:09 GMT", 9.0),
        ("Sat, 01 Aug 2026 11:00:00 GMT", 0.0),
        ("-1", None),
        ("soon", None),
        ("1e9", None),
    ],
)
def test_retry_after_has_two_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, datetime(2026, 8, 1, 12, tzinfo=UTC)) == seconds
