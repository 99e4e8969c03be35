"""The schema itself: committed, described, and with a permission on every root field."""

import os
from pathlib import Path
from typing import Any

import pytest
import strawberry
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema

from app.accounts.permissions import Permission
from app.core.settings import GraphQLSettings
from app.graphql.guard import check_declared, declared, guarded
from app.graphql.schema import GuardedSchema, build_schema, schema_text

COMMITTED = Path(__file__).parents[2] / "web" / "schema.graphql"
COMMAND = "LTB_WRITE_SCHEMA=1 .venv/bin/python -m pytest tests/graphql/test_schema.py"


@pytest.fixture(scope="module")
def schema() -> GuardedSchema:
    return build_schema(GraphQLSettings())


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    found = schema._schema
    assert isinstance(found, GraphQLSchema)
    return found


@pytest.fixture(scope="module", autouse=True)
def _write_when_asked() -> None:
    if WRITE:
        COMMITTED.write_text(schema_text(), encoding="utf-8")


WRITE = bool(os.environ.get("LTB_WRITE_SCHEMA"))


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == schema_text(), f"write it anew: {COMMAND}"


def test_everything_is_described(schema: GuardedSchema) -> None:
    bare = []
    for name, found in core_schema(schema).type_map.items():
        if name.startswith("__") or name in {"Int", "Float", "String", "Boolean", "ID"}:
            continue
        if not found.description:
            bare.append(name)
        if isinstance(found, GraphQLObjectType | GraphQLInputObjectType):
            for field, kind in found.fields.items():
                if not kind.description:
                    bare.append(f"{name}.{field}")
                arguments: dict[str, Any] = getattr(kind, "args", {})
                bare += [f"{name}.{field}({argument})" for argument, one in arguments.items() if not one.description]
    assert not bare


def test_every_root_field_declares_a_permission(schema: GuardedSchema) -> None:
    found = {(kind, name): permission for kind, name, permission in declared(schema)}
    core = core_schema(schema)
    for root in (core.query_type, core.mutation_type, core.subscription_type):
        assert root is not None
        for name in root.fields:
            assert found[root.name, name] in set(Permission)


def test_a_field_without_a_permission_is_refused() -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        def secret(self) -> str:
            return "everybody sees this"

        @guarded(Permission.ACCOUNT_SELF, returns=str)
        def mine(self, info: strawberry.Info) -> Any:
            """Guarded."""
            return ""

    with pytest.raises(TypeError, match=r"Query\.secret"):
        check_declared(strawberry.Schema(Query))


def test_no_secret_is_part_of_an_answer(schema: GuardedSchema) -> None:
    words = ("password", "secret", "token_hash", "apiKey", "credential")
    for name, found in core_schema(schema).type_map.items():
        if isinstance(found, GraphQLObjectType) and not name.startswith("__"):
            leaking = [field for field in found.fields if field != "hasApiKey" and field in {*words, "api_key"}]
            assert not leaking, (name, leaking)
    assert "key" in core_schema(schema).type_map["ApiKeyCreated"].fields  # type: ignore[attr-defined]


def test_enumerations_have_the_values_of_the_service(schema: GuardedSchema) -> None:
    status = core_schema(schema).type_map["BenchmarkStatus"]
    assert isinstance(status, GraphQLEnumType)
    assert set(status.values) == {"PENDING", "RUNNING", "CANCELLING", "COMPLETED", "FAILED", "CANCELLED"}
