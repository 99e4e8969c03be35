"""From the options of `bench` to a benchmark spec and an endpoint. Says what is wrong in terms of options."""

import os
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from pydantic import ValidationError

from app.adapters import registry
from app.adapters.custom_checks import DefinitionError
from app.benchmarks.loads import ENDS_BY_ITSELF
from app.benchmarks.schemas import BenchmarkSpec, Timeouts
from app.cli import explore_options, load_options
from app.cli.explore_options import ExploreOptions
from app.cli.spec_file import merged
from app.cli.usage import UsageProblem
from app.cli.workload_options import WORKLOAD_KINDS, WORKLOAD_OPTION_OF_FIELD, WORKLOAD_OPTIONS, workload_part
from app.loadgen.plan import Endpoint


@dataclass(frozen=True, kw_only=True)
class BenchOptions(ExploreOptions):
    """The options as given; their defaults and meanings are in `app.cli.bench`."""

    provider: str
    base_url: str | None
    model: str
    name: str | None
    tag: list[str]
    concurrency: int | None
    rate: float | None
    arrival: str
    requests: int | None
    duration: float | None
    warmup: float | None
    cooldown: float | None
    workers: int
    seed: int
    prompt: str | None
    dataset: Path | None
    dataset_column: str | None = None
    dataset_limit: int | None = None
    dataset_shuffle: bool = False
    input_tokens: str | int | None
    output_tokens: str | int | None
    prefix_groups: int | None = None
    prefix_tokens: int | None = None
    uniqueness: float | None = None
    turns: str | int | None = None
    think_seconds: float | None = None
    think_distribution: str | None = None
    embeddings: bool = False
    batch_size: int | None = None
    words_per_token: float | None = None
    image: tuple[str, ...] | list[str] = ()
    audio: tuple[str, ...] | list[str] = ()
    images: int | None = None
    image_size: str | None = None
    audio_seconds: float | None = None
    system: str | None
    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    stream: bool
    timeout: float | None
    max_attempts: int
    slo_ttft_ms: float | None
    slo_tpot_ms: float | None
    slo_e2e_ms: float | None
    api_key_env: str | None
    header: list[str]
    insecure: bool
    ca_file: Path | None
    output: Path | None
    export: str
    save_responses: bool
    save_gaps: bool
    server: str | None
    api_key: str | None
    quiet: bool
    as_json: bool
    burstiness: float | None = None
    ramp_to: float | None = None
    ramp_seconds: float | None = None
    ramp_curve: str = "linear"
    rate_steps: str | None = None
    concurrency_steps: str | None = None
    spike: str | None = None
    ramp_up: float | None = None
    trace: Path | None = None
    trace_speed: float = 1.0
    trace_format: Literal["auto", "azure", "burstgpt", "mooncake"] = "auto"
    max_requests_per_minute: float | None = None
    max_tokens_per_minute: float | None = None
    spec: Path | None = None
    preset: str | None = None
    provider_file: Path | None = None
    definition: dict[str, Any] | None = None  # what `provider_file` holds
    propagate_trace: bool = False
    spec_document: dict[str, Any] | None = None  # what `spec` or `preset` holds
    given: frozenset[str] = frozenset()  # names of the options that are not left at their defaults


_OPTION_OF_FIELD = {
    "targets.provider": "--provider",
    "targets.model": "--model",
    **WORKLOAD_OPTION_OF_FIELD,
    "stop": "--requests, --duration",
    "stop.requests": "--requests",
    "stop.duration_seconds": "--duration",
    "window.warmup_seconds": "--warmup",
    "window.cooldown_seconds": "--cooldown",
    "slo.ttft_ms": "--slo-ttft-ms",
    "slo.tpot_ms": "--slo-tpot-ms",
    "slo.e2e_ms": "--slo-e2e-ms",
    "sampling.system": "--system",
    "sampling.max_tokens": "--max-tokens",
    "sampling.temperature": "--temperature",
    "sampling.top_p": "--top-p",
    "retry.max_attempts": "--max-attempts",
    "timeouts": "--timeout",
    "seed": "--seed",
    "workers": "--workers",
    "name": "--name",
    "tags": "--tag",
    **explore_options.OPTION_OF_FIELD,
    **load_options.OPTION_OF_FIELD,
}
_KINDS = {"closed", "constant", "poisson", *WORKLOAD_KINDS, *explore_options.KINDS}


