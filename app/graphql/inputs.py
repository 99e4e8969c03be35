"""Input types out of pydantic models, and what a client gave back into the document that the model reads.

GraphQL inputs have no unions, but they have `@oneOf`: a union of kinds becomes an input with one field per kind, of
which exactly one is given: `load: {closed: {concurrency: 8}}`. pydantic names union members in its paths in the same
way, so problems are told in the words of the input: `load.closed.rampUpSeconds`.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from types import NoneType
from typing import Annotated, Any, Literal, Optional, get_args, get_origin

import strawberry
from pydantic import BaseModel, SecretStr, ValidationError
from strawberry.utils.str_converters import to_camel_case

from app.core.errors import InvalidRequestError
from app.core.validation import problems_of
from app.graphql.derive import (
    UNION_NAMES,
    described,
    enum_of,
    first_line,
    graphql_name,
    is_model,
    members_of,
    whole_number,
)
from app.graphql.scalars import JSON

TOKENS = "tokens"
"""In an input that is a number or an object: the number."""


class Inputs:
    """Input types, each made once."""

    def __init__(self) -> None:
        self._made: dict[Any, Any] = {}

    def of(self, model: type[BaseModel]) -> Any:
        """The input type of `model`: fields with a default may be left out."""
        if model not in self._made:
            namespace: dict[str, Any] = {"__annotations__": {}}
            for name, field in model.model_fields.items():
                if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
                    continue  # the kind: said by the name of the field that holds this input
                made = self._annotation(field.annotation, name)
                said = described(name, field)
                if field.is_required():
                    namespace[name] = strawberry.field(description=said)
                else:
                    default = field.get_default(call_default_factory=True)
                    if isinstance(default, int | float | str):
                        said = f"{said.removesuffix('.')} (by default {getattr(default, 'value', default)})."
                    made = made if NoneType in get_args(made) else Optional[made]
                    namespace[name] = strawberry.field(description=said, default=strawberry.UNSET)
                namespace["__annotations__"][name] = made
            title = f"{graphql_name(model)}Input".replace("CreateInput", "Input")
            self._made[model] = strawberry.input(type(title, (), namespace), name=title, description=first_line(model))
        return self._made[model]

    def _annotation(self, annotation: Any, name: str) -> Any:  # noqa: PLR0911  (one line per kind of type)
        while get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        members = members_of(annotation)
        if NoneType in get_args(annotation):
            inner = members[0] if len(members) == 1 else _without_none(annotation)
            return Optional[self._annotation(inner, name)]
        if len(members) > 1:
            return self._one_of(members)
        if is_model(annotation):
            return self.of(annotation)
        if (enum := enum_of(annotation, name)) is not None:
            return enum
        if get_origin(annotation) in {list, tuple}:
            return list[self._annotation(get_args(annotation)[0], name)]  # type: ignore[misc]
        if annotation is int:
            return whole_number(name)
        if annotation in {str, float, bool}:
            return annotation
        return str if annotation is SecretStr else JSON

    def _one_of(self, members: Sequence[Any]) -> Any:
        title = UNION_NAMES.get(frozenset(members))
        models = [member for member in members if is_model(member)]
        if title is None:
            # A text or an object that has a field for it, as in lists of prompts; a text or a list of parts is free.
            return self.of(models[0]) if len(models) == 1 else JSON
        if title not in self._made:
            namespace: dict[str, Any] = {"__annotations__": {}}
            if int in members:
                namespace["__annotations__"][TOKENS] = Optional[int]
                namespace[TOKENS] = strawberry.field(description="This many tokens.", default=strawberry.UNSET)
            for model in models:
                kind = str(model.model_fields["kind"].default)
                namespace["__annotations__"][kind] = Optional[self.of(model)]
                namespace[kind] = strawberry.field(description=first_line(model), default=strawberry.UNSET)
            made = type(f"{title}Input", (), namespace)
            says = f"Exactly one kind of {title.lower()}."
            self._made[title] = strawberry.input(made, name=f"{title}Input", description=says, one_of=True)
        return self._made[title]


def _without_none(annotation: Any) -> Any:
    found = Any
    for member in get_args(annotation):
        if member is not NoneType:
            found = member if found is Any else found | member
    return found


def document_of(value: Any) -> Any:
    """The document behind an input: what was left out is left out, `@oneOf` inputs say their kind."""
    if isinstance(value, list):
        return [document_of(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    definition = getattr(value, "__strawberry_definition__", None)
    if definition is None:
        return value
    given = {
        field.python_name: document_of(found)
        for field in definition.fields
        if (found := getattr(value, field.python_name)) is not strawberry.UNSET
    }
    if not definition.is_one_of:
        return given
    ((kind, inner),) = given.items()
    return {"kind": kind} | inner if isinstance(inner, dict) else inner


def read(model: type[BaseModel], value: Any, *, path: str = "", context: Mapping[str, Any] | None = None) -> Any:
    """The model that an input stands for.

    Raises:
        InvalidRequestError: `details["errors"]` lists `{path, message, allowed?}`, in GraphQL's words, below `path`.
    """
    return _validated(model, document_of(value), path, translate=True, context=context)


def read_document(model: type[BaseModel], document: Any, *, path: str = "") -> Any:
    """The model of a JSON document as REST takes it; raises as `read`, with the document's own names in the paths."""
    return _validated(model, document, path, translate=False, context=None)


def _validated(
    model: type[BaseModel], document: Any, path: str, *, translate: bool, context: Mapping[str, Any] | None
) -> Any:
    try:
        return model.model_validate(document, context=context)
    except ValidationError as error:
        problems = problems_of(error, document, spelled=to_camel_case if translate else None)
    for problem in problems:
        problem["path"] = ".".join(part for part in (path, problem["path"]) if part)
    shown = "; ".join(f"{problem['path']}: {problem['message']}" for problem in problems[:3])
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    raise InvalidRequestError(f"the input is not valid: {shown}{more}", errors=problems)


INPUTS = Inputs()
"""The inputs of this schema."""
