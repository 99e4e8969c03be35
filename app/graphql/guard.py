"""Who may ask for a field: each root field declares it, and a schema with one that does not is refused."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import strawberry
from strawberry.schema import Schema
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from app.accounts.permissions import Permission

PERMISSION = "permission"
COST = "cost"
PAGED = "paged"


def guarded(
    permission: Permission,
    *,
    returns: Any = None,
    cost: int = 1,
    paged: bool = False,
    subscription: bool = False,
    name: str | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """A field that needs `permission`; its description is the docstring of the resolver, which must take `info`.

    `cost` is what it counts for in the complexity of an operation; of a `paged` one everything below it is multiplied
    by the page size that the client asks for.
    """

    def decorate(resolver: Callable[..., Any]) -> StrawberryField:
        @functools.wraps(resolver)
        def checked(*args: Any, **kwargs: Any) -> Any:
            kwargs["info"].context.caller.check(permission)
            return resolver(*args, **kwargs)

        make = strawberry.subscription if subscription else strawberry.field
        made: StrawberryField = make(
            resolver=checked,
            name=name,
            graphql_type=returns,
            description=" ".join((resolver.__doc__ or "").split()),
            metadata={PERMISSION: permission, COST: cost, PAGED: paged},
        )
        return made

    return decorate


def declared(schema: Schema) -> Iterator[tuple[str, str, Permission]]:
    """Type, field and permission of every guarded field."""
    for definition, field, name in _fields(schema):
        if (permission := field.metadata.get(PERMISSION)) is not None:
            yield definition.name, name, permission


def check_declared(schema: Schema) -> None:
    """Refuse a schema with a root field that declares no permission.

    Raises:
        TypeError: naming the fields.
    """
    roots = {"Query", "Mutation", "Subscription"}
    open_fields = [
        f"{definition.name}.{name}"
        for definition, field, name in _fields(schema)
        if definition.name in roots and field.metadata.get(PERMISSION) is None
    ]
    if open_fields:
        raise TypeError(f"these fields declare no permission (use `guarded`): {', '.join(open_fields)}")


def _fields(schema: Schema) -> Iterator[tuple[StrawberryObjectDefinition, StrawberryField, str]]:
    for known in schema.schema_converter.type_map.values():
        definition = known.definition
        if isinstance(definition, StrawberryObjectDefinition) and not definition.is_input:
            for field in definition.fields:
                yield definition, field, schema.config.name_converter.get_graphql_name(field)
