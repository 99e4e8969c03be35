"""Every topic has a payload type, and what rooms publish is what the types say."""

import typing

import msgspec
import pytest

from app.benchmarks.views import Headline, Progress, TimelinePoint
from app.events import payloads
from app.events.catalogue import CATALOGUE, InvalidEventError, check
from app.events.memory import MemoryBus
from app.events.types import Topic
from tests.factories import make_event


def test_every_topic_has_a_payload_and_says_when() -> None:
    assert set(CATALOGUE) == set(Topic)
    assert all(kind.when.endswith(".") for kind in CATALOGUE.values())


@pytest.mark.parametrize(
    ("view", "payload"),
    [
        (Progress, payloads.BenchmarkProgress),
        (TimelinePoint, payloads.ProgressPoint),
        (Headline, payloads.Headline),
    ],
)
def test_events_tell_what_rest_answers(view: typing.Any, payload: type[payloads.Payload]) -> None:
    assert set(view.model_fields) == {field.name for field in msgspec.structs.fields(payload)}


def test_a_payload_that_is_not_as_promised_is_refused_with_its_field() -> None:
    bus = MemoryBus()
    begin = bus.head
    with pytest.raises(InvalidEventError, match=r"benchmark\.created.*status"):
        bus.post(make_event(Topic.BENCHMARK_CREATED, payload={"id": "0" * 32, "name": "x", "status": "odd"}))
    with pytest.raises(InvalidEventError, match="surprise"):
        check(make_event(Topic.TEST_COMPLETED, payload={"number": 1, "newest": [], "surprise": 1}))
    assert bus.head == begin, "nothing was published"
