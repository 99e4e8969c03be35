"""What axe finds on a page that is open: the rules of WCAG that a program can check."""

from pathlib import Path

from playwright.sync_api import Page

_AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter(({impact}) => impact === "serious" || impact === "critical")
  .flatMap(({id, nodes}) => nodes.map(({target, failureSummary}) => `${id}: ${target.join(" ")}: ${failureSummary}`))"""


def assert_accessible(page: Page) -> None:
    """No serious or critical finding."""
    # Evaluated and not added as a script: the page's policy allows only its own.
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(_RUN)
    assert found == [], f"{page.url}:\n" + "\n".join(found)
