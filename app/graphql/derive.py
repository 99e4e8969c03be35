"""GraphQL types out of the pydantic models that REST answers with, so that both say the same in the same words.

| in the model | in GraphQL |
|---|---|
| a model | an object type; its fields read the model's attributes |
| a union of models | a union |
| a closed set of texts, an enumeration | an enum, in capitals |
| a dictionary with known values | a list of entries with `key` and `value` |
| anything else without a fixed shape | `JSON` |
| a whole number | `Int`, or where sums may exceed 32 bits `Long`, or for instants in nanoseconds `BigInt` |
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Optional, Union, get_args, get_origin
from uuid import UUID

import strawberry
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from strawberry.types.field import StrawberryField

from app.benchmarks.curve_views import Metric, PointField
from app.benchmarks.explorations import ExploreSpec
from app.benchmarks.loads import LoadSpec
from app.benchmarks.workloads import Length, WorkloadSpec
from app.cluster.placement import WorkerStatus
from app.graphql.scalars import JSON, BigInt, Long
from app.stats.compare import Verdict as ComparisonVerdict

NAMES: dict[str, str] = {
    "ProviderView": "Provider",
    "ProviderHealth": "ProviderHealth",
    "KindView": "ProviderKind",
    "CapabilitiesView": "Capabilities",
    "PriceView": "Price",
    "ModelView": "ProviderModel",
    "ModelList": "ProviderModels",
    "UserView": "Viewer",
    "ApiKeyView": "ApiKey",
}
"""GraphQL names of models that have another."""

LONG = frozenset(
    {
        *("n", "input", "output", "reasoning", "chunks", "reads", "bytes_in", "peak_rss_bytes"),
        *("dropped_samples", "held_by_rate_limit", "involuntary_switches", "gc_pauses", "needs_n", "sequence"),
    }
)
"""Whole numbers that are sums over a run, or bytes."""
_PRECISE = re.compile(r".*_ns|seed")

_PERCENTILE = re.compile(r"p(\d+)(?:_(\d+))?")
_TIMELINE = re.compile(r"(ttft|gap)_p(\d+)_ms")
_WORDS: dict[str, str] = {
    "kind": "Which kind it is.",
    "status": "Where it is in its life.",
    "min": "The smallest.",
    "max": "The largest.",
    "mean": "The mean.",
    "stdev": "The standard deviation.",
    "n": "How many samples there are.",
    "t_s": "Seconds since the start of the run.",
    "requests_per_s": "Requests that ended, per second.",
    "output_tokens_per_s": "Output tokens per second.",
    "chunks_per_s": "Output chunks per second.",
    "errors_per_s": "Requests that failed, per second.",
    "in_flight": "Requests under way.",
}


DESCRIPTIONS: dict[str, str] = {
    "BenchmarkListItem": "One benchmark.",
    "UserView": "You, as this request has it.",
    "ProviderView": "A configured provider, without its key.",
    "ApiKeyCreated": "A fresh API key; the only answer that carries the key itself.",
}
"""What models that are called otherwise here say about themselves."""


def graphql_name(model: type[BaseModel]) -> str:
    """What a model is called in GraphQL."""
    return NAMES.get(model.__name__, model.__name__)


def members_of(annotation: Any) -> tuple[Any, ...]:
    """The members of a union (through `Annotated`), without None."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) not in {Union, UnionType}:
        return (annotation,)
    found: list[Any] = []
    for member in get_args(annotation):
        if member is not NoneType:
            found.extend(members_of(member))
    return tuple(found)


UNION_NAMES: dict[frozenset[Any], str] = {
    frozenset(members_of(LoadSpec)): "Load",
    frozenset(members_of(WorkloadSpec)): "Workload",
    frozenset(members_of(ExploreSpec)): "Explore",
    frozenset(members_of(Length)): "Length",
}