_WHOLE_PARTS = {
    "name": frozenset({"name"}),
    "tags": frozenset({"tag"}),
    "targets": frozenset({"provider", "model"}),
    "workload": WORKLOAD_OPTIONS | {"trace"},
    "load": load_options.OPTIONS,
    "explore": frozenset({"sweep", "search", "require", "max_error_rate", "confidence", "tolerance", "max_points"}),
    "budget_usd": frozenset({"budget"}),
    "timeouts": frozenset({"timeout"}),
    "seed": frozenset({"seed"}),
    "workers": frozenset({"workers"}),
    "save_responses": frozenset({"save_responses"}),
    "propagate_trace": frozenset({"propagate_trace"}),
}
_PARTS_BY_FIELD = {
    "stop": {"duration_seconds": "duration"},
    "slo": {"ttft_ms": "slo_ttft_ms", "tpot_ms": "slo_tpot_ms", "e2e_ms": "slo_e2e_ms"},
    "limits": {"requests_per_minute": "max_requests_per_minute", "tokens_per_minute": "max_tokens_per_minute"},
    "sampling": {},
    "retry": {},
}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token, RFC 9110, section 5.6.2
_OTHER_TYPE = {"int_type", "model_attributes_type"}  # kinds of problem
_SELF_ENDING = {kind.model_fields["kind"].default for kind in ENDS_BY_ITSELF}


