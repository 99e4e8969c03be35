"""`docs/security.md` names code and tests that exist."""

import re
import tomllib

import pytest

from tests.docs.settings_table import README

ROOT = README.parent
ROWS = [
    line
    for line in (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d", line)
]


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_a_rule_has_code_and_a_test(row: str) -> None:
    _, _, code, proof, _ = row.split("|")
    paths = re.findall(r"`([\w./-]+)`", code)
    tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", proof)
    assert paths
    assert tests
    for path in paths:
        assert (ROOT / path).is_file(), path
    for path, name in tests:
        assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), name


def test_every_rule_is_there() -> None:
    assert {int(row[2:].split(".")[0]) for row in ROWS} == set(range(1, 18)) - {13}


def test_the_lock_file_pins_hashes() -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    assert "litellm" not in {package["name"] for package in packages}
    for package in packages:
        if "registry" in package["source"]:
            files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
            assert files, package["name"]
            assert all(file["hash"].startswith("sha256:") for file in files), package["name"]
