"""Which topics exist, which families they form, and what a subscriber's patterns mean."""

from collections.abc import Iterable

from app.core.errors import InvalidRequestError
from app.events.types import Topic

WILDCARD = ".*"

FAMILIES: dict[str, frozenset[Topic]] = {
    family: frozenset(topic for topic in Topic if topic.partition(".")[0] == family)
    for family in sorted({topic.partition(".")[0] for topic in Topic})
}

TICKS = frozenset({Topic.BENCHMARK_PROGRESS, Topic.TEST_COMPLETED, Topic.METRICS_SYSTEM})
"""Topics told several times a second, whose newest event replaces the older ones: a slow subscriber may miss them. All
others are never missed silently."""

_BY_NAME: dict[str, Topic] = {topic.value: topic for topic in Topic}

ALLOWED_PATTERNS: tuple[str, ...] = (*Topic, *(family + WILDCARD for family in FAMILIES))


def family_of(topic: Topic) -> str:
    """`benchmark` for `benchmark.progress`."""
    return topic.partition(".")[0]


def expand(patterns: Iterable[str]) -> frozenset[Topic]:
    """The topics that `patterns` name: exact topics or families such as `benchmark.*`.

    Raises:
        InvalidRequestError: naming each pattern that names nothing, and what is allowed.
    """
    topics: set[Topic] = set()
    errors = []
    for position, pattern in enumerate(patterns):
        if topic := _BY_NAME.get(pattern):
            topics.add(topic)
        elif pattern.endswith(WILDCARD) and (family := FAMILIES.get(pattern.removesuffix(WILDCARD))):
            topics |= family
        else:
            errors.append({"path": f"topics.{position}", "message": "no such topic", "allowed": ALLOWED_PATTERNS})
    if errors:
        raise InvalidRequestError("unknown topic", errors=errors)
    return frozenset(topics)
