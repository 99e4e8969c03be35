"""The cluster: who works on what, and what waits."""

from typing import Any

import strawberry

from app.accounts.permissions import Permission
from app.benchmarks.cluster_service import ClusterView
from app.core.errors import ServiceUnavailableError
from app.graphql.context import Info
from app.graphql.derive import NAMES, TYPES
from app.graphql.guard import guarded

NAMES["ClusterView"] = "Cluster"


@strawberry.type
class ClusterQueries:
    """Reading the cluster's state."""

    @guarded(Permission.BENCHMARK_READ, returns=TYPES.of(ClusterView) | None, cost=50)
    async def cluster(self, info: Info) -> Any:
        """Workers with what runs on them, and the benchmarks that wait, of others only their place."""
        service = info.context.services.benchmarks.cluster
        if service is None:
            raise ServiceUnavailableError("this server knows no cluster yet; ask again in a moment")
        return await service.get(info.context.caller)
