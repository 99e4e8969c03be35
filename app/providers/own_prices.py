"""Prices of one's own out of the settings. Light to import: the command line uses it without a database."""

from app.adapters.price_list import Override, PriceList
from app.core.provider_settings import ProviderSettings


def price_list(settings: ProviderSettings) -> PriceList:
    """The prices of one's own."""
    return PriceList(
        tuple(
            Override(
                kind=entry.kind,
                model=entry.model,
                input=entry.input,
                output=entry.output,
                cache_read=entry.cache_read,
                cache_write=entry.cache_write,
                cache_write_1h=entry.cache_write_1h,
                reasoning=entry.reasoning,
                per_request=entry.per_request,
                as_of=entry.as_of,
            )
            for entry in settings.prices
        )
    )
