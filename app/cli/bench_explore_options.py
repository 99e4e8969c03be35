"""Options of `bench`: several levels of load, and what each must meet."""

from typing import Annotated

import typer

_EXPLORE = "Several levels of load (the end of the run holds for each)"
_LIMITS = "Service levels: a request is good when it meets all of them"

SloTtftMs = Annotated[float | None, typer.Option(help="Longest time to first token.", rich_help_panel=_LIMITS)]
SloTpotMs = Annotated[float | None, typer.Option(help="Longest time per output token.", rich_help_panel=_LIMITS)]
SloE2eMs = Annotated[float | None, typer.Option(help="Longest time to the last chunk.", rich_help_panel=_LIMITS)]
Sweep = Annotated[
    str | None,
    typer.Option(
        help="Measure at several levels: concurrency=1,2,4,8, rate=1..32*2 (doubling) or rate=1..10+1 (counting).",
        rich_help_panel=_EXPLORE,
    ),
]
Search = Annotated[
    str | None,
    typer.Option(
        help="Find the highest level that meets --require: concurrency=1..256 or rate=0.5..50.",
        rich_help_panel=_EXPLORE,
    ),
]
Require = Annotated[
    list[str],
    typer.Option(
        help="What a level must meet, such as 'p95 ttft_ms < 500'; repeatable, all must be met.",
        rich_help_panel=_EXPLORE,
    ),
]
MaxErrorRate = Annotated[
    float | None,
    typer.Option(
        help="Share of requests that may fail, such as 0.01; without it, a failed request counts as a slow one.",
        rich_help_panel=_EXPLORE,
    ),
]
Confidence = Annotated[
    float | None,
    typer.Option(help="With which each criterion must be known to be met (default 0.95).", rich_help_panel=_EXPLORE),
]
Tolerance = Annotated[
    float | None,
    typer.Option(help="Know the answer to this share of itself (default 0.05).", rich_help_panel=_EXPLORE),
]
MaxPoints = Annotated[int | None, typer.Option(help="Levels to try at most (default 16).", rich_help_panel=_EXPLORE)]
