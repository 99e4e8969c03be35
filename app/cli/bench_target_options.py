"""Options of `bench`: whom a benchmark asks, and where it runs."""

from pathlib import Path
from typing import Annotated

import typer

_TARGET = "Target"
_SERVER = "Run on a server instead of here"

Model = Annotated[
    str | None, typer.Option(help="Model to ask for; needed unless --spec names it.", rich_help_panel=_TARGET)
]
Provider = Annotated[
    str,
    typer.Option(
        help="Kind of provider (openai, vllm, …); with --server, the name of a provider configured there.",
        rich_help_panel=_TARGET,
    ),
]
ProviderFile = Annotated[
    Path | None,
    typer.Option(help="Speak to a custom provider as this TOML file describes it.", rich_help_panel=_TARGET),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(help="Address of the API, such as http://127.0.0.1:8000/v1.", rich_help_panel=_TARGET),
]
ApiKeyEnv = Annotated[
    str | None,
    typer.Option(
        help="Environment variable that holds the provider's key; without this option no key is sent.",
        rich_help_panel=_TARGET,
    ),
]
Header = Annotated[list[str], typer.Option(help="Further header, 'Name: value'; repeatable.", rich_help_panel=_TARGET)]
Insecure = Annotated[bool, typer.Option("--insecure", help="Accept any TLS certificate.", rich_help_panel=_TARGET)]
CaFile = Annotated[Path | None, typer.Option(help="Further certificate authorities, PEM.", rich_help_panel=_TARGET)]
ServerAddress = Annotated[
    str | None,
    typer.Option(help="Address of an LLM Test Bench server.", envvar="LLM_TEST_BENCH_SERVER", rich_help_panel=_SERVER),
]
ServerKey = Annotated[
    str | None,
    typer.Option(help="API key of that server (ltb_…).", envvar="LLM_TEST_BENCH_API_KEY", rich_help_panel=_SERVER),
]
