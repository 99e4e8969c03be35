import pytest

from app.core.errors import InvalidRequestError
from app.events.topics import ALLOWED_PATTERNS, FAMILIES, TICKS, expand, family_of
from app.events.types import Topic


def test_exact_topics_and_families() -> None:
    assert expand(["benchmark.created"]) == {Topic.BENCHMARK_CREATED}
    assert expand(["metrics.*", "test.completed"]) == {Topic.METRICS_SYSTEM, Topic.TEST_COMPLETED}
    assert expand(["benchmark.*"]) == {topic for topic in Topic if topic.startswith("benchmark.")}
    assert expand([]) == frozenset()


@pytest.mark.parametrize("pattern", ["", "*", "benchmark", "benchmark.", "bench.*", "*.created", "benchmark.*.*"])
def test_anything_else_is_refused_with_its_place_and_what_is_allowed(pattern: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        expand(["benchmark.*", pattern])
    (problem,) = caught.value.details["errors"]
    assert problem["path"] == "topics.1"
    assert problem["allowed"] == ALLOWED_PATTERNS
    assert "benchmark.*" in ALLOWED_PATTERNS


def test_every_topic_belongs_to_a_family() -> None:
    assert set().union(*FAMILIES.values()) == set(Topic)
    assert {family_of(topic) for topic in Topic} == set(FAMILIES)


def test_no_end_of_a_benchmark_is_a_tick() -> None:
    ends = {Topic.BENCHMARK_COMPLETED, Topic.BENCHMARK_FAILED, Topic.BENCHMARK_CANCELLED, Topic.BENCHMARK_DELETED}
    assert not ends & TICKS
