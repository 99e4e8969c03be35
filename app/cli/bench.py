# ruff: noqa: ARG001 - the parameters are the options, and are read through `context.params`
"""`llm-test-bench bench`: one benchmark, run here or submitted to a server."""

import typer

from app.cli import (
    bench_explore_options as explore,
)
from app.cli import (
    bench_load_options as load,
)
from app.cli import (
    bench_output_options as output,
)
from app.cli import (
    bench_target_options as target,
)
from app.cli import (
    bench_work_options as work,
)

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
    model: target.Model = None,
    provider: target.Provider = "openai-compatible",
    provider_file: target.ProviderFile = None,
    base_url: target.BaseUrl = None,
    api_key_env: target.ApiKeyEnv = None,
    header: target.Header = [],  # noqa: B006
    insecure: target.Insecure = False,
    ca_file: target.CaFile = None,
    concurrency: load.Concurrency = None,
    rate: load.Rate = None,
    arrival: load.Arrival = "poisson",
    burstiness: load.Burstiness = None,
    ramp_to: load.RampTo = None,
    ramp_seconds: load.RampSeconds = None,
    ramp_curve: load.RampCurve = "linear",
    rate_steps: load.RateSteps = None,
    concurrency_steps: load.ConcurrencySteps = None,
    spike: load.Spike = None,
    ramp_up: load.RampUp = None,
    trace: load.Trace = None,
    trace_speed: load.TraceSpeed = 1.0,
    trace_format: load.TraceFormat = "auto",
    max_requests_per_minute: load.MaxRequestsPerMinute = None,
    max_tokens_per_minute: load.MaxTokensPerMinute = None,
    workers: load.Workers = 1,
    seed: load.Seed = 0,
    requests: load.Requests = None,
    duration: load.Duration = None,
    warmup: load.Warmup = None,
    cooldown: load.Cooldown = None,
    prompt: work.Prompt = None,
    image: work.Image = [],  # noqa: B006
    audio: work.Audio = [],  # noqa: B006
    images: work.Images = None,
    image_size: work.ImageSize = None,
    audio_seconds: work.AudioSeconds = None,
    dataset: work.Dataset = None,
    dataset_column: work.DatasetColumn = None,
    dataset_limit: work.DatasetLimit = None,
    dataset_shuffle: work.DatasetShuffle = False,
    input_tokens: work.InputTokens = None,
    output_tokens: work.OutputTokens = None,
    prefix_tokens: work.PrefixTokens = None,
    prefix_groups: work.PrefixGroups = None,
    uniqueness: work.Uniqueness = None,
    turns: work.Turns = None,
    think_seconds: work.ThinkSeconds = None,
    think_distribution: work.ThinkDistribution = None,
    embeddings: work.Embeddings = False,
    batch_size: work.BatchSize = None,
    words_per_token: work.WordsPerToken = None,
    system: work.System = None,
    max_tokens: work.MaxTokens = None,
    temperature: work.Temperature = None,
    top_p: work.TopP = None,
    stream: work.Stream = True,
    timeout: work.Timeout = None,
    max_attempts: work.MaxAttempts = 1,
    slo_ttft_ms: explore.SloTtftMs = None,
    slo_tpot_ms: explore.SloTpotMs = None,
    slo_e2e_ms: explore.SloE2eMs = None,
    sweep: explore.Sweep = None,
    search: explore.Search = None,
    require: explore.Require = [],  # noqa: B006
    max_error_rate: explore.MaxErrorRate = None,
    confidence: explore.Confidence = None,
    tolerance: explore.Tolerance = None,
    max_points: explore.MaxPoints = None,
    budget: load.BudgetUsd = None,
    spec: output.Spec = None,
    preset: output.Preset = None,
    list_presets: output.ListPresets = False,
    print_spec: output.PrintSpec = False,
    dry_run: output.DryRun = False,
    name: output.Name = None,
    tag: output.Tag = [],  # noqa: B006
    output: output.Output = None,
    export: output.Export = "jsonl",
    save_responses: output.SaveResponses = False,
    save_gaps: output.SaveGaps = False,
    propagate_trace: output.PropagateTrace = False,
    quiet: output.Quiet = False,
    as_json: output.AsJson = False,
    replay: output.Replay = None,
    server: target.ServerAddress = None,
    api_key: target.ServerKey = None,
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
