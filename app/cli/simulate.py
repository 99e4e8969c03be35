# ruff: noqa: ARG001 - the parameters are the options, and are read through `context.params`
"""`llm-test-bench simulate`: the built-in server with known timings."""

from typing import Annotated

import typer

from app.cli.options import examples
from app.simulator.behaviour import Behaviour
from app.simulator.server import serve


def _help(name: str) -> str:
    return str(Behaviour.__dataclass_fields__[name].metadata["help"])


simulate_app = typer.Typer(add_completion=False, rich_markup_mode=None)


@simulate_app.command(
    "simulate",
    epilog=examples(
        "llm-test-bench simulate --port 9000 --ttft-ms 200 --itl-ms 20 --tokens 100 --log truth.jsonl",
        "llm-test-bench simulate --slots 8 --tokens 20   # a server that queues: something for `bench --search`",
        "llm-test-bench simulate --format anthropic --reasoning 20 --cache-read 0.5 --pings 10",
        "llm-test-bench simulate --format openai --format ollama --usage off",
        "llm-test-bench simulate --error-rate 0.1 --errors http_429,http_529,stream_error,cut",
        "llm-test-bench simulate --error-rate 0.05 --errors http_429,truncate,stall",
    ),
)
def simulate(
    context: typer.Context,
    host: Annotated[str, typer.Option(help=_help("host"))] = Behaviour.host,
    port: Annotated[int, typer.Option(help=_help("port"))] = Behaviour.port,
    ttft_ms: Annotated[float, typer.Option(help=_help("ttft_ms"))] = Behaviour.ttft_ms,
    itl_ms: Annotated[float, typer.Option(help=_help("itl_ms"))] = Behaviour.itl_ms,
    jitter: Annotated[float, typer.Option(help=_help("jitter"))] = Behaviour.jitter,
    tokens: Annotated[int, typer.Option(help=_help("tokens"))] = Behaviour.tokens,
    error_rate: Annotated[float, typer.Option(help=_help("error_rate"))] = Behaviour.error_rate,
    errors: Annotated[str, typer.Option(help=_help("errors"))] = Behaviour.errors,
    seed: Annotated[int, typer.Option(help=_help("seed"))] = Behaviour.seed,
    model: Annotated[str, typer.Option(help=_help("model"))] = Behaviour.model,
    api_key: Annotated[str | None, typer.Option(help=_help("api_key"))] = Behaviour.api_key,
    tokens_per_word: Annotated[float, typer.Option(help=_help("tokens_per_word"))] = Behaviour.tokens_per_word,
    overhead_tokens: Annotated[int, typer.Option(help=_help("overhead_tokens"))] = Behaviour.overhead_tokens,
    requests_log: Annotated[str | None, typer.Option(help=_help("requests_log"))] = Behaviour.requests_log,
    log: Annotated[str | None, typer.Option(help=_help("log"))] = Behaviour.log,
    slots: Annotated[int, typer.Option(help=_help("slots"))] = Behaviour.slots,
    certificate: Annotated[str | None, typer.Option(help=_help("certificate"))] = Behaviour.certificate,
    timings: Annotated[str, typer.Option(help=_help("timings"))] = Behaviour.timings,
    reasoning: Annotated[int, typer.Option(help=_help("reasoning"))] = Behaviour.reasoning,
    cache_read: Annotated[float, typer.Option(help=_help("cache_read"))] = Behaviour.cache_read,
    cache_write: Annotated[float, typer.Option(help=_help("cache_write"))] = Behaviour.cache_write,
    usage: Annotated[str, typer.Option(help=_help("usage"))] = Behaviour.usage,
    pings: Annotated[int, typer.Option(help=_help("pings"))] = Behaviour.pings,
    text: Annotated[str, typer.Option(help=_help("text"))] = Behaviour.text,
    rate_limit: Annotated[int, typer.Option(help=_help("rate_limit"))] = Behaviour.rate_limit,
    formats: Annotated[
        list[str], typer.Option("--format", metavar="NAME", help=_help("formats") + " Repeat it for several.")
    ] = [],  # noqa: B006 - typer copies it
) -> None:
    """Serve the wire formats of all providers with known timings, for trying benchmarks and checking measurements."""
    try:
        behaviour = Behaviour(**{**context.params, "formats": ",".join(formats)})
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None

    scheme = "https" if certificate else "http"

    def on_listening(port: int) -> None:
        print(f"simulating {model!r} at {scheme}://{host}:{port}/v1 (Ctrl-C stops)", flush=True)

    try:
        simulator = serve(behaviour, on_listening)
    except OSError as error:
        print(f"cannot serve on {host}:{port}: {error.strerror or error}")
        raise typer.Exit(1) from None
    p50, p99, worst = (value / 1e6 for value in simulator.send_lag.facts().values())
    print(
        f"answered {simulator.requests} requests; bytes left {p50:.3f} ms (p50), {p99:.3f} ms (p99), "
        f"{worst:.3f} ms (max) after their time"
    )
