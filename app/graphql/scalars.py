"""Scalars that GraphQL lacks: JSON documents, and integers beyond 32 bits."""

from typing import Any, NewType
from uuid import UUID

import strawberry
from graphql import GraphQLError, IntValueNode, ValueNode, value_from_ast_untyped
from pydantic_core import to_jsonable_python
from strawberry.types.scalar import ScalarDefinition

MAX_LONG = 2**53 - 1
MAX_BIG_INT = 2**63 - 1

JSON = NewType("JSON", object)
Long = NewType("Long", int)
BigInt = NewType("BigInt", int)


def _whole_number(value: Any, name: str, limit: int) -> int:
    if isinstance(value, str) and value.lstrip("-").isascii() and value.lstrip("-").isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > limit:
        raise GraphQLError(f"{name} must be a whole number between -{limit} and {limit}")
    return value


def _literal(value: Any, name: str, limit: int) -> int:
    return _whole_number(
        int(value.value) if isinstance(value, IntValueNode) else getattr(value, "value", None), name, limit
    )


def _json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    return value_from_ast_untyped(node, variables)


def _definition(name: str, description: str, serialize: Any, parse_value: Any, parse_literal: Any) -> ScalarDefinition:
    return strawberry.scalar(
        name=name, description=description, serialize=serialize, parse_value=parse_value, parse_literal=parse_literal
    )


def _uuid(value: Any) -> UUID:
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise GraphQLError("an id must be a UUID, such as 0198a2b4-5f3c-7d1e-8a9b-0c1d2e3f4a5b") from None


SCALARS: dict[object, ScalarDefinition] = {
    UUID: _definition(
        "UUID",
        "An id, as 32 hexadecimal digits with hyphens.",
        str,
        _uuid,
        lambda node, _variables=None: _uuid(getattr(node, "value", None)),
    ),
    JSON: _definition(
        "JSON",
        "Any JSON value.",
        lambda value: to_jsonable_python(value, inf_nan_mode="null"),
        lambda value: value,
        _json_literal,
    ),
    Long: _definition(
        "Long",
        "A whole number of up to 53 bits, as a JSON number: every language reads it exactly.",
        lambda value: _whole_number(value, "Long", MAX_LONG),
        lambda value: _whole_number(value, "Long", MAX_LONG),
        lambda node, _variables=None: _literal(node, "Long", MAX_LONG),
    ),
    BigInt: _definition(
        "BigInt",
        "A whole number of up to 64 bits, as a JSON string of digits, because JavaScript reads numbers beyond 53 bits "
        "inexactly. As input a number will do too.",
        lambda value: str(_whole_number(value, "BigInt", MAX_BIG_INT)),
        lambda value: _whole_number(value, "BigInt", MAX_BIG_INT),
        lambda node, _variables=None: _literal(node, "BigInt", MAX_BIG_INT),
    ),
}
