"""`bundle.json` of a local run, or `bundle.json.gz` when it is large: written beside the results, and read again."""

import gzip
import json
import resource
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.benchmarks.bundles import check_bundle, encoded, make_bundle
from app.benchmarks.calibrations import program
from app.benchmarks.schemas import BenchmarkSpec
from app.cli.bench_output import OutputError
from app.cli.usage import UsageProblem
from app.core import machine
from app.loadgen.plan import Endpoint

NAME = "bundle.json"
_GZIP_FROM_BYTES = 2**20
_LIMIT_BYTES = 256 * 2**20
_GIT_SECONDS = 5.0


def write_bundle(folder: Path, spec: BenchmarkSpec, endpoints: list[Endpoint], summary: Mapping[str, Any]) -> Path:
    """Of the run that `summary` is of: the file that was written; the other form, of an earlier run, is removed.

    Raises:
        OutputError: it cannot be written.
    """
    started = [target["requests"]["total"] for target in summary["by_target"]]
    started = started if len(started) == len(endpoints) else [None] * len(endpoints)
    bundle = make_bundle(spec, endpoints, program=program(), started=started, workload=summary["workload"])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    bundle |= {"git_commit": _git_commit(), "machine": machine.facts(), "limits": {"open_files": [soft, hard]}}
    data = encoded(bundle)
    plain, zipped = folder / NAME, folder / f"{NAME}.gz"
    path = zipped if len(data) > _GZIP_FROM_BYTES else plain
    try:
        for other in (plain, zipped):
            other.unlink(missing_ok=True)
        path.write_bytes(gzip.compress(data, mtime=0) if path is zipped else data)
    except OSError as error:
        raise OutputError(path, error) from None
    return path


def read_bundle(path: Path) -> dict[str, Any]:
    """The bundle in a file, or in a folder that holds one.

    Raises:
        UsageProblem: there is none, or it cannot be used.
    """
    if path.is_dir():
        path = path / NAME if (path / NAME).is_file() else path / f"{NAME}.gz"
    try:
        with path.open("rb") as file:
            is_zipped = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if is_zipped else path.open("rb") as file:
            data = file.read(_LIMIT_BYTES + 1)
        return check_bundle(_decoded(data))
    except (EOFError, gzip.BadGzipFile) as error:
        raise UsageProblem([f"--replay: {path}: {error}"]) from None
    except OSError as error:
        raise UsageProblem([f"--replay: {path}: {error.strerror or error}"]) from None
    except ValueError as error:
        raise UsageProblem([f"--replay: {path} {error}"]) from None


def _decoded(data: bytes) -> Any:
    if len(data) > _LIMIT_BYTES:
        raise ValueError(f"is larger than {_LIMIT_BYTES} bytes")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON ({error})") from None


def _git_commit() -> str | None:
    """The commit of the checkout that runs, with a mark when files differ from it; None for an installed program."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        commit, changes = (
            subprocess.run(  # noqa: S603
                ["git", "-C", str(root), *arguments],  # noqa: S607
                capture_output=True,
                text=True,
                timeout=_GIT_SECONDS,
                check=True,
            ).stdout.strip()
            for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}{'+changes' if changes else ''}"
