"""`llm-test-bench bench --replay`: the run of a bundle again, after checking that it will be the same."""

import sys
from pathlib import Path
from typing import Any

import msgspec
import typer

from app.adapters import registry
from app.benchmarks.bundles import differences, endpoint_of, spec_of, tokens_of
from app.benchmarks.calibrations import program
from app.cli.bench_local import run_spec
from app.cli.bench_output import parse_formats
from app.cli.bench_spec import BenchOptions, build_endpoint
from app.cli.bundle_files import read_bundle
from app.cli.terminal import Console
from app.cli.usage import UsageProblem

# What may be given with --replay: where it goes, and what is kept and shown. Everything else is in the bundle.
_TARGET = frozenset({"base_url", "model", "api_key_env", "header", "insecure", "ca_file"})
_OUTPUT = frozenset({"output", "export", "save_gaps", "quiet", "as_json"})
_MODES = frozenset({"replay", "list_presets", "print_spec", "dry_run"})  # of the command, not of a run
_UNSAID = frozenset({"server", "api_key"})  # may come from the environment; a replay runs here


def replay_bundle(context: typer.Context, path: Path) -> int:
    """Run it again; the answer is the exit code.

    Raises:
        UsageProblem: an option does not go with it, the bundle cannot be used, or this program would send other bytes.
    """
    given = {
        name for name in context.params if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    }
    if wrong := sorted(given - _TARGET - _OUTPUT - {"replay"}):
        names = ", ".join(f"--{name.replace('_', '-')}" for name in wrong)
        raise UsageProblem([f"{names}: given by the bundle; with --replay only target and output can be chosen"])
    bundle = read_bundle(path)
    spec, parts = spec_of(bundle), bundle["targets"]
    if len(parts) != 1:
        raise UsageProblem([f"--replay: the bundle has {len(parts)} targets; only runs with one can be repeated here"])
    recorded = endpoint_of(parts[0])
    try:
        changed = differences(bundle, program())
    except (registry.UnknownKindError, ValueError) as error:
        raise UsageProblem([f"--replay: {path}: {error}"]) from None
    if changed:
        raise UsageProblem([f"--replay: {line}" for line in changed])
    base_url = context.params["base_url"] or recorded.base_url
    if not base_url:
        raise UsageProblem(["--base-url: the bundle does not say where it went; give the address"])
    model = context.params["model"] or recorded.model
    named: dict[str, Any] = {"provider": recorded.adapter, "base_url": base_url, "model": model}
    named["definition"] = recorded.definition
    known = {name: value for name, value in context.params.items() if name not in {*named, *_MODES, *_UNSAID}}
    chosen: dict[str, Any] = known | named | dict.fromkeys(_UNSAID)
    options = BenchOptions(**chosen)
    endpoint = build_endpoint(options)
    console = Console(stderr=True)
    console.print(f"Replaying {path}: schedule and request bodies are the bundle's", highlight=False, soft_wrap=True)
    for line in _notes(parts[0]["endpoint"], recorded, endpoint):
        console.print(f"note: {line}", highlight=False, soft_wrap=True)
    sys.stderr.flush()
    target = spec.targets[0].model_copy(update={"model": model})
    again = spec.model_copy(update={"targets": [target]})
    return run_spec(again, endpoint, parse_formats(options.export), options, [tokens_of(parts[0])])


def _notes(said: dict[str, Any], recorded: Any, endpoint: Any) -> list[str]:
    """What is not as it was."""
    before, now = (msgspec.structs.asdict(one) for one in (recorded, endpoint))
    notes = [
        f"{name} is {now[name]}, it was {before[name]}"
        for name in ("base_url", "model")
        if now[name] != before[name] and before[name]
    ]
    if endpoint.model != recorded.model:
        notes.append("bodies are the bundle's but for the model's name")
    headers = said.get("header_names")
    names = {name.lower() for name in endpoint.headers}
    if missing := [str(name) for name in headers or [] if str(name).lower() not in names]:
        notes.append(f"the run sent {', '.join(missing)}, whose values are in no bundle; give them with --header")
    if said.get("has_api_key") and endpoint.api_key is None:
        notes.append("the run sent an API key; give yours with --api-key-env")
    if isinstance(said.get("verify_tls"), bool) and said["verify_tls"] != endpoint.verify_tls:
        notes.append(f"TLS certificates are {'' if endpoint.verify_tls else 'not '}checked, other than in the run")
    return notes