def is_model(annotation: Any) -> bool:
    """Whether it is a pydantic model."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def described(name: str, field: FieldInfo) -> str:
    """The description of a field: its own, or that of what it holds."""
    if field.description:
        return field.description
    if name in _WORDS:
        return _WORDS[name]
    if found := _TIMELINE.fullmatch(name):
        what = "time to first token" if found[1] == "ttft" else "gap between chunks"
        return f"{found[2]}th percentile of the {what}."
    if found := _PERCENTILE.fullmatch(name):
        return f"{'.'.join(part for part in found.groups() if part)}th percentile; null when there are too few samples."
    for member in members_of(field.annotation):
        if is_model(member):
            return first_line(member)
    raise TypeError(f"the field {name} needs a description")


def first_line(model: type[Any]) -> str:
    """What a class says about itself, in one line."""
    if model.__name__ in DESCRIPTIONS:
        return DESCRIPTIONS[model.__name__]
    return " ".join((model.__doc__ or "").strip().split("\n\n", 1)[0].split())


def whole_number(name: str) -> Any:
    """The GraphQL type of the whole number `name`."""
    return BigInt if _PRECISE.fullmatch(name) else Long if name in LONG else int


class Enums:
    """Enumerations out of sets of texts; equal sets share one."""

    def __init__(self) -> None:
        self._by_values: dict[frozenset[str], Any] = {}

    def add(self, name: str, description: str, values: Sequence[str]) -> Any:
        """The enumeration of `values`, called `name` when it is new."""
        key = frozenset(values)
        if key not in self._by_values:
            name = _ENUM_TITLES.get(name, name)
            members = {re.sub(r"\W", "_", value).upper(): value for value in values}
            self._by_values[key] = strawberry.enum(Enum(name, members), name=name, description=description)  # type: ignore[call-overload]
        return self._by_values[key]


ENUMS = Enums()
_ENUM_TITLES = {"Status": "BenchmarkStatus", "ErrorType": "ProviderErrorKind", "Metric": "LatencyMetric"}
_ENUM_NAMES: dict[frozenset[str], tuple[str, str]] = {
    frozenset({"concurrency", "rate"}): ("LoadParameter", "What is varied when several levels of load are measured."),
    frozenset({"trusted", "suspect", "client_bound"}): ("Verdict", "Whether the numbers of a run can be relied on."),
    frozenset({"met", "not_met", "undecided"}): ("CriteriaVerdict", "Whether a level meets what is required of it."),
    frozenset({"sweep", "search"}): ("ExplorationKind", "How levels of load are chosen."),
    frozenset({"ok", "error"}): ("ResultStatus", "How a request ended."),
    frozenset({"mser-5", "given", "none"}): ("WindowMethod", "How the steady part of a run was found."),
    frozenset({"constant", "poisson", "gamma"}): ("ArrivalProcess", "How the gaps between arrivals are distributed."),
    frozenset({"linear", "exponential"}): ("RampCurve", "How a rate goes from one value to another."),
    frozenset({"fixed", "exponential"}): ("ThinkTimeDistribution", "How the pauses of a user differ."),
    frozenset({"system", "user", "assistant"}): ("ChatRole", "Who says a message."),
    frozenset({"ok", "unreachable", "unauthorized", "error"}): ("ProviderHealthStatus", "How a check went."),
    frozenset(get_args(Metric)): ("CurveMetric", "A measure whose distribution can be read."),
    frozenset(get_args(PointField)): ("RequestMeasure", "What a request is placed by in a scatter plot."),
    frozenset(get_args(WorkerStatus)): ("WorkerStatus", "What a worker is up to."),
    frozenset({"embedded", "distributed"}): ("ClusterMode", "Where benchmarks are measured."),
    frozenset({"run", "steady", "window"}): ("CurveScope", "Which stretch of a run a curve is of."),
    frozenset({"start", "event"}): ("HeatmapTime", "What places a sample in time."),
    frozenset({"start", "report"}): ("ErrorTime", "What places a failure in time."),
    frozenset({"steady", "whole"}): ("ComparedWindow", "Which part of runs is compared."),
    frozenset({"rows", "slices"}): ("ComparedSource", "What a run's numbers were made of."),
    frozenset({"vllm", "aiperf", "guidellm"}): ("PeerTool", "Another tool that load-tests LLM APIs."),
    frozenset(verdict.value for verdict in ComparisonVerdict): (
        "ComparisonVerdict",
        "What the samples allow to say of a difference.",
    ),
    frozenset({"ok", "refused", "unknown"}): ("ProviderAuth", "Whether a provider took the key."),
}


def enum_of(annotation: Any, name: str) -> Any:
    """The enumeration for a `Literal` of several texts or an `Enum`; None for other annotations."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        values = [str(member.value) for member in annotation]
        known = _ENUM_NAMES.get(frozenset(values))
        return ENUMS.add(*(known or (annotation.__name__, first_line(annotation))), values)
    if get_origin(annotation) is Literal and len(values := [str(value) for value in get_args(annotation)]) > 1:
        known = _ENUM_NAMES.get(frozenset(values))
        fallback = "".join(part.title() for part in name.split("_"))
        return ENUMS.add(*(known or (fallback, f"What `{name}` may be.")), values)
    return None


