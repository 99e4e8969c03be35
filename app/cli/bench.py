# ruff: noqa: ARG001 - the parameters are the options, and are read through `context.params`
"""`llm-test-bench bench`: one benchmark, run here or submitted to a server."""

from pathlib import Path
from typing import Annotated, Literal

import typer

_LOAD = "Load"
_WINDOW = "Steady window, shown beside the whole run"
_STOP = "End of the run (whichever comes first)"
_EXPLORE = "Several levels of load (the end of the run holds for each)"
_WORK = "Prompts (default: made up, 128 tokens in and 128 out)"
_REQUEST = "Requests"
_LIMITS = "Service levels: a request is good when it meets all of them"
_TARGET = "Target"
_OUTPUT = "Output"
_SERVER = "Run on a server instead of here"

_EPILOG = """
Examples:

llm-test-bench bench --base-url http://127.0.0.1:8000/v1 --model llama --concurrency 64 --requests 1000 --output out

llm-test-bench bench --provider openai --api-key-env OPENAI_API_KEY --model gpt-4o-mini --rate 5 --duration 60

llm-test-bench bench --base-url … --model llama --requests 400 --search concurrency=1..256 --require "p95 ttft < 500"

Exit codes: 0 done, 1 failed (also when no request succeeded, or no level meets --require), 2 bad usage,
130 interrupted.

llm-test-bench bench --preset saturation-search --base-url http://127.0.0.1:8000/v1 --model llama --dry-run

llm-test-bench bench --replay out/bundle.json --base-url http://127.0.0.1:8001/v1 --output again

Ctrl-C stops cleanly and writes what was measured; a second Ctrl-C leaves at once.
"""

