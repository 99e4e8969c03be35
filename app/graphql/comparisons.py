"""Comparisons of benchmarks."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import strawberry

from app.accounts.permissions import Permission
from app.core.errors import InvalidRequestError
from app.evaluation.schemas import Comparison, WindowKind
from app.evaluation.service import wanted
from app.graphql.context import Info
from app.graphql.derive import NAMES, TYPES, enum_of
from app.graphql.files import REST
from app.graphql.guard import guarded

LEAST_MARGIN, MOST_MARGIN = 0.1, 100.0
NAMES |= {
    "EstimateView": "Estimate",
    "DifferenceView": "Difference",
    "FigureView": "ComparedFigure",
    "PairedView": "PairedFigure",
}
WindowType = enum_of(WindowKind, "window")


@guarded(Permission.RESULTS_READ, returns=str)
def report_url(root: strawberry.Parent[Comparison], info: Info) -> Any:
    """Address of the same as one HTML page, on this server, with the same credentials."""
    ids = ",".join(run.id for run in root.runs)
    asked = {"ids": ids, "baseline": root.baseline, "window": root.window, "margin_percent": f"{root.margin * 100:g}"}
    return f"{REST}/comparisons/report.html?{urlencode(asked)}"


ComparisonType = TYPES.of(Comparison, more={"report_url": report_url})


@strawberry.type
class ComparisonQueries:
    """Comparing benchmarks."""

    @guarded(Permission.RESULTS_READ, returns=ComparisonType | None, cost=1_000)
    async def compare_benchmarks(
        self,
        info: Info,
        ids: Annotated[list[UUID], strawberry.argument(description="Two to eight benchmarks that have ended.")],
        baseline: Annotated[
            UUID | None,
            strawberry.argument(description="The one that the others are compared with; by default the first."),
        ] = None,
        window: Annotated[
            WindowType,
            strawberry.argument(description="In their steady windows, where each has one, or start-up included."),
        ] = WindowType.STEADY,
        margin_percent: Annotated[
            float, strawberry.argument(description="Percent below which a difference does not matter, 0.1 to 100.")
        ] = 5.0,
    ) -> Any:
        """Differences with 95 % confidence intervals that hold for dependent requests, and what may be said of them."""
        if not LEAST_MARGIN <= margin_percent <= MOST_MARGIN:
            allowed = f"{LEAST_MARGIN:g} … {MOST_MARGIN:g}"
            problem = {"path": "marginPercent", "message": "is out of range", "allowed": allowed}
            raise InvalidRequestError(f"marginPercent: use {allowed}", errors=[problem])
        part: Any = getattr(window, "value", window)
        asked = wanted(
            ",".join(map(str, ids)),
            None if baseline is None else str(baseline),
            part,
            margin_percent,
        )
        return await info.context.services.comparisons.compare(info.context.caller, asked)
