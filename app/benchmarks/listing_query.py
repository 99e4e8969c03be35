"""The query parameters of listings of benchmarks, as dependencies: every route that lists takes the same."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from pydantic import AwareDatetime, Field

from app.benchmarks.listing import (
    MAX_IDS,
    CertificateVerdict,
    Direction,
    Filters,
    LoadKind,
    Order,
    Sort,
)
from app.benchmarks.states import Status

_MAX_VALUES = 32


async def wanted(
    *,
    status: Annotated[
        list[Status] | None, Query(max_length=_MAX_VALUES, description="Only those in this state, or one of these.")
    ] = None,
    provider: Annotated[
        str | None, Query(description="Only those with a target at this provider.", max_length=64)
    ] = None,
    model: Annotated[str | None, Query(description="Only those with a target of this model.", max_length=200)] = None,
    tag: Annotated[
        list[Annotated[str, Field(max_length=64)]] | None,
        Query(max_length=_MAX_VALUES, description="Only those with this tag, or with all of these."),
    ] = None,
    q: Annotated[
        str | None,
        Query(
            description="Only those with each of these words in their name, a tag, a provider or a model.",
            max_length=200,
        ),
    ] = None,
    owner: Annotated[str | None, Query(description="Only those of the user with this name.", max_length=64)] = None,
    load: Annotated[
        list[LoadKind] | None, Query(max_length=_MAX_VALUES, description="Only those with this kind of load.")
    ] = None,
    verdict: Annotated[
        list[CertificateVerdict] | None,
        Query(max_length=_MAX_VALUES, description="Only those whose instrument says this of its measurement."),
    ] = None,
    created_from: Annotated[AwareDatetime | None, Query(description="Not submitted before this moment.")] = None,
    created_before: Annotated[AwareDatetime | None, Query(description="Submitted before this moment.")] = None,
    min_error_rate: Annotated[
        float | None, Query(ge=0, le=1, description="At least this share of requests failed.")
    ] = None,
    max_error_rate: Annotated[
        float | None, Query(ge=0, le=1, description="At most this share of requests failed.")
    ] = None,
    id_: Annotated[
        list[UUID] | None, Query(alias="id", max_length=MAX_IDS, description="Only these of those that fit.")
    ] = None,
) -> Filters:
    """What the listing is narrowed to; raises `InvalidRequestError`."""
    return Filters(
        status=status or (),
        provider=provider,
        model=model,
        tag=tag or (),
        text=q,
        owner=owner,
        load=load or (),
        verdict=verdict or (),
        created_from=created_from,
        created_before=created_before,
        min_error_rate=min_error_rate,
        max_error_rate=max_error_rate,
        ids=id_ or (),
    ).checked()


async def ordered(
    sort: Annotated[
        Sort, Query(description="By what; rows without it come last in both directions, those of equal value by id.")
    ] = Sort.CREATED,
    order: Annotated[
        Direction | None, Query(description="`asc` or `desc`; without it newest and largest first.")
    ] = None,
) -> Order:
    """The order of the listing."""
    return Order(sort, order or usual_direction(sort))


def usual_direction(sort: Sort) -> Direction:
    """Texts begin at A, times with the newest, numbers with the largest."""
    texts = {Sort.NAME, Sort.STATUS, Sort.TARGET, Sort.LOAD, Sort.VERDICT, Sort.OWNER, Sort.TAGS}
    return Direction.ASC if sort in texts else Direction.DESC


Wanted = Annotated[Filters, Depends(wanted)]
Ordered = Annotated[Order, Depends(ordered)]
