"""Prices of one's own: they win over the public list prices. Pure, exact arithmetic."""

from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase

import msgspec

from app.adapters.base import Buckets

MILLION = Decimal(1_000_000)


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars per million tokens of models of one kind, as of a day; `model` is a shell pattern.

    None means: cached input costs as `input`, what is written to be kept for an hour as `cache_write`, reasoning as
    `output`. Audio costs as other input and output.
    """

    kind: str
    model: str
    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    reasoning: Decimal | None = None
    per_request: Decimal = Decimal(0)
    as_of: date

    def cost_usd(self, buckets: Buckets) -> Decimal:
        """Exact cost of one request."""
        for_an_hour = buckets.cache_write_1h or 0
        write = self.input if self.cache_write is None else self.cache_write
        counts = (
            (buckets.uncached_input, self.input),
            (buckets.cache_read, self.input if self.cache_read is None else self.cache_read),
            ((buckets.cache_write or 0) - for_an_hour, write),
            (for_an_hour, write if self.cache_write_1h is None else self.cache_write_1h),
            (buckets.visible_output, self.output),
            (buckets.reasoning, self.output if self.reasoning is None else self.reasoning),
        )
        return sum(((count or 0) * price for count, price in counts), Decimal(0)) / MILLION + self.per_request


class PriceList(msgspec.Struct, frozen=True):
    """Overrides; the first that fits wins."""

    overrides: tuple[Override, ...] = ()

    def find(self, kind: str, model: str) -> Override | None:
        """The override for a model of a kind."""
        for entry in self.overrides:
            if entry.kind == kind and fnmatchcase(model, entry.model):
                return entry
        return None
