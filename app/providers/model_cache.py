"""Model lists that were fetched a while ago, in bounded memory."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from app.providers.models import Provider
from app.providers.schemas import ModelList

MAX_LISTS = 200  # of at most some thousand models each


class _Kept(NamedTuple):
    updated_at: datetime
    models: ModelList


class ModelCache:
    """The newest list of each provider, until it is too old or the provider was changed."""

    def __init__(self, kept_seconds: float) -> None:
        self._kept_for = timedelta(seconds=kept_seconds)
        self._lists: dict[UUID, _Kept] = {}

    def get(self, provider: Provider, now: datetime) -> ModelList | None:
        """What still holds."""
        kept = self._lists.get(provider.id)
        if kept is None or kept.updated_at != provider.updated_at:
            return None
        return kept.models if timedelta(0) <= now - kept.models.fetched_at < self._kept_for else None

    def put(self, provider: Provider, models: ModelList) -> None:
        """Keep a list; when there are too many, the one that was fetched first goes."""
        self._lists.pop(provider.id, None)
        if len(self._lists) >= MAX_LISTS:
            self._lists.pop(next(iter(self._lists)))
        self._lists[provider.id] = _Kept(provider.updated_at, models)
