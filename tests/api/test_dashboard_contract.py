"""The dashboard's types come from `web/openapi.json`, so that file must be what the service says."""

import json
import os
import tomllib
from pathlib import Path

from tests.service import Running

DOCUMENT = Path(__file__).parents[2] / "web" / "openapi.json"
WRITES = os.environ.get("LTB_WRITE_OPENAPI") == "1"


async def test_the_dashboard_is_built_against_this_api(running: Running) -> None:
    served = (await running.anonymous.get("/openapi.json")).json()
    served["info"]["version"] = "0"  # a release alone changes no type
    text = json.dumps(served, indent=1, ensure_ascii=False) + "\n"
    if WRITES:
        DOCUMENT.write_text(text)
    assert DOCUMENT.read_text() == text, (
        "the API has changed: run this test with LTB_WRITE_OPENAPI=1 set, and `npm --prefix web run api`; "
        "`npm --prefix web run check` then says what the dashboard has to follow"
    )


def test_the_dashboard_shows_the_version_of_the_service() -> None:
    """Its foot has the version of its package, which is released with the service's."""
    root = DOCUMENT.parents[1]
    service = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    assert json.loads((root / "web" / "package.json").read_text())["version"] == service
