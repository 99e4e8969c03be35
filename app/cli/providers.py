"""`llm-test-bench providers …`: configured providers, in this machine's database or on a server.

Keys come from a prompt, standard input or a variable, never from the command line, which other users can read.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.options import ConfigOption, DataDirOption, examples
from app.cli.usage import UsageProblem
from app.core.errors import TestBenchError

providers_app = typer.Typer(
    help="Add, test and list providers.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples(
        "llm-test-bench providers add openai --kind openai --key-env OPENAI_API_KEY",
        "llm-test-bench providers test openai",
        "llm-test-bench providers models openai",
    ),
)

_ServerOption = Annotated[
    str | None,
    typer.Option(
        help="Address of an LLM Test Bench server; without it, this machine's database is used.",
        envvar="LLM_TEST_BENCH_SERVER",
    ),
]
_ApiKeyOption = Annotated[
    str | None, typer.Option(help="API key of that server (ltb_…).", envvar="LLM_TEST_BENCH_API_KEY")
]
_JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_NameArgument = Annotated[str, typer.Argument(help="Name of the provider.")]


@providers_app.command(
    "list", epilog=examples("llm-test-bench providers list", "llm-test-bench providers list --kinds --json")
)
def list_providers(
    kinds: Annotated[bool, typer.Option("--kinds", help="List what a provider may be, instead.")] = False,
    as_json: _JsonOption = False,
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List the configured providers, or the known kinds with what they can do."""
    from app.cli import provider_views  # noqa: PLC0415 - help stays fast
    from app.cli.provider_store import open_store  # noqa: PLC0415

    found = open_store(server, api_key, config, data_dir).list()
    chosen = found["kinds" if kinds else "items"]
    _print_json(chosen) if as_json else provider_views.show(chosen, kinds=kinds)