def build_spec(options: BenchOptions) -> BenchmarkSpec:
    """The spec that the options describe, over the one of `--spec` if there is one.

    Raises:
        UsageProblem: naming each wrong option.
    """
    explore = explore_options.explore_part(options)
    load, recorded = load_options.parts(explore_options.at_first_level(options, explore))
    if (
        options.requests is None
        and options.duration is None
        and options.spec_document is None
        and load["kind"] not in _SELF_ENDING
    ):
        raise UsageProblem(["give --requests, --duration, or both"])
    document: dict[str, Any] = {
        "name": options.name if options.name is not None else f"{_title(options)} {options.model}"[:200],
        "tags": options.tag,
        "targets": [{"provider": options.provider, "model": options.model}],
        "workload": workload_part(options) if recorded is None else load_options.recorded_workload(options, recorded),
        "load": load,
        "limits": load_options.limits(options),
        "stop": _given(requests=options.requests, duration_seconds=options.duration),
        "explore": explore,
        "budget_usd": options.budget,
        "window": _given(warmup_seconds=options.warmup, cooldown_seconds=options.cooldown),
        "slo": _given(ttft_ms=options.slo_ttft_ms, tpot_ms=options.slo_tpot_ms, e2e_ms=options.slo_e2e_ms),
        "sampling": _given(
            stream=options.stream,
            system=options.system,
            max_tokens=options.max_tokens,
            temperature=options.temperature,
            top_p=options.top_p,
        ),
        "retry": {"max_attempts": options.max_attempts},
        "timeouts": _timeouts(options.timeout),
        "seed": options.seed,
        "workers": options.workers,
        "save_responses": options.save_responses,
        "propagate_trace": options.propagate_trace,
    }
    from_file: frozenset[str] = frozenset()
    if options.spec_document is not None:
        document, from_file = merged(
            options.spec_document, document, options.given, whole=_WHOLE_PARTS, fields=_PARTS_BY_FIELD
        )
    try:
        return BenchmarkSpec.model_validate(document)
    except ValidationError as error:
        found = [
            (_place(item["loc"], from_file, options), item["type"], item["msg"].removeprefix("Value error, "))
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        # Where a number or a distribution is allowed, each says that the value is not of its own type. That is no news
        # beside what is wrong with the one that was meant.
        telling = {place for place, kind, _ in found if kind not in _OTHER_TYPE}
        problems = [
            f"{place}: {text}" for place, kind, text in found if kind not in _OTHER_TYPE or place not in telling
        ]
        raise UsageProblem(dict.fromkeys(problems)) from None  # --timeout sets several fields


def _place(location: Sequence[int | str], from_file: frozenset[str], options: BenchOptions) -> str:
    if location and location[0] in from_file:
        return f"{'--spec' if options.preset is None else '--preset'}: {'.'.join(map(str, location))}"
    option = option_of(location)
    return options.exploring_option() if option == explore_options.OPTION_OF_FIELD["explore"] else option


def build_endpoint(options: BenchOptions) -> Endpoint:
    """Where a local run sends its requests.

    Raises:
        UsageProblem: for an unknown provider kind, a missing address or key, or a header that is none.
    """
    try:
        kind = registry.kind(options.provider, options.definition)
    except (registry.UnknownKindError, DefinitionError) as error:
        raise UsageProblem([f"--provider: {error}"]) from None
    base_url = options.base_url or kind.default_base_url
    if base_url is None:
        raise UsageProblem([f"--base-url: {options.provider} has no default address; give one"])
    _check_address(base_url)
    if options.ca_file is not None:
        _check_authorities(options.ca_file)
    return Endpoint(
        adapter=options.provider,
        base_url=base_url,
        model=options.model,
        api_key=provider_key(options),
        headers=headers(options),
        verify_tls=not options.insecure,
        ca_file=str(options.ca_file) if options.ca_file else None,
        definition=options.definition,
    )


def _title(options: BenchOptions) -> str:
    return str((options.definition or {}).get("name") or options.provider)


def _check_authorities(path: Path) -> None:
    if not path.is_file():
        raise UsageProblem([f"--ca-file: {path} is not a file"])
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        raise UsageProblem([f"--ca-file: {path} holds no certificate in PEM form"]) from None
    except OSError as error:
        raise UsageProblem([f"--ca-file: {path}: {error.strerror}"]) from None


def endpoints_of(spec: BenchmarkSpec, endpoint: Endpoint) -> list[Endpoint]:
    """One for each target of a local run: several models at the one address.

    Raises:
        UsageProblem: a target is of another kind.
    """
    if others := {target.provider for target in spec.targets} - {endpoint.adapter}:
        raise UsageProblem([f"--spec: a run here has one kind of provider, {endpoint.adapter}, not {min(others)} too"])
    return [msgspec.structs.replace(endpoint, model=target.model) for target in spec.targets]


def _check_address(base_url: str) -> None:
    if not base_url.startswith(("http://", "https://")):
        raise UsageProblem([f"--base-url: {base_url!r} must start with http:// or https://"])
    try:
        parts = urlsplit(base_url)
        problem = (
            None if parts.hostname and parts.port != 0 else "names no host" if not parts.hostname else "has port 0"
        )
    except ValueError as error:
        problem = f"is no address ({error})"
    if problem or any(not character.isprintable() or character.isspace() for character in base_url):
        raise UsageProblem([f"--base-url: {base_url!r} {problem or 'contains a blank or a control character'}"])


def provider_key(options: BenchOptions) -> str | None:
    """The provider's key out of the variable named by `--api-key-env`; only ever sent when that option is given."""
    if options.api_key_env is None:
        return None
    key = os.environ.get(options.api_key_env)
    if not key:
        raise UsageProblem([f"--api-key-env: the environment variable {options.api_key_env} is not set"])
    return key


def headers(options: BenchOptions) -> dict[str, str]:
    """`--header "Name: value"`, as often as given."""
    found = {}
    for line in options.header:
        name, separator, value = line.partition(":")
        if not separator or not name.strip():
            raise UsageProblem([f"--header: {line!r} is not of the form 'Name: value'"])
        if not _HEADER_NAME.fullmatch(name.strip()):
            raise UsageProblem([f"--header: {name.strip()!r} is no header name; it takes letters, digits and - _ ."])
        if any(not character.isprintable() for character in line):
            raise UsageProblem([f"--header: {line!r} contains a line break or another control character"])
        found[name.strip()] = value.strip()
    return found


def option_of(location: Sequence[int | str]) -> str:
    """The option behind a place in the spec, such as `("load", "closed", "concurrency")`."""
    named = [str(part) for part in location if not str(part).isdigit()]
    without_kind = [*named[:1], *(named[2:] if named[1:2] and named[1] in _KINDS else named[1:])]
    for parts in (without_kind, named):
        for length in range(len(parts), 0, -1):
            if option := _OPTION_OF_FIELD.get(".".join(parts[:length])):
                return option
    return ".".join(named)


def _timeouts(total_seconds: float | None) -> dict[str, float]:
    if total_seconds is None:
        return {}
    usual = Timeouts().model_dump()
    return {name: min(seconds, total_seconds) for name, seconds in usual.items()} | {"total_seconds": total_seconds}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
