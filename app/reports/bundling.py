"""The reproducibility bundle of a stored benchmark."""

import re
from typing import Any

from app.accounts.caller import Caller
from app.accounts.permissions import Permission
from app.benchmarks.bundles import make_bundle
from app.benchmarks.calibrations import program
from app.benchmarks.schemas import Target
from app.benchmarks.views import Benchmark
from app.core.errors import NotFoundError
from app.loadgen.plan import Endpoint
from app.providers.service import ProviderService

KEY = "$API_KEY"
"""Stands for the key. A header is written in Latin-1, so it must be too."""


def variable(header: str) -> str:
    """Stands for the value of a header that the provider's settings add: `X-Team` → `$X_TEAM`."""
    return "$" + re.sub(r"\W", "_", header).upper()


async def endpoint_of(providers: ProviderService, caller: Caller, target: Target) -> Endpoint:
    """Where a target goes now, with names in place of secrets; an adapter without a name if the provider is gone."""
    try:
        provider = await providers.get(target.provider)
    except NotFoundError:
        return Endpoint("", "", target.model)
    may_see = Permission.PROVIDER_READ in caller.permissions
    return Endpoint(
        adapter=provider.kind,
        base_url=provider.base_url if may_see else "",
        model=target.model,
        api_key=KEY if provider.has_api_key else None,  # only whether there is one is told
        headers={name: variable(name) for name in provider.options.headers},
        verify_tls=provider.options.verify_tls,
        definition=provider.definition if may_see else None,
    )


def bundle_of(benchmark: Benchmark, endpoints: list[Endpoint]) -> dict[str, Any]:
    """The bundle. Takes seconds for many long prompts: call it in a thread."""
    totals = {
        (target.provider, target.model): target.requests.total
        for target in (benchmark.summary.by_target if benchmark.summary else ())
    }
    started = [totals.get((target.provider, target.model)) for target in benchmark.spec.targets]
    facts = benchmark.summary.workload if benchmark.summary else None
    workload = facts.model_dump() if facts else None
    return make_bundle(benchmark.spec, endpoints, program=program(), started=started, workload=workload)
