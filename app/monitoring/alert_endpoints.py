"""REST: the alerts that there are."""

from datetime import datetime
from typing import Annotated, Self, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from app.accounts.caller import Caller, require
from app.accounts.permissions import Permission
from app.core.http import API_PREFIX, error_responses
from app.monitoring.alert_board import AlertBoard, Told

router = APIRouter(prefix=API_PREFIX, tags=["monitoring"])

CanRead = Annotated[Caller, Depends(require(Permission.METRICS_READ))]


class AlertView(BaseModel):
    """One alert."""

    key: str = Field(description="Names the condition: the same when it is raised again.")
    kind: str = Field(description="What kind of condition.", examples=["disk_low"])
    severity: str = Field(description="`warning` or `critical`.")
    message: str = Field(description="What it is about, in words.")
    is_lasting: bool = Field(description="False: a fact about a run that has ended, which nothing resolves.")
    benchmark_id: UUID | None = Field(description="The benchmark that it is about.")
    provider: str | None = Field(description="The provider that it is about.")
    instance: str | None = Field(description="The server process that it is about.")
    raised_at: datetime = Field(description="When it was raised.")
    resolved_at: datetime | None = Field(description="When it was over.")

    @classmethod
    def of(cls, told: Told) -> Self:
        """An alert of the board."""
        names = ("key", "kind", "severity", "message", "is_lasting", "benchmark_id", "provider", "instance")
        fields = {name: told.payload.get(name) for name in names}
        raised_at = told.payload.get("raised_at") or told.event.timestamp
        return cls.model_validate(fields | {"raised_at": raised_at, "resolved_at": told.resolved_at})


class Alerts(BaseModel):
    """What wants attention, and what did."""

    since: datetime = Field(description="Alerts from before this moment, the start of this server, are not known.")
    has_gap: bool = Field(description="Events were missed since: an alert may be missing, or over already.")
    open: list[AlertView] = Field(description="Not over yet, the newest first; at most 200.")
    past: list[AlertView] = Field(description="Over, or facts about ended runs, the newest first; at most 100.")

    @classmethod
    def on(cls, board: AlertBoard, caller: Caller) -> "Alerts":
        """Those that `caller` may see."""
        return cls(
            since=board.since,
            has_gap=board.has_gap,
            open=[AlertView.of(told) for told in board.open(caller)],
            past=[AlertView.of(told) for told in board.past(caller)],
        )


async def _board(request: Request) -> AlertBoard:
    return cast("AlertBoard", request.app.state.alerts)


@router.get("/alerts", operation_id="listAlerts", summary="Alerts", responses=error_responses(401, 403))
async def alerts(caller: CanRead, board: Annotated[AlertBoard, Depends(_board)]) -> Alerts:
    """Alerts that the caller may see; the topics `alert.*` of `/ws` tell them as they come."""
    return Alerts.on(board, caller)
