"""Loaders: what resolvers of one level ask for one by one is asked of a service once.

They keep nothing between batches, so a long subscription never answers from long ago.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from app.accounts.caller import Caller
from app.benchmarks.result_counts import Kept
from app.benchmarks.result_views import ResultItem
from app.benchmarks.service import BenchmarkService
from app.benchmarks.views import BenchmarkListItem, Timeline
from app.core.pagination import Page
from app.providers.schemas import ProviderView
from app.providers.service import ProviderService

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MAX_BATCH = 100


def _loader(find: Callable[[list[Key]], Awaitable[Mapping[Key, Value]]]) -> DataLoader[Key, Value | None]:
    async def load(keys: list[Key]) -> list[Value | None]:
        found = await find(list(dict.fromkeys(keys)))
        return [found.get(key) for key in keys]

    return DataLoader(load_fn=load, cache=False, max_batch_size=MAX_BATCH)


class Loaders:
    """The loaders of one operation."""

    def __init__(self, benchmarks: BenchmarkService, providers: ProviderService, caller: Caller) -> None:
        many = benchmarks.many
        self.providers: DataLoader[str, ProviderView | None] = _loader(providers.find_many)
        self.benchmarks: DataLoader[UUID, BenchmarkListItem | None] = _loader(lambda ids: many.heads(caller, ids))
        self.summaries: DataLoader[UUID, Any] = _loader(lambda ids: many.summaries(caller, ids))
        self.versions: DataLoader[UUID, int | None] = _loader(lambda ids: many.versions(caller, ids))
        self.specs: DataLoader[UUID, dict[str, Any] | None] = _loader(lambda ids: many.specs(caller, ids))
        self.timelines: DataLoader[UUID, Timeline | None] = _loader(lambda ids: many.timelines(caller, ids))
        self.result_counts: DataLoader[UUID, Kept | None] = _loader(
            lambda ids: benchmarks.result_counts.kept(caller, ids)
        )
        self._results: dict[int, DataLoader[UUID, Page[ResultItem] | None]] = {}
        self._result_service = benchmarks.results
        self._caller = caller

    def first_results(self, limit: int) -> DataLoader[UUID, Page[ResultItem] | None]:
        """The first `limit` results of benchmarks."""
        if limit not in self._results:
            service, caller = self._result_service, self._caller
            self._results[limit] = _loader(lambda ids: service.first_pages(caller, ids, limit=limit))
        return self._results[limit]
