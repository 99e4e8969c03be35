"""What creating a benchmark would say about a spec, all of it: nothing is stored."""

import asyncio
import os
import resource
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from app.adapters import registry
from app.adapters.capabilities import Capabilities
from app.benchmarks import budget, inputs, planner, quoting
from app.benchmarks.cautions import Machine, cautions
from app.benchmarks.forecast import Between, forecast, peak_in_flight, peak_rate, peak_users
from app.benchmarks.forecast_views import ExpectedRange, SpecCheck, SpecProblem, SpecValidation, SpecWarning
from app.benchmarks.schemas import BenchmarkSpec, Target
from app.benchmarks.storable import check_storable
from app.core.errors import ConstraintViolationError, InvalidRequestError
from app.core.validation import problems_of

_TARGETS = TypeAdapter(list[Target])
_NOT_IN_IT = "without the start of the engines (a few seconds a stage) and the answers under way at the end"
Placement = Callable[[int, Sequence[str]], Awaitable[None]]


class ProviderDirectory(Protocol):
    """What benchmarks ask of providers when one is submitted."""

    async def check_exists(self, names: Sequence[str]) -> None:
        """Raise `InvalidRequestError` with the path `targets.N.provider` of each name that is not usable."""
        ...

    async def definitions(self, names: Sequence[str]) -> Sequence[Any]:
        """The definition of each custom provider, None for every other; raises `NotFoundError`."""
        ...

    async def kinds(self, names: Sequence[str]) -> Sequence[str]:
        """The kind of each provider, as the adapter registry calls it; raises `NotFoundError`."""
        ...

    async def capabilities(self, name: str, model: str) -> Capabilities:
        """What a provider says that a model of its can do; nothing where it says nothing, or does not answer."""
        ...


