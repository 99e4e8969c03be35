"""`bench --spec FILE`: a whole spec as JSON, YAML or TOML, over which the other options go."""

import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from app.cli.usage import UsageProblem

MAX_BYTES = 256 * 2**20
STANDARD_INPUT = Path("-")
_FORMS = ".json, .yaml, .yml or .toml"


def read_spec(path: Path) -> dict[str, Any]:
    """The document of a spec file; of a `summary.json` the spec in it.

    Raises:
        UsageProblem: it cannot be read or is no such document.
    """
    try:
        if path == STANDARD_INPUT:
            text, suffix = sys.stdin.read(MAX_BYTES + 1), ".json"
        else:
            text, suffix = _read(path), path.suffix.lower()
        if len(text) > MAX_BYTES:
            raise UsageProblem([f"--spec: {path}: must not be larger than {MAX_BYTES // 2**20} MiB"])
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise UsageProblem([f"--spec: {path}: {reason}"]) from None
    try:
        document = _parsed(text, suffix)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise UsageProblem([f"--spec: {path}: {reason}"]) from None
    if not isinstance(document, dict):
        raise UsageProblem([f"--spec: {path}: must hold a spec: an object with workload, load and stop"])
    inner = document.get("spec")
    return inner if "load" not in document and isinstance(inner, dict) else document


def _read(path: Path) -> str:
    with path.open(encoding="utf-8-sig") as file:
        return file.read(MAX_BYTES + 1)


def read_preset(name: str) -> dict[str, Any]:
    """The spec of a preset; raises `UsageProblem` with those that there are."""
    from app.benchmarks.presets import find, presets  # noqa: PLC0415 - few ask for one

    preset = find(name)
    if preset is None:
        names = ", ".join(one.name for one in presets().presets)
        raise UsageProblem([f"--preset: there is no preset {name!r}; there are {names}"])
    return dict(preset.spec)


def _parsed(text: str, suffix: str) -> Any:
    if suffix == ".json":
        return json.loads(text)
    if suffix == ".toml":
        return tomllib.loads(text)
    if suffix in {".yaml", ".yml"}:
        import yaml  # noqa: PLC0415 - it comes with the cluster library, and takes a while to load

        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(f"not YAML: {error}") from None
    raise ValueError(f"must end in {_FORMS}")


def given_options(context: typer.Context) -> frozenset[str]:
    """Names of the options that the user gave, on the command line or in the environment."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return frozenset(
        name for name, source in sources.items() if source is not None and not source.name.startswith("DEFAULT")
    )


def with_spec_file(params: Mapping[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """The options with what a spec file or preset says about the target, and with its document.

    Raises:
        UsageProblem: the file cannot be read, or nothing names a model.
    """
    preset = params.get("preset")
    if preset is not None and params["spec"] is not None:
        raise UsageProblem(["--preset and --spec exclude each other"])
    document = None if params["spec"] is None else read_spec(params["spec"])
    if preset is not None:
        document = read_preset(preset)
    target = {} if document is None else _target_of(document)
    filled = {name: value for name, value in target.items() if name not in given}
    options = {**params, **filled, "spec_document": document, "given": given}
    if options["model"] is None:
        raise UsageProblem(["--model: give the model to ask for"])
    return options


def _target_of(spec: Mapping[str, Any]) -> dict[str, str]:
    """`provider` and `model` of its first target, as far as they are there."""
    targets = spec.get("targets")
    first = targets[0] if isinstance(targets, list) and targets else {}
    if not isinstance(first, dict):
        return {}
    return {name: first[name] for name in ("provider", "model") if isinstance(first.get(name), str)}


def merged(
    spec: Mapping[str, Any],
    options: Mapping[str, Any],
    given: frozenset[str],
    *,
    whole: Mapping[str, frozenset[str]],
    fields: Mapping[str, Mapping[str, str]],
) -> tuple[dict[str, Any], frozenset[str]]:
    """The spec with the parts that options give, and the names of the parts that still are the file's.

    `options` is the spec that all options make, `given` the options that were really given. `whole` names the options
    any of which replaces a part, `fields` the option of each field of parts that are replaced field by field. Of parts
    in neither, what the options make goes over the file's.
    """
    result, kept = dict(spec), set(spec)
    for part, value in options.items():
        if part not in spec:
            result[part] = value
        elif part in whole:
            if whole[part] & given:
                result[part] = value
                kept.discard(part)
        elif part in fields and not isinstance(spec[part], dict):
            pass  # the file is wrong, and shall hear it
        elif isinstance(value, dict) and isinstance(spec[part], dict):
            options_of = fields.get(part, {})
            chosen = {name: item for name, item in value.items() if options_of.get(name, name) in given}
            result[part] = spec[part] | (chosen if part in fields else value)
        elif value is not None:
            result[part] = value
            kept.discard(part)
    return result, frozenset(kept)
