"""What resolvers get: who asks, the services, and loaders of this operation."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import strawberry
from fastapi import FastAPI

from app.accounts.caller import Caller
from app.accounts.service import AccountService
from app.benchmarks.service import BenchmarkService
from app.core.errors import UnauthorizedError
from app.core.settings import GraphQLSettings
from app.evaluation.service import ComparisonService
from app.events.bus import Bus
from app.graphql.loaders import Loaders
from app.idempotency.service import IdempotencyService
from app.monitoring.alert_board import AlertBoard
from app.monitoring.metrics import Metrics
from app.monitoring.system import SystemReporter
from app.providers.service import ProviderService

if TYPE_CHECKING:
    from app.graphql.subscribers import Subscribers

Verify = Callable[[], Awaitable[Caller]]


class Identity:
    """Who speaks on a connection, verified anew when the last time is a while ago.

    So a token that expired, a revoked key, a disabled user or another role counts within `recheck_seconds`, and at once
    when `subscribers` hears that rights were taken away.
    """

    def __init__(self, verify: Verify, recheck_seconds: float, caller: Caller, subscribers: "Subscribers") -> None:
        self._subscribers = subscribers
        self._rechecks = subscribers.rechecks
        self._verify = verify
        self._recheck_seconds = recheck_seconds
        self._caller = caller
        self._verified_at = time.monotonic()
        self._lock = asyncio.Lock()

    async def caller(self, *, now: bool = False) -> Caller:
        """The caller as of `recheck_seconds` ago at most; with `now` as of now.

        Raises:
            UnauthorizedError: when the identity is not valid any more.
        """
        async with self._lock:
            if now or self.seconds_left <= 0:
                rechecks, at = self._subscribers.rechecks, time.monotonic()
                self._caller = await self._verify()
                self._rechecks, self._verified_at = rechecks, at
            return self._caller

    async def due(self) -> None:
        """Wait until the identity must be verified again."""
        changed = self._subscribers.rechecked
        if (left := self.seconds_left) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await changed.wait()

    @property
    def seconds_left(self) -> float:
        """Until the identity must be verified again."""
        if self._rechecks != self._subscribers.rechecks:
            return 0.0
        return self._verified_at + self._recheck_seconds - time.monotonic()


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that resolvers may call."""

    accounts: AccountService
    benchmarks: BenchmarkService
    providers: ProviderService
    metrics: Metrics
    bus: Bus
    subscribers: "Subscribers"
    idempotency: IdempotencyService
    requires_if_match: bool
    """`server.http.require_if_match`."""
    system: SystemReporter
    comparisons: ComparisonService
    alerts: AlertBoard
    preferences: Any = None
    configuration: Any = None

    @classmethod
    def of(cls, app: FastAPI) -> "Services":
        """Those of a running app."""
        state = app.state
        return cls(
            accounts=state.accounts,
            benchmarks=state.benchmarks,
            providers=state.providers,
            metrics=state.metrics,
            bus=state.bus,
            subscribers=state.subscribers,
            idempotency=state.idempotency,
            requires_if_match=state.settings.server.http.require_if_match,
            system=state.system,
            comparisons=state.comparisons,
            alerts=state.alerts,
            preferences=getattr(state, "preferences", None),
            configuration=getattr(state, "configuration", None),
        )


@dataclass(slots=True)
class Context:
    """The context of one operation."""

    caller: Caller
    identity: Identity
    services: Services
    limits: GraphQLSettings
    request_id: str
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.services.benchmarks, self.services.providers, self.caller)

    def renew(self, caller: Caller) -> None:
        """Go on as `caller`: the same user, perhaps with other permissions."""
        if caller is not self.caller:
            self.caller = caller
            self.loaders = Loaders(self.services.benchmarks, self.services.providers, caller)


@dataclass(slots=True)
class SocketContext:
    """The context of a WebSocket, from which that of each operation is made."""

    services: Services
    limits: GraphQLSettings
    request_id: str
    count: Callable[[Caller], Awaitable[None]]
    """Counts an operation against the limit of its user, as a request over HTTP is."""
    authenticate: Callable[[dict[str, Any]], Awaitable[Identity]]
    belongs_to: Callable[[UUID], None]
    """Counts the socket for its user; raises `ConflictError` when they have too many."""
    connection_params: dict[str, Any] = field(default_factory=dict)
    identity: Identity | None = None

    async def for_operation(self) -> Context:
        """The context of a new operation.

        Raises:
            UnauthorizedError: the identity is not valid any more.
            RateLimitExceededError: too many operations.
        """
        if self.identity is None:
            raise UnauthorizedError("say connection_init with a token first")
        caller = await self.identity.caller(now=True)
        await self.count(caller)
        return Context(caller, self.identity, self.services, self.limits, self.request_id)


Info: TypeAlias = strawberry.Info[Context, Any]
