"""The schema: every feature together, with limits, time-outs and masked errors around each operation."""

import asyncio
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import Any

import strawberry
from graphql import GraphQLError, parse
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import DisableIntrospection
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType
from strawberry.utils.operation import get_operation_type

from app.core.errors import InvalidRequestError, MethodNotAllowedError, TestBenchError, UpstreamTimeoutError
from app.core.settings import GraphQLSettings
from app.graphql.accounts import AccountMutations, AccountQueries
from app.graphql.alerts import AlertQueries
from app.graphql.audit import AuditQueries
from app.graphql.benchmarks import BenchmarkMutations, BenchmarkQueries
from app.graphql.bulk import BulkMutations, BulkQueries
from app.graphql.cluster import ClusterQueries
from app.graphql.comparisons import ComparisonQueries
from app.graphql.context import SocketContext
from app.graphql.errors import masked
from app.graphql.guard import check_declared
from app.graphql.limits import LimitExceededError, Limits, check_length
from app.graphql.live import LiveSubscriptions
from app.graphql.metrics import MetricQueries
from app.graphql.providers import ProviderMutations, ProviderQueries
from app.graphql.results import ResultQueries
from app.graphql.scalars import SCALARS
from app.graphql.settings import SettingsMutations, SettingsQueries
from app.graphql.users import SignInMutations, UserMutations, UserQueries


@strawberry.type(description="What can be read.")
class Query(
    BenchmarkQueries,
    ResultQueries,
    ProviderQueries,
    ComparisonQueries,
    ClusterQueries,
    MetricQueries,
    AccountQueries,
    SettingsQueries,
    UserQueries,
    AuditQueries,
    AlertQueries,
    BulkQueries,
):
    """What can be read."""


@strawberry.type(description="What can be changed.")
class Mutation(
    BenchmarkMutations,
    BulkMutations,
    ProviderMutations,
    AccountMutations,
    SettingsMutations,
    SignInMutations,
    UserMutations,
):
    """What can be changed."""


@strawberry.type(description="What can be followed as it happens.")
class Subscription(LiveSubscriptions):
    """What can be followed as it happens."""


class OperationTimeoutError(UpstreamTimeoutError):
    """An operation took longer than it may."""


class GuardedSchema(strawberry.Schema):
    """A schema whose answers never carry internals, and whose operations end in time."""

    def __init__(self, settings: GraphQLSettings, *, introspection: bool) -> None:
        self.settings = settings
        self.introspection = introspection
        extensions: list[Any] = [lambda: Limits(settings)]
        if not introspection:
            extensions.append(DisableIntrospection)
        super().__init__(
            query=Query,
            mutation=Mutation,
            subscription=Subscription,
            extensions=extensions,
            config=StrawberryConfig(scalar_map=SCALARS),
        )
        check_declared(self)

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Nothing: `masked` logs what is worth it, once."""

    async def execute(self, query: str | None, *args: Any, **kwargs: Any) -> Any:
        """As strawberry's, with a time limit and masked errors."""
        seconds = self.settings.timeout_seconds
        try:
            check_length(query, self.settings)
            async with asyncio.timeout(seconds):
                result = await super().execute(query, *args, **kwargs)
        except LimitExceededError as too_long:
            result = _failed(too_long)
        except TimeoutError:
            error = OperationTimeoutError(
                f"the operation took longer than {seconds:g} s (server.graphql.timeout_seconds); a mutation may still "
                "have happened",
                limit=seconds,
                setting="server.graphql.timeout_seconds",
            )
            result = _failed(error)
        except (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError) as error:
            result = _failed(_unusable(error))
        return self._masked(result, kwargs.get("context_value"))

    async def stream(self, query: str | None, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """As strawberry's, with masked errors; a query or mutation on a stream is executed as anywhere else."""
        context = kwargs.get("context_value")
        if isinstance(context, SocketContext):
            try:
                context = kwargs["context_value"] = await context.for_operation()
            except TestBenchError as error:
                return self._one(_failed(error), context)
        if not self._is_subscription(query, kwargs.get("operation_name")):
            return self._one(await self.execute(query, *args, **kwargs), None)
        return self._masked_stream(await super().stream(query, *args, **kwargs), context)

    async def _one(self, result: Any, context: Any) -> AsyncGenerator[Any, None]:
        yield self._masked(result, context) if context is not None else result

    async def _masked_stream(self, source: Any, context: Any) -> AsyncGenerator[Any, None]:
        try:
            async for result in source:
                yield self._masked(result, context)
        except Exception as error:  # noqa: BLE001  (whatever a hook raised: it must be masked, too)
            yield self._masked(_failed(error), context)
        finally:
            await source.aclose()

    def _is_subscription(self, query: str | None, operation_name: str | None) -> bool:
        try:
            check_length(query, self.settings)
            document = parse(query or "", no_location=True, max_tokens=self.settings.max_tokens)
            return get_operation_type(document, operation_name) is OperationType.SUBSCRIPTION
        except (
            GraphQLError,
            RuntimeError,
            LimitExceededError,
        ):  # executing it says what is wrong; RecursionError is a RuntimeError
            return False

    def _masked(self, result: Any, context: Any) -> Any:
        if result.errors:
            request_id = getattr(context, "request_id", "")
            result.errors = masked(result.errors, request_id, suggestions=self.introspection)
        return result


def _failed(error: Exception) -> PreExecutionError:
    return PreExecutionError(data=None, errors=[GraphQLError(str(error), original_error=error)])


def _unusable(error: Exception) -> TestBenchError:
    if isinstance(error, InvalidOperationTypeError):
        return MethodNotAllowedError(error.as_http_error_reason("GET"), allowed="POST")
    if isinstance(error, CannotGetOperationTypeError):
        return InvalidRequestError(error.as_http_error_reason())
    return InvalidRequestError("there is no `query` in the request")


def build_schema(settings: GraphQLSettings, *, production: bool = False) -> GuardedSchema:
    """The schema for these settings.

    Raises:
        TypeError: a field declares no permission.
    """
    wanted = settings.enable_introspection
    return _built(settings, introspection=not production if wanted is None else wanted)


@lru_cache(4)  # a schema holds no state, and making one takes 0.2 s
def _built(settings: GraphQLSettings, *, introspection: bool) -> GuardedSchema:
    return GuardedSchema(settings, introspection=introspection)


def schema_text() -> str:
    """The schema as text, as it is committed."""
    return build_schema(GraphQLSettings()).as_str() + "\n"
