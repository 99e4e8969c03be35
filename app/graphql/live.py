"""Subscriptions: what happens, as it happens.

Each has a bounded queue in front of it. A client that reads too slowly misses ticks (progress, metrics), and every
message says how many in `dropped`; nothing else is ever missed silently.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from app.accounts.permissions import Permission
from app.accounts.visibility import may_see, permission_for
from app.benchmarks.states import LIVE, Status
from app.benchmarks.views import Progress
from app.core.errors import InvalidRequestError, ServiceUnavailableError
from app.events.bus import Subscription
from app.events.topics import FAMILIES, expand
from app.events.types import Event, Topic
from app.graphql.benchmark_types import BenchmarkStatus, BenchmarkType
from app.graphql.benchmarks import BenchmarkId, one
from app.graphql.context import Info
from app.graphql.derive import TYPES
from app.graphql.guard import guarded
from app.graphql.metrics import Labels, MetricSample, Names, SystemFigures, samples
from app.graphql.scalars import JSON

MIN_INTERVAL_SECONDS, MAX_INTERVAL_SECONDS = 1.0, 3_600.0
ENDED = frozenset(
    {Topic.BENCHMARK_COMPLETED, Topic.BENCHMARK_FAILED, Topic.BENCHMARK_CANCELLED, Topic.BENCHMARK_DELETED}
)
BENCHMARK = "benchmark"
ALERT = "alert"


@strawberry.type(description="Something that happened.")
class LiveEvent:
    """Something that happened."""

    topic: str = strawberry.field(description="What kind of thing, such as `benchmark.completed`.")
    timestamp: datetime = strawberry.field(description="When.")
    benchmark_id: UUID | None = strawberry.field(description="The benchmark that it is about, if any.")
    payload: JSON = strawberry.field(description="More about it; which fields it has depends on the topic.")
    dropped: int = strawberry.field(description="Ticks that this subscription has missed so far by reading slowly.")


@strawberry.type(description="Something that happened to a benchmark.")
class BenchmarkEvent(LiveEvent):
    """Something that happened to a benchmark."""

    @guarded(Permission.BENCHMARK_READ, returns=BenchmarkType | None, cost=2)
    async def benchmark(self, info: Info) -> Any:
        """The benchmark as it is now; null once it is deleted."""
        return None if self.benchmark_id is None else await info.context.loaders.benchmarks.load(self.benchmark_id)


@strawberry.type(description="Where a benchmark is.")
class BenchmarkProgressUpdate:
    """Where a benchmark is."""

    benchmark_id: UUID = strawberry.field(description="Id of the benchmark.")
    status: BenchmarkStatus = strawberry.field(description="Its state; when it has ended, this is the last message.")
    progress: TYPES.of(Progress) | None = strawberry.field(description="Only while it runs.")
    timestamp: datetime = strawberry.field(description="When it was so.")
    dropped: int = strawberry.field(description="Messages that this subscription has missed so far by reading slowly.")

    @guarded(Permission.BENCHMARK_READ, returns=BenchmarkType | None, cost=2)
    async def benchmark(self, info: Info) -> Any:
        """The whole benchmark as it is now; null once it is deleted."""
        return await info.context.loaders.benchmarks.load(self.benchmark_id)


@strawberry.type(description="The metrics of the server at one moment.")
class MetricsUpdate:
    """The metrics of the server at one moment."""

    timestamp: datetime = strawberry.field(description="When they were read.")
    samples: list[MetricSample] = strawberry.field(description="What was asked for.")
    system: SystemFigures | None = strawberry.field(
        description="How this server process is, at most five seconds old; null in its first seconds."
    )


@strawberry.input(description="Which events of benchmarks. Fields left out do not narrow.")
class BenchmarkEventFilter:
    """Which events of benchmarks."""

    benchmark_id: UUID | None = strawberry.field(default=None, description="Only those of this benchmark.")
    topics: list[str] | None = strawberry.field(
        default=None, description="Only these, such as `benchmark.completed`; by default all but progress."
    )


@strawberry.type
class LiveSubscriptions:
    """What happens, as it happens."""

    @guarded(Permission.BENCHMARK_READ, returns=BenchmarkProgressUpdate, cost=5, subscription=True)
    async def benchmark_progress(self, info: Info, benchmark_id: BenchmarkId) -> AsyncGenerator[Any, None]:
        """Where a benchmark is: at once, then four times a second while it runs. Ends when the benchmark has ended."""
        topics = [Topic.BENCHMARK_STARTED, Topic.BENCHMARK_PROGRESS, *ENDED]
        async with _listening(info, topics) as subscription:
            known = await one(info, benchmark_id)  # after subscribing, so that nothing falls between
            yield _update(benchmark_id, known.status, known.progress, _now(), 0)
            if known.status not in {Status.PENDING, *LIVE}:
                return
            async for event in _watched(info, subscription, benchmark_id):
                yield _update_of(event, _missed(subscription))
                if event.topic in ENDED:
                    return

    @guarded(Permission.BENCHMARK_READ, returns=BenchmarkEvent, cost=5, subscription=True)
    async def benchmark_events(
        self,
        info: Info,
        filter_: Annotated[
            BenchmarkEventFilter | None,
            strawberry.argument(name="filter", description="Which; without it all but progress."),
        ] = None,
    ) -> AsyncGenerator[Any, None]:
        """What happens to the benchmarks that you may see: created, started, completed, …"""
        wanted = filter_ or BenchmarkEventFilter()
        usual = sorted(FAMILIES[BENCHMARK] - {Topic.BENCHMARK_PROGRESS})
        topics = sorted(expand(wanted.topics)) if wanted.topics else usual
        if others := [topic for topic in topics if topic not in FAMILIES[BENCHMARK]]:
            problem = {"path": "filter.topics", "message": f"not about benchmarks: {', '.join(others)}"}
            raise InvalidRequestError(f"filter.topics: {problem['message']}; use `events`", errors=[problem])
        if wanted.benchmark_id is not None:
            await one(info, wanted.benchmark_id)
        async with _listening(info, topics) as subscription:
            async for event in _watched(info, subscription, wanted.benchmark_id):
                yield _event(BenchmarkEvent, event, subscription)

    @guarded(Permission.METRICS_READ, returns=MetricsUpdate, cost=50, subscription=True)
    async def metrics_stream(
        self,
        info: Info,
        interval_seconds: Annotated[
            float, strawberry.argument(description="Time between messages, from 1 to 3600.")
        ] = 5.0,
        labels: Labels = None,
        names: Names = None,
    ) -> AsyncGenerator[Any, None]:
        """The metrics of this server: at once, then at an interval."""
        if not MIN_INTERVAL_SECONDS <= interval_seconds <= MAX_INTERVAL_SECONDS:
            allowed = f"{MIN_INTERVAL_SECONDS:g} … {MAX_INTERVAL_SECONDS:g}"
            problem = {"path": "intervalSeconds", "message": "is out of range", "allowed": allowed}
            raise InvalidRequestError(f"intervalSeconds: use {allowed}", errors=[problem])
        context = info.context
        with context.services.subscribers.subscription(context.caller.user_id):
            while not context.services.subscribers.closing.is_set():
                found = await samples(context.services.metrics, labels or [], names or [])
                latest = context.services.system.latest
                figures = None if latest is None else SystemFigures.of(latest)
                yield MetricsUpdate(timestamp=_now(), samples=found, system=figures)
                await _pause(info, interval_seconds, Permission.METRICS_READ)

    @guarded(Permission.METRICS_READ, returns=LiveEvent, cost=5, subscription=True)
    async def alerts_stream(self, info: Info) -> AsyncGenerator[Any, None]:
        """Alerts of the service and of what you may see: raised and resolved."""
        async with _listening(info, sorted(FAMILIES[ALERT])) as subscription:
            async for event in _watched(info, subscription, None):
                yield _event(LiveEvent, event, subscription)

    @guarded(Permission.ACCOUNT_SELF, returns=LiveEvent, cost=5, subscription=True)
    async def events(
        self,
        info: Info,
        topics: Annotated[
            list[str], strawberry.argument(description="Topics or families, such as `metrics.system` or `benchmark.*`.")
        ],
        benchmark_id: Annotated[
            UUID | None, strawberry.argument(description="Only what is about this benchmark.")
        ] = None,
    ) -> AsyncGenerator[Any, None]:
        """Any events of the catalogue, as the WebSocket tells them; each topic needs its own permission."""
        wanted = sorted(expand(topics))
        for topic in wanted:
            info.context.caller.check(permission_for(topic))
        if not wanted:
            problem = {"path": "topics", "message": "is empty", "allowed": ", ".join(f"{name}.*" for name in FAMILIES)}
            raise InvalidRequestError("topics: name at least one", errors=[problem])
        async with _listening(info, wanted) as subscription:
            async for event in _watched(info, subscription, benchmark_id):
                yield _event(LiveEvent, event, subscription)


class _listening:  # noqa: N801  (used as a function)
    """A subscription to the bus, counted against its user."""

    def __init__(self, info: Info, topics: Iterable[Topic]) -> None:
        services = info.context.services
        self._queue_size = info.context.limits.queue_size
        self._counted = services.subscribers.subscription(info.context.caller.user_id)
        self._bus = services.bus
        self._topics = list(topics)
        self._subscription: Subscription[Event] | None = None

    async def __aenter__(self) -> Subscription[Event]:
        self._counted.__enter__()
        try:
            self._subscription = self._bus.subscribe(self._topics, queue_size=self._queue_size)
            await self._subscription.ready()
        except BaseException:
            await self.__aexit__()
            raise
        return self._subscription

    async def __aexit__(self, *_: object) -> None:
        if self._subscription is not None:
            self._subscription.close()
        self._counted.__exit__(None, None, None)


async def _watched(info: Info, subscription: Subscription[Event], benchmark_id: UUID | None) -> AsyncIterator[Event]:
    """The events that the caller may see, for as long as the caller may be here.

    Raises:
        UnauthorizedError: the token, key or user is not valid any more.
        ServiceUnavailableError: events were lost, or the server goes down.
    """
    context = info.context
    closing = asyncio.create_task(context.services.subscribers.closing.wait())
    following = asyncio.create_task(anext(subscription, None))
    due = asyncio.create_task(context.identity.due())
    try:
        while True:
            await asyncio.wait({closing, following, due}, return_when=asyncio.FIRST_COMPLETED)
            context.renew(await context.identity.caller())
            if due.done():
                due = asyncio.create_task(context.identity.due())
            if closing.done():
                raise ServiceUnavailableError("the server is going down; connect again in a moment")
            if not following.done():
                continue
            event = following.result()
            if event is None:
                return
            if subscription.lost or subscription.interruptions:
                raise ServiceUnavailableError("events were missed; subscribe again and read the state anew")
            following = asyncio.create_task(anext(subscription, None))
            if (benchmark_id is None or event.session_id == benchmark_id) and may_see(context.caller, event):
                yield event
    finally:
        for task in (closing, following, due):
            task.cancel()
        await asyncio.gather(closing, following, due, return_exceptions=True)


async def _pause(info: Info, seconds: float, permission: Permission) -> None:
    """Wait, checking the identity on the way; returns early when the server goes down."""
    context = info.context
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    closing = context.services.subscribers.closing
    while (left := until - loop.time()) > 0 and not closing.is_set():
        waiting = {asyncio.create_task(closing.wait()), asyncio.create_task(context.identity.due())}
        try:
            await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        context.renew(await context.identity.caller())
        context.caller.check(permission)


def _now() -> datetime:
    return datetime.now(UTC)


def _missed(subscription: Subscription[Event]) -> int:
    return subscription.dropped


def _event(kind: Any, event: Event, subscription: Subscription[Event]) -> Any:
    return kind(
        topic=event.topic.value,
        timestamp=event.timestamp,
        benchmark_id=event.session_id,
        payload=event.payload,
        dropped=_missed(subscription),
    )


def _update(benchmark_id: UUID, status: str, progress: Any, at: datetime, dropped: int) -> BenchmarkProgressUpdate:
    return BenchmarkProgressUpdate(
        benchmark_id=benchmark_id, status=Status(status), progress=progress, timestamp=at, dropped=dropped
    )


def _update_of(event: Event, dropped: int) -> BenchmarkProgressUpdate:
    assert event.session_id is not None
    progress = Progress.model_validate(event.payload) if event.topic == Topic.BENCHMARK_PROGRESS else None
    status = event.payload["status"]
    return _update(event.session_id, status, progress, event.timestamp, dropped)