class Types:
    """Object types out of models, each made once."""

    def __init__(self) -> None:
        self._made: dict[Any, Any] = {}

    def of(
        self, model: type[BaseModel], *, without: Sequence[str] = (), more: Mapping[str, StrawberryField] | None = None
    ) -> Any:
        """The object type of `model`, `without` some fields and with `more` that have resolvers of their own.

        The first call decides about both.
        """
        if model in self._made:
            return self._made[model]
        namespace: dict[str, Any] = {"__annotations__": {}, "__doc__": model.__doc__}
        for name, field in model.model_fields.items():
            if name not in without:
                self._add_field(namespace, model, name, field)
        namespace |= dict(more or {})
        namespace["is_type_of"] = classmethod(lambda cls, value, _info: isinstance(value, (cls, model)))
        made = strawberry.type(
            type(graphql_name(model), (), namespace), name=graphql_name(model), description=first_line(model)
        )
        self._made[model] = made
        return made

    def _add_field(self, namespace: dict[str, Any], model: type[BaseModel], name: str, field: FieldInfo) -> None:
        entry = _dictionary_value(field.annotation)
        nullable = NoneType in _direct_members(field.annotation)
        said = described(name, field)
        own_name = name if _PERCENTILE.fullmatch(name) else None  # `p999` would read as something else than `p99_9`
        if entry is not None:
            kind = list[self._entry(model, name, entry)]  # type: ignore[misc]
            namespace[name] = strawberry.field(
                resolver=_entries_of(name), description=said, graphql_type=Optional[kind] if nullable else kind
            )
            return
        namespace["__annotations__"][name] = self.annotation(field.annotation, name)
        namespace[name] = strawberry.field(description=said, name=own_name)

    def annotation(self, annotation: Any, name: str) -> Any:  # noqa: PLR0911  (one line per kind of type)
        """The GraphQL type for an annotation of a model."""
        while get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        direct = _direct_members(annotation)
        if NoneType in direct:
            rest = [member for member in direct if member is not NoneType]
            inner = rest[0] if len(rest) == 1 else Union[tuple(rest)]  # noqa: UP007
            return Optional[self.annotation(inner, name)]
        if len(members := members_of(annotation)) > 1:
            return self._union(members)
        if is_model(annotation):
            return self.of(annotation)
        if (enum := enum_of(annotation, name)) is not None:
            return enum
        origin = get_origin(annotation)
        if origin in {list, tuple, Sequence, frozenset}:
            return list[self.annotation(get_args(annotation)[0], name)]  # type: ignore[misc]
        if annotation is int:
            return whole_number(name)
        if annotation in {str, float, bool, UUID, datetime, date, Decimal}:
            return annotation
        return str if origin is Literal or annotation is SecretStr else JSON

    def _union(self, members: tuple[Any, ...]) -> Any:
        name = UNION_NAMES.get(frozenset(members))
        if name is None or not all(is_model(member) for member in members):
            return JSON
        union = Union[tuple(self.of(member) for member in members)]  # noqa: UP007
        description = f"One of the kinds of {name.lower()}; `kind` says which."
        return Annotated[union, strawberry.union(name, description=description)]

    def _entry(self, model: type[BaseModel], name: str, value: Any) -> Any:
        made = self.annotation(value, name)
        owner = "Figures" if name in {"metrics", "server_timings"} else graphql_name(model)
        title = f"{owner}{''.join(part.title() for part in name.split('_'))}Entry"
        if title not in self._made:
            namespace = {
                "__annotations__": {"key": str, "value": made},
                "key": strawberry.field(description="Its name."),
                "value": strawberry.field(description="What it is."),
            }
            self._made[title] = strawberry.type(
                type(title, (), namespace), name=title, description=f"An entry of `{name}`."
            )
        return self._made[title]


class Entry:
    """A pair out of a dictionary."""

    __slots__ = ("key", "value")

    def __init__(self, key: str, value: Any) -> None:
        self.key = key
        self.value = value


def _entries_of(name: str) -> Any:
    def entries(root: strawberry.Parent[Any]) -> Any:
        found: Mapping[str, Any] | None = getattr(root, name)
        return None if found is None else [Entry(key, value) for key, value in found.items()]

    return entries


def _direct_members(annotation: Any) -> tuple[Any, ...]:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)


def _dictionary_value(annotation: Any) -> Any:
    """What a dictionary of known values holds; None for other annotations, and for dictionaries of anything."""
    for member in members_of(annotation):
        if get_origin(member) is dict and (value := get_args(member)[1]) is not Any:
            return value
    return None


TYPES = Types()
"""The types of this schema."""