class SpecChecks:
    """Holds specs against what this service has: providers, worker slots, workers with tags, prices."""

    def __init__(self, providers: ProviderDirectory, *, max_workers: int | None = None) -> None:
        self.check_placement: Placement | None = None  # the cluster's say
        self._providers = providers
        self._max_workers = max_workers

    async def checked(self, spec: BenchmarkSpec) -> dict[str, Any]:
        """The document to store.

        Raises:
            InvalidRequestError: naming everything that is wrong.
        """
        document, problems, _ = await self._examined(spec)
        _refuse(problems)
        return document

    async def check(self, spec: BenchmarkSpec) -> SpecCheck:
        """What it amounts to; raises as `checked`."""
        _, problems, kinds = await self._examined(spec)
        _refuse(problems)
        assert kinds is not None
        return await asyncio.to_thread(described, spec, kinds)

    async def validate(self, document: Any) -> SpecValidation:
        """The same for a document that may not even be a spec. Nothing is raised."""
        try:
            spec = BenchmarkSpec.model_validate(document)
        except ValidationError as error:
            problems = problems_of(error, document)
            problems += await self._wrong_providers(document, problems)
            return SpecValidation(is_valid=False, problems=_views(problems), plan=None)
        _, found, kinds = await self._examined(spec)
        plan = None if kinds is None else await asyncio.to_thread(described, spec, kinds)
        return SpecValidation(is_valid=not found, problems=_views(found), plan=plan)

    async def _wrong_providers(self, document: Any, problems: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
        """Of a document that is wrong elsewhere, so that both are heard of at once."""
        if not isinstance(document, dict) or any(one["path"].startswith("targets") for one in problems):
            return []
        try:
            targets = _TARGETS.validate_python(document.get("targets"))
        except ValidationError:
            return []
        return await _problems_of(self._providers.check_exists([target.provider for target in targets]))

    async def _examined(self, spec: BenchmarkSpec) -> tuple[dict[str, Any], list[dict[str, Any]], Sequence[str] | None]:
        """The document, its problems, and the kinds of its targets where all exist."""
        problems = self._slots(spec)
        if not problems and self.check_placement is not None:
            problems += await self._placement(self.check_placement, spec)
        document = spec.model_dump(mode="json")
        problems += await _problems_of(asyncio.to_thread(check_storable, document))
        names = [target.provider for target in spec.targets]
        if unknown := await _problems_of(self._providers.check_exists(names)):
            return document, problems + unknown, None
        kinds = await self._providers.kinds(names)
        problems += await _problems_of(self._takes(spec, names, kinds))
        if spec.budget_usd is not None:
            # In a thread, because the price table takes a second to load.
            problems += await _problems_of(asyncio.to_thread(budget.estimate, spec, kinds))
        return document, problems, kinds

    def _slots(self, spec: BenchmarkSpec) -> list[dict[str, Any]]:
        if self._max_workers is None or spec.workers <= self._max_workers:
            return []
        message = f"this server has {self._max_workers} worker slots (distributed.worker_count)"
        return [{"path": "workers", "message": message, "allowed": f"1 … {self._max_workers}"}]

    async def _placement(self, check: Placement, spec: BenchmarkSpec) -> list[dict[str, Any]]:
        try:
            await check(max(planner.shard_counts(spec)), spec.placement)
        except ConstraintViolationError as error:
            path = "placement" if spec.placement else "workers"
            return [{"path": path, "message": error.message, "allowed": error.details.get("known_tags")}]
        return []

    async def _takes(self, spec: BenchmarkSpec, names: Sequence[str], kinds: Sequence[str]) -> None:
        definitions = await self._providers.definitions(names) if registry.CUSTOM in kinds else ()
        if media := await asyncio.to_thread(inputs.check_kinds, spec.workload, kinds, definitions):
            targets = [(one.model, await self._providers.capabilities(one.provider, one.model)) for one in spec.targets]
            inputs.check_models(media, targets)


def described(spec: BenchmarkSpec, kinds: Sequence[str]) -> SpecCheck:
    """What a spec amounts to whose targets' providers are of these kinds."""
    found = forecast(spec)
    try:
        estimate = budget.estimate(spec, kinds)
    except InvalidRequestError as error:
        estimate = budget.Estimate(None, {}, {}, error.message.removeprefix("budget_usd: "))
    targets = len(spec.targets)
    requests = found.requests_per_target
    costs = quoting.quotes(spec, kinds, found)
    return SpecCheck(
        requests_planned=planner.requests_planned(spec),
        estimate_usd=estimate.usd,
        estimate_note=estimate.note,
        stages=found.stages,
        requests=_range(requests.times(targets)),
        duration_seconds=_range(found.seconds),
        duration_note=_NOT_IN_IT if found.seconds.high is not None else "how long it takes depends on the server",
        peak_users=peak_users(spec),
        peak_rate=peak_rate(spec),
        peak_in_flight=peak_in_flight(spec),
        input_tokens=_range(requests.product(found.input_tokens).times(targets)),
        output_tokens=_range(requests.product(found.output_tokens).times(targets)),
        cost=quoting.total(costs),
        costs=costs,
        warnings=[SpecWarning(**one._asdict()) for one in cautions(spec, found, _machine())],
    )


def _machine() -> Machine:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(2**20 if hard == resource.RLIM_INFINITY else hard, cores)


def _range(found: Between) -> ExpectedRange:
    return ExpectedRange(low=found.low, high=found.high)


async def _problems_of(check: Awaitable[object]) -> list[dict[str, Any]]:
    try:
        await check
    except InvalidRequestError as error:
        found: list[dict[str, Any]] = error.details.get("errors") or [{"path": "", "message": error.message}]
        return list(found)
    return []


def _views(problems: Sequence[dict[str, Any]]) -> list[SpecProblem]:
    return [
        SpecProblem(
            path="" if one["path"] == "(body)" else one["path"], message=one["message"], allowed=one.get("allowed")
        )
        for one in problems
    ]


def _refuse(problems: list[dict[str, Any]]) -> None:
    if problems:
        raise InvalidRequestError("; ".join(f"{one['path']}: {one['message']}" for one in problems), errors=problems)
