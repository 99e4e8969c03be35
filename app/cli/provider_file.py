"""The TOML file (or JSON) that describes a custom provider: for `bench --provider-file` and `providers add --file`."""

import json
import tomllib
from pathlib import Path
from typing import Any

from app.adapters import registry
from app.adapters.custom_checks import DefinitionError
from app.cli.usage import UsageProblem

MAX_BYTES = 256 * 1024  # with comments; the document itself may have less


def read_definition(path: Path, option: str) -> dict[str, Any]:
    """The document in the file, checked.

    Raises:
        UsageProblem: naming `option`, the file, and each wrong field in it.
    """
    where = f"{option}: {path}"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageProblem([f"{where}: must not be larger than {MAX_BYTES // 1024} KiB"])
        if not path.is_file():
            raise UsageProblem([f"{where}: is no file"])
        text = path.read_text(encoding="utf-8-sig")
        document: Any = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise UsageProblem([f"{where}: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise UsageProblem([f"{where}: is not UTF-8 text"]) from None
    except RecursionError:
        raise UsageProblem([f"{where}: is nested too deeply"]) from None
    except ValueError as error:
        form = "JSON" if path.suffix.lower() == ".json" else "TOML"
        raise UsageProblem([f"{where}: not {form}: {' '.join(str(error).split())}"]) from None
    try:
        registry.kind(registry.CUSTOM, document)
    except DefinitionError as error:
        raise UsageProblem([": ".join(filter(None, (where, *problem))) for problem in error.problems]) from None
    return dict(document)


def with_provider_file(params: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """The options of `bench` with what `--provider-file` says in them.

    Here the provider is of the kind `custom`; on a server it goes by `--provider`, or by the name in the file.

    Raises:
        UsageProblem: the file is wrong, names nothing where a name is needed, or another kind was asked for.
    """
    path = params["provider_file"]
    if path is None:
        if params["provider"] == registry.CUSTOM and not params["server"]:
            raise UsageProblem(["--provider: custom is what a file describes; give it with --provider-file"])
        return params
    definition = read_definition(path, "--provider-file")
    provider: str | None = registry.CUSTOM
    if params["server"]:
        provider = params["provider"] if "provider" in given else definition.get("name")
        if provider is None:
            raise UsageProblem([f"--provider-file: {path}: has no name; give one with --provider"])
    elif "provider" in given and params["provider"] != registry.CUSTOM:
        raise UsageProblem(["--provider: leave it out; with --provider-file the kind is custom"])
    return params | {"provider": provider, "definition": definition}
