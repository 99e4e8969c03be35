"""Hours of a run that nobody waits for: made-up seconds before the first real one, in the timeline's answer."""

import math
from typing import Any

from playwright.sync_api import Page, Route


def with_history(page: Page, seconds: int) -> None:
    """Let the page get so many seconds of history in front of what the service answers."""

    def answer(route: Route) -> None:
        real = route.fetch()
        route.fulfill(response=real, json=_before(real.json(), seconds))

    page.route("**/timeline", answer)


def _before(real: dict[str, Any], seconds: int) -> dict[str, Any]:
    before = range(-seconds, 0)
    columns: dict[str, Any] = {"t_s": [float(at) for at in before]}
    for name, height in {"ttft": 200.0, "gap": 20.0}.items():
        for factor, percentile in ((1.0, 50), (1.2, 95), (1.5, 99)):
            values = [height * factor * (1 + 0.2 * math.sin(at / 40 + factor)) for at in before]
            columns[f"{name}_p{percentile}_ms"] = values
    for name in set(real) - set(columns):
        columns[name] = [15 + 5 * math.sin(at / 30) for at in before]
    return {name: [*values, *real[name]] for name, values in columns.items()}
