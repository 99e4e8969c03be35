"""Options of `bench`: how much load there is, and when it ends."""

from pathlib import Path
from typing import Annotated, Literal

import typer

_LOAD = "Load"
_WINDOW = "Steady window, shown beside the whole run"
_STOP = "End of the run (whichever comes first)"

Concurrency = Annotated[
    int | None,
    typer.Option(
        help="Users that each wait for their answer (default 1); with --rate, cap on requests in flight.",
        rich_help_panel=_LOAD,
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(help="Requests per second, started whatever the server does.", rich_help_panel=_LOAD),
]
Arrival = Annotated[
    Literal["poisson", "constant", "gamma"],
    typer.Option(help="Gaps between arrivals of an open loop.", rich_help_panel=_LOAD),
]
Burstiness = Annotated[
    float | None,
    typer.Option(help="Shape of gamma gaps: 1 is Poisson, below it arrivals come in bursts.", rich_help_panel=_LOAD),
]
RampTo = Annotated[
    float | None,
    typer.Option(help="Let --rate grow (or shrink) to this over --ramp-seconds.", rich_help_panel=_LOAD),
]
RampSeconds = Annotated[float | None, typer.Option(help="Length of the ramp.", rich_help_panel=_LOAD)]
RampCurve = Annotated[Literal["linear", "exponential"], typer.Option(help="Form of the ramp.", rich_help_panel=_LOAD)]
RateSteps = Annotated[str | None, typer.Option(help="RATE:SECONDS,… one after another.", rich_help_panel=_LOAD)]
ConcurrencySteps = Annotated[str | None, typer.Option(help="USERS:SECONDS,… one after another.", rich_help_panel=_LOAD)]
Spike = Annotated[
    str | None,
    typer.Option(help="RATE@BEGIN+SECONDS: another rate than --rate for a while.", rich_help_panel=_LOAD),
]
RampUp = Annotated[
    float | None,
    typer.Option(help="Seconds over which the users of --concurrency join.", rich_help_panel=_LOAD),
]
Trace = Annotated[
    Path | None,
    typer.Option(
        help="Replay a recorded trace: instants and lengths of an Azure, BurstGPT (CSV) or Mooncake (JSONL) file; "
        "--requests and --duration take only its beginning.",
        rich_help_panel=_LOAD,
    ),
]
TraceSpeed = Annotated[float, typer.Option(help="2 replays the trace in half the time.", rich_help_panel=_LOAD)]
TraceFormat = Annotated[
    Literal["auto", "azure", "burstgpt", "mooncake"],
    typer.Option(help="Format of the trace; auto tells it by its content.", rich_help_panel=_LOAD),
]
MaxRequestsPerMinute = Annotated[
    float | None,
    typer.Option(help="Start no more; those held back show it as schedule delay.", rich_help_panel=_LOAD),
]
MaxTokensPerMinute = Annotated[
    float | None, typer.Option(help="The same for input and output tokens.", rich_help_panel=_LOAD)
]
Workers = Annotated[int, typer.Option(help="Engine processes; each wants a core of its own.", rich_help_panel=_LOAD)]
Seed = Annotated[int, typer.Option(help="Same seed, same schedule and prompts.", rich_help_panel=_LOAD)]
Requests = Annotated[int | None, typer.Option(help="Requests to start.", rich_help_panel=_STOP)]
Duration = Annotated[float | None, typer.Option(help="Seconds after which no request starts.", rich_help_panel=_STOP)]
Warmup = Annotated[
    float | None,
    typer.Option(help="Seconds at the start that are not steady (default: found).", rich_help_panel=_WINDOW),
]
Cooldown = Annotated[
    float | None,
    typer.Option(help="Seconds at the end that are not steady (default: found).", rich_help_panel=_WINDOW),
]
BudgetUsd = Annotated[
    float | None,
    typer.Option(
        help="US dollars, by list prices: refused when the estimate is above, stopped when the cost reaches it.",
        rich_help_panel=_STOP,
    ),
]