bench_app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@bench_app.command("bench", epilog=_EPILOG)
def bench(
    context: typer.Context,
    model: Annotated[
        str | None, typer.Option(help="Model to ask for; needed unless --spec names it.", rich_help_panel=_TARGET)
    ] = None,
    provider: Annotated[
        str,
        typer.Option(
            help="Kind of provider (openai, vllm, …); with --server, the name of a provider configured there.",
            rich_help_panel=_TARGET,
        ),
    ] = "openai-compatible",
    provider_file: Annotated[
        Path | None,
        typer.Option(help="Speak to a custom provider as this TOML file describes it.", rich_help_panel=_TARGET),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(help="Address of the API, such as http://127.0.0.1:8000/v1.", rich_help_panel=_TARGET),
    ] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(
            help="Environment variable that holds the provider's key; without this option no key is sent.",
            rich_help_panel=_TARGET,
        ),
    ] = None,
    header: Annotated[
        list[str], typer.Option(help="Further header, 'Name: value'; repeatable.", rich_help_panel=_TARGET)
    ] = [],  # noqa: B006 - typer copies it
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Accept any TLS certificate.", rich_help_panel=_TARGET)
    ] = False,
    ca_file: Annotated[
        Path | None, typer.Option(help="Further certificate authorities, PEM.", rich_help_panel=_TARGET)
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            help="Users that each wait for their answer (default 1); with --rate, cap on requests in flight.",
            rich_help_panel=_LOAD,
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Requests per second, started whatever the server does.", rich_help_panel=_LOAD),
    ] = None,
    arrival: Annotated[
        Literal["poisson", "constant", "gamma"],
        typer.Option(help="Gaps between arrivals of an open loop.", rich_help_panel=_LOAD),
    ] = "poisson",
    burstiness: Annotated[
        float | None,
        typer.Option(
            help="Shape of gamma gaps: 1 is Poisson, below it arrivals come in bursts.", rich_help_panel=_LOAD
        ),
    ] = None,
    ramp_to: Annotated[
        float | None,
        typer.Option(help="Let --rate grow (or shrink) to this over --ramp-seconds.", rich_help_panel=_LOAD),
    ] = None,
    ramp_seconds: Annotated[float | None, typer.Option(help="Length of the ramp.", rich_help_panel=_LOAD)] = None,
    ramp_curve: Annotated[
        Literal["linear", "exponential"], typer.Option(help="Form of the ramp.", rich_help_panel=_LOAD)
    ] = "linear",
    rate_steps: Annotated[
        str | None, typer.Option(help="RATE:SECONDS,… one after another.", rich_help_panel=_LOAD)
    ] = None,
    concurrency_steps: Annotated[
        str | None, typer.Option(help="USERS:SECONDS,… one after another.", rich_help_panel=_LOAD)
    ] = None,
    spike: Annotated[
        str | None,
        typer.Option(help="RATE@BEGIN+SECONDS: another rate than --rate for a while.", rich_help_panel=_LOAD),
    ] = None,
    ramp_up: Annotated[
        float | None,
        typer.Option(help="Seconds over which the users of --concurrency join.", rich_help_panel=_LOAD),
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(
            help="Replay a recorded trace: instants and lengths of an Azure, BurstGPT (CSV) or Mooncake (JSONL) file; "
            "--requests and --duration take only its beginning.",
            rich_help_panel=_LOAD,
        ),
    ] = None,
    trace_speed: Annotated[
        float, typer.Option(help="2 replays the trace in half the time.", rich_help_panel=_LOAD)
    ] = 1.0,
    trace_format: Annotated[
        Literal["auto", "azure", "burstgpt", "mooncake"],
        typer.Option(help="Format of the trace; auto tells it by its content.", rich_help_panel=_LOAD),
    ] = "auto",
    max_requests_per_minute: Annotated[
        float | None,
        typer.Option(help="Start no more; those held back show it as schedule delay.", rich_help_panel=_LOAD),
    ] = None,
    max_tokens_per_minute: Annotated[
        float | None, typer.Option(help="The same for input and output tokens.", rich_help_panel=_LOAD)
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Engine processes; each wants a core of its own.", rich_help_panel=_LOAD)
    ] = 1,
    seed: Annotated[int, typer.Option(help="Same seed, same schedule and prompts.", rich_help_panel=_LOAD)] = 0,
    requests: Annotated[int | None, typer.Option(help="Requests to start.", rich_help_panel=_STOP)] = None,
    duration: Annotated[
        float | None, typer.Option(help="Seconds after which no request starts.", rich_help_panel=_STOP)
    ] = None,
    warmup: Annotated[
        float | None,
        typer.Option(help="Seconds at the start that are not steady (default: found).", rich_help_panel=_WINDOW),
    ] = None,
    cooldown: Annotated[
        float | None,
        typer.Option(help="Seconds at the end that are not steady (default: found).", rich_help_panel=_WINDOW),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="The same prompt for every request.", rich_help_panel=_WORK)
    ] = None,
    image: Annotated[
        list[str],
        typer.Option(
            help="Show this with --prompt: an image file (png, jpeg, gif, webp), or a URL that the provider fetches; "
            "repeatable.",
            rich_help_panel=_WORK,
        ),
    ] = [],  # noqa: B006
    audio: Annotated[
        list[str],
        typer.Option(help="The same with a sound file: wav, mp3, ogg or flac; repeatable.", rich_help_panel=_WORK),
    ] = [],  # noqa: B006
    images: Annotated[
        int | None, typer.Option(help="Made-up images in each made-up prompt.", rich_help_panel=_WORK)
    ] = None,
    image_size: Annotated[
        str | None, typer.Option(help="Their size in pixels (default 512x512).", rich_help_panel=_WORK)
    ] = None,
    audio_seconds: Annotated[
        float | None, typer.Option(help="A made-up sound of this length in each.", rich_help_panel=_WORK)
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(
            help="Prompts taken in turn, from .txt (one a line), .csv, .tsv, .json, .jsonl or .yaml: texts, objects "
            "with prompt, text, question or messages (and image or audio: a path, URL or data: URI), OpenAI batch "
            "lines, ShareGPT chats.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    dataset_column: Annotated[
        str | None,
        typer.Option(help="Column or key of --dataset that holds the prompt.", rich_help_panel=_WORK),
    ] = None,
    dataset_limit: Annotated[
        int | None, typer.Option(help="Take no more entries of --dataset than this.", rich_help_panel=_WORK)
    ] = None,
    dataset_shuffle: Annotated[
        bool,
        typer.Option("--dataset-shuffle", help="Shuffle --dataset, by --seed, first.", rich_help_panel=_WORK),
    ] = False,
    input_tokens: Annotated[
        str | None,
        typer.Option(
            help="Made-up prompts of about this length, all different: 512, normal:512,100, lognormal:512,200, "
            "uniform:100-500 or empirical:FILE.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    output_tokens: Annotated[
        str | None,
        typer.Option(help="Tokens to ask for with made-up prompts, likewise.", rich_help_panel=_WORK),
    ] = None,
    prefix_tokens: Annotated[
        int | None,
        typer.Option(help="Begin made-up prompts with a shared prefix of this length.", rich_help_panel=_WORK),
    ] = None,
    prefix_groups: Annotated[
        int | None, typer.Option(help="Different shared prefixes (default 1).", rich_help_panel=_WORK)
    ] = None,
    uniqueness: Annotated[
        float | None,
        typer.Option(
            help="Share of prompts whose part behind the prefix is their own (default 1).", rich_help_panel=_WORK
        ),
    ] = None,
    turns: Annotated[
        str | None,
        typer.Option(
            help="Conversations of so many requests, made up; with --dataset, of its chats: a number or all.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    think_seconds: Annotated[
        float | None, typer.Option(help="Pause between an answer and the next turn.", rich_help_panel=_WORK)
    ] = None,
    think_distribution: Annotated[
        Literal["fixed", "exponential"] | None,
        typer.Option(help="How pauses differ (default fixed).", rich_help_panel=_WORK),
    ] = None,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="Ask for embeddings of the prompts.", rich_help_panel=_WORK)
    ] = False,
    batch_size: Annotated[
        int | None, typer.Option(help="Texts in one embeddings request (default 1).", rich_help_panel=_WORK)
    ] = None,
    words_per_token: Annotated[
        float | None,
        typer.Option(
            help="Words of made-up text per token; by default a few probe requests find it out.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    system: Annotated[str | None, typer.Option(help="System message.", rich_help_panel=_REQUEST)] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Cap on output tokens.", rich_help_panel=_REQUEST)] = None,
    temperature: Annotated[float | None, typer.Option(help="0 to 2.", rich_help_panel=_REQUEST)] = None,
    top_p: Annotated[float | None, typer.Option(help="Above 0, up to 1.", rich_help_panel=_REQUEST)] = None,
    stream: Annotated[
        bool, typer.Option("--stream/--no-stream", help="Ask for a streamed answer.", rich_help_panel=_REQUEST)
    ] = True,
    timeout: Annotated[
        float | None,
        typer.Option(help="Seconds for a whole request (default 600).", rich_help_panel=_REQUEST),
    ] = None,
    max_attempts: Annotated[
        int, typer.Option(help="Tries per request; 1 never retries.", rich_help_panel=_REQUEST)
    ] = 1,
    slo_ttft_ms: Annotated[
        float | None, typer.Option(help="Longest time to first token.", rich_help_panel=_LIMITS)
    ] = None,
    slo_tpot_ms: Annotated[
        float | None, typer.Option(help="Longest time per output token.", rich_help_panel=_LIMITS)
    ] = None,
    slo_e2e_ms: Annotated[
        float | None, typer.Option(help="Longest time to the last chunk.", rich_help_panel=_LIMITS)
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(
            help="Measure at several levels: concurrency=1,2,4,8, rate=1..32*2 (doubling) or rate=1..10+1 (counting).",
            rich_help_panel=_EXPLORE,
        ),
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(
            help="Find the highest level that meets --require: concurrency=1..256 or rate=0.5..50.",
            rich_help_panel=_EXPLORE,
        ),
    ] = None,
    require: Annotated[
        list[str],
        typer.Option(
            help="What a level must meet, such as 'p95 ttft_ms < 500'; repeatable, all must be met.",
            rich_help_panel=_EXPLORE,
        ),
    ] = [],  # noqa: B006
    max_error_rate: Annotated[
        float | None,
        typer.Option(
            help="Share of requests that may fail, such as 0.01; without it, a failed request counts as a slow one.",
            rich_help_panel=_EXPLORE,
        ),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(
            help="With which each criterion must be known to be met (default 0.95).", rich_help_panel=_EXPLORE
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(help="Know the answer to this share of itself (default 0.05).", rich_help_panel=_EXPLORE),
    ] = None,
    max_points: Annotated[
        int | None, typer.Option(help="Levels to try at most (default 16).", rich_help_panel=_EXPLORE)
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            help="US dollars, by list prices: refused when the estimate is above, stopped when the cost reaches it.",
            rich_help_panel=_STOP,
        ),
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option(
            help="A whole spec, .json, .yaml or .toml (or a summary.json); - reads JSON from standard input. "
            "Other options go over it.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="A ready-made spec (see --list-presets); other options go over it.", rich_help_panel=_OUTPUT),
    ] = None,
    list_presets: Annotated[
        bool, typer.Option("--list-presets", help="List the ready-made specs and leave.", rich_help_panel=_OUTPUT)
    ] = False,
    print_spec: Annotated[
        bool,
        typer.Option("--print-spec", help="Print the whole spec as JSON and leave.", rich_help_panel=_OUTPUT),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Say what would run, how long, and at what cost, and leave; with --server the service says so.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the benchmark.", rich_help_panel=_OUTPUT)] = None,
    tag: Annotated[list[str], typer.Option(help="Tag; repeatable.", rich_help_panel=_OUTPUT)] = [],  # noqa: B006
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for results.jsonl and summary.json; replaces those there.", rich_help_panel=_OUTPUT),
    ] = None,
    export: Annotated[
        str,
        typer.Option(help="Formats for --output: jsonl, csv, json, separated by commas.", rich_help_panel=_OUTPUT),
    ] = "jsonl",
    save_responses: Annotated[
        bool, typer.Option("--save-responses", help="Keep response texts.", rich_help_panel=_OUTPUT)
    ] = False,
    save_gaps: Annotated[
        bool,
        typer.Option("--save-gaps", help="Keep every chunk gap as gaps_ms in results.jsonl.", rich_help_panel=_OUTPUT),
    ] = False,
    propagate_trace: Annotated[
        bool,
        typer.Option(
            "--propagate-trace",
            help="Send a W3C traceparent with each request; its trace is that of TRACEPARENT, or a new one.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No live view, only the summary.", rich_help_panel=_OUTPUT)
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON on standard output.", rich_help_panel=_OUTPUT)
    ] = False,
    replay: Annotated[
        Path | None,
        typer.Option(
            help="Repeat the run of this bundle.json exactly; only options of the target and the output go with it.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            help="Address of an LLM Test Bench server.", envvar="LLM_TEST_BENCH_SERVER", rich_help_panel=_SERVER
        ),
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(help="API key of that server (ltb_…).", envvar="LLM_TEST_BENCH_API_KEY", rich_help_panel=_SERVER),
    ] = None,
) -> None:
    """Run one benchmark and print what was measured, with the instrument's own error beside it."""
    from app.cli.bench_spec import BenchOptions  # noqa: PLC0415 - help stays fast

    if replay is not None:
        from app.cli.replay import replay_bundle  # noqa: PLC0415

        raise typer.Exit(replay_bundle(context, replay))
    if list_presets:
        from app.cli import bench_preview  # noqa: PLC0415

        raise typer.Exit(bench_preview.list_presets(as_json=as_json))
    from app.cli.provider_file import with_provider_file  # noqa: PLC0415
    from app.cli.spec_file import given_options, with_spec_file  # noqa: PLC0415

    modes = {"replay", "list_presets", "print_spec", "dry_run"}
    params = {name: value for name, value in context.params.items() if name not in modes}
    given = given_options(context)
    options = BenchOptions(**with_spec_file(with_provider_file(params, given), given))
    if print_spec or dry_run:
        from app.cli import bench_preview  # noqa: PLC0415

        raise typer.Exit(bench_preview.print_spec(options) if print_spec else bench_preview.dry_run(options))
    if options.server:
        from app.cli.bench_remote import run_on_server  # noqa: PLC0415

        raise typer.Exit(run_on_server(options))
    from app.cli.bench_local import run_here  # noqa: PLC0415

    raise typer.Exit(run_here(options))
