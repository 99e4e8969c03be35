"""Alerts as they stand; `alertsStream` tells them as they come."""

from typing import Any

import strawberry

from app.accounts.permissions import Permission
from app.graphql.context import Info
from app.graphql.derive import TYPES
from app.graphql.guard import guarded
from app.monitoring.alert_endpoints import Alerts


@strawberry.type
class AlertQueries:
    """Reading alerts."""

    @guarded(Permission.METRICS_READ, returns=TYPES.of(Alerts), cost=50)
    async def alerts(self, info: Info) -> Any:
        """Alerts that you may see: those that are open, and those that are over."""
        return Alerts.on(info.context.services.alerts, info.context.caller)
