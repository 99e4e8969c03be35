"""What the API promised: a path, field or value that goes away must be named in the changelog under "Breaking".

The promise is `web/openapi.json` of the last commit that changed it on purpose; `removed` compares two documents.
"""

import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "web" / "openapi.json"


def removed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What clients of `old` may rely on and `new` does not have: operations, parameters, fields, enum values.

    A schema that went away whole counts once, by its name; a newly required request field counts too.
    """
    found = []
    for path, operations in old["paths"].items():
        for method, operation in operations.items():
            now = new["paths"].get(path, {}).get(method)
            if now is None:
                found.append(f"{method.upper()} {path}")
                continue
            kept = {(item["in"], item["name"]) for item in now.get("parameters", ())}
            found += [
                f"{method.upper()} {path} {item['name']}"
                for item in operation.get("parameters", ())
                if (item["in"], item["name"]) not in kept
            ]
    schemas = new["components"]["schemas"]
    for name, schema in old["components"]["schemas"].items():
        now = schemas.get(name)
        if now is None:
            found.append(name)
            continue
        found += [f"{name}.{field}" for field in schema.get("properties", {}) if field not in now.get("properties", {})]
        found += [f"{name} {value}" for value in schema.get("enum", ()) if value not in now.get("enum", ())]
        was_there = schema.get("properties", {})
        found += [
            f"{name}.{field} (required now)"
            for field in now.get("required", ())
            if field in was_there and field not in schema.get("required", ())
        ]
    return found


def breaking_section(changelog: str) -> str:
    """The text under `### Breaking` of the unreleased part."""
    unreleased = changelog.partition("## [Unreleased]")[2].partition("\n## ")[0]
    return unreleased.partition("### Breaking")[2].partition("\n### ")[0]


def _released() -> dict[str, Any] | None:
    tags = subprocess.run(
        ["git", "tag", "--list", "v*", "--sort=-v:refname"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    if not tags:
        return None
    shown = subprocess.run(["git", "show", f"{tags[0]}:web/openapi.json"], cwd=ROOT, capture_output=True, check=False)
    return orjson.loads(shown.stdout) if shown.returncode == 0 else None


def test_what_went_away_since_the_last_release_is_named() -> None:
    old = _released()
    if old is None:
        pytest.skip("nothing has been released yet, so nothing was promised")
    named = breaking_section((ROOT / "CHANGELOG.md").read_text())
    missing = [item for item in removed(old, orjson.loads(DOCUMENT.read_bytes())) if item not in named]
    assert not missing, f"name these in CHANGELOG.md under '### Breaking': {missing}"


def test_every_kind_of_breakage_is_seen() -> None:
    new = orjson.loads(DOCUMENT.read_bytes())
    assert removed(new, new) == []
    old = orjson.loads(DOCUMENT.read_bytes())
    old["paths"]["/api/v1/gone"] = {"get": {}}
    old["paths"]["/api/v1/benchmarks"]["get"]["parameters"].append({"in": "query", "name": "gone"})
    old["components"]["schemas"]["Benchmark"]["properties"]["gone"] = {}
    old["components"]["schemas"]["Status"]["enum"].append("gone")
    old["components"]["schemas"]["Gone"] = {}
    optional = old["components"]["schemas"]["Benchmark"]["required"].pop()
    assert sorted(removed(old, new)) == sorted(
        [
            "GET /api/v1/gone",
            "GET /api/v1/benchmarks gone",
            "Benchmark.gone",
            "Status gone",
            "Gone",
            f"Benchmark.{optional} (required now)",
        ]
    )
    assert breaking_section("## [Unreleased]\n### Breaking\n- a\n### Added\n- b\n## [1]\n### Breaking\n- c") == "\n- a"