@providers_app.command(
    "add",
    epilog=examples(
        "llm-test-bench providers add openai --kind openai --key-env OPENAI_API_KEY",
        "llm-test-bench providers add local --kind vllm --base-url http://127.0.0.1:8000/v1 --default-model m",
        "llm-test-bench providers add claude --kind anthropic --key-prompt",
        "llm-test-bench providers add --file acme.toml --key-prompt",
        "llm-test-bench providers add groq --kind groq --key-ref file:/run/secrets/groq",
    ),
)
def add_provider(
    name: Annotated[
        str | None,
        typer.Argument(
            help="How benchmarks name it: lower case letters, digits, '.', '_', '-'; by default as in --file."
        ),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="What it is; `providers list --kinds` shows the choice. Not with --file.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Add a custom provider, as this TOML file describes it.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Its address; by default the vendor's own.")] = None,
    key_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="Store the key that this variable holds now.")
    ] = None,
    key_stdin: Annotated[bool, typer.Option("--key-stdin", help="Store the key on standard input.")] = False,
    key_prompt: Annotated[bool, typer.Option("--key-prompt", help="Ask for the key, without showing it.")] = False,
    key_ref: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="Store no key, but where to read it at each use: env:NAME, file:/PATH, vault:PATH#FIELD, "
            "aws:NAME#FIELD, kubernetes:NAMESPACE/NAME#KEY; [providers] lists what may be read.",
        ),
    ] = None,
    default_model: Annotated[str | None, typer.Option(help="Offered first in forms.")] = None,
    header: Annotated[
        list[str] | None, typer.Option(metavar="'NAME: VALUE'", help="A further request header; repeat for more.")
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Do not check the server's certificate.")] = False,
    as_json: _JsonOption = False,
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Add a provider. Its key is stored encrypted, or read at each use from where --key-ref says."""
    from app.cli.provider_store import open_store  # noqa: PLC0415 - help stays fast

    if sum([key_env is not None, key_stdin, key_prompt, key_ref is not None]) > 1:
        raise UsageProblem(["give one of --key-env, --key-stdin, --key-prompt and --key-ref"])
    headers = _headers(header or [])
    body = {
        **_described(name, kind, file),
        "base_url": base_url,
        "api_key": _key(key_env, from_stdin=key_stdin, ask=key_prompt),
        "api_key_ref": key_ref,
        "default_model": default_model,
        "options": {"headers": headers, "verify_tls": not insecure},
    }
    store = open_store(server, api_key, config, data_dir)
    try:
        added = store.add(body)
    except TestBenchError as error:
        problems = error.details.get("errors")
        if not isinstance(problems, list):
            raise
        raise UsageProblem(f"{_option(problem['path'])}: {problem['message']}" for problem in problems) from None
    if as_json:
        _print_json(added)
    else:
        key = added["api_key_ref"] or ("a stored key" if added["has_api_key"] else "no key")
        print(f"added {added['kind']} provider '{added['name']}' at {added['base_url']}, with {key}")


@providers_app.command(
    "test",
    epilog=examples(
        "llm-test-bench providers test openai",
        "llm-test-bench providers test openai --completion --model gpt-4o-mini",
    ),
)
def check_provider(
    name: _NameArgument,
    completion: Annotated[
        bool, typer.Option("--completion", help="Also ask for a few tokens, which is paid for.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="For the completion; else the default model.")] = None,
    as_json: _JsonOption = False,
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Ask a provider for its models, which costs nothing, and say how that went. Exit code 1 when it is not well."""
    from app.cli import provider_views  # noqa: PLC0415 - help stays fast
    from app.cli.provider_store import open_store  # noqa: PLC0415

    if model is not None and not completion:
        raise UsageProblem(["--model: goes with --completion only"])
    health = open_store(server, api_key, config, data_dir).health(name, completion=completion, model=model)
    _print_json(health) if as_json else provider_views.show_health(name, health)
    if health["status"] != "ok":
        raise typer.Exit(1)


@providers_app.command(
    "models",
    epilog=examples("llm-test-bench providers models openai", "llm-test-bench providers models openai --all --json"),
)
def list_models(
    name: _NameArgument,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Let the server ask now, instead of telling what it knows.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also known models that the provider does not list.")
    ] = False,
    as_json: _JsonOption = False,
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List a provider's models with context lengths and prices (US dollars per million tokens)."""
    from app.cli import provider_views  # noqa: PLC0415 - help stays fast
    from app.cli.provider_store import open_store  # noqa: PLC0415

    found = open_store(server, api_key, config, data_dir).models(name, refresh=refresh)["models"]
    models = [model for model in found if everything or model["is_live"]]
    _print_json(models) if as_json else provider_views.show_models(models)


@providers_app.command("remove", epilog=examples("llm-test-bench providers remove openai"))
def remove_provider(
    name: _NameArgument,
    server: _ServerOption = None,
    api_key: _ApiKeyOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Forget a provider and its key. Results that were measured on it stay."""
    from app.cli.provider_store import open_store  # noqa: PLC0415 - help stays fast

    open_store(server, api_key, config, data_dir).remove(name)
    print(f"removed provider '{name}'")


def _key(variable: str | None, *, from_stdin: bool, ask: bool) -> str | None:
    if variable is not None:
        found = os.environ.get(variable)
        if not found:
            raise UsageProblem([f"--key-env: the environment variable {variable} is not set"])
        return found
    if from_stdin:
        found = sys.stdin.readline().strip()
        if not found:
            raise UsageProblem(["--key-stdin: there is no key on standard input"])
        return found
    return str(typer.prompt("Key", hide_input=True, err=True)).strip() if ask else None


def _described(name: str | None, kind: str | None, file: Path | None) -> dict[str, Any]:
    """Name, kind and definition out of the options."""
    if file is None:
        missing = [option for option, value in (("NAME", name), ("--kind", kind)) if value is None]
        if missing:
            raise UsageProblem(f"{option}: is required, unless --file describes the provider" for option in missing)
        return {"name": name, "kind": kind}
    from app.cli.provider_file import read_definition  # noqa: PLC0415 - what only this needs

    if kind not in {None, "custom"}:
        raise UsageProblem(["--kind: leave it out; with --file the kind is custom"])
    definition = read_definition(file, "--file")
    if name is None and definition.get("name") is None:
        raise UsageProblem([f"NAME: is required, because {file} has no name"])
    return {"name": name or definition["name"], "kind": "custom", "definition": definition}


def _option(path: str) -> str:
    first = path.removeprefix("body.").split(".")[0]
    known = {
        "name": "NAME",
        "api_key": "the key",
        "api_key_ref": "--key-ref",
        "options": "--header",
        "definition": "--file",
    }
    return known.get(first) or f"--{first.replace('_', '-')}"


def _headers(lines: list[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise UsageProblem([f"--header: {line!r} is not 'NAME: VALUE'"])
        found[name.strip()] = value.strip()
    return found


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
