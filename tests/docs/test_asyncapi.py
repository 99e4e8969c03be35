"""`docs/asyncapi.json` is what the types say (LTB_WRITE_OPENAPI=1 writes it), and is AsyncAPI 3.0 in itself."""

import json
import os
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from app.events.types import Topic
from app.realtime.asyncapi import asyncapi_document
from app.realtime.protocol import ClientMessage, encode_event
from tests.docs.settings_table import README
from tests.factories import make_event

WRITES = os.environ.get("LTB_WRITE_OPENAPI") == "1"  # before the fixture that removes such variables
COPY = README.parent / "docs" / "asyncapi.json"


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(asyncapi_document("0")))
    return found


def test_the_committed_copy_is_fresh() -> None:
    text = json.dumps(document(), indent=2, sort_keys=True) + "\n"
    if WRITES:
        COPY.write_text(text, encoding="utf-8")
    assert COPY.read_text(encoding="utf-8") == text, "run this test with LTB_WRITE_OPENAPI=1"


def test_every_reference_leads_somewhere() -> None:
    whole = document()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(reference := value.get("$ref"), str):
                at = whole
                for part in reference.removeprefix("#/").split("/"):
                    at = at[part]
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(whole)


def test_every_topic_and_message_is_in_it() -> None:
    names = {message["name"] for message in document()["components"]["messages"].values()}
    assert {topic.value for topic in Topic} | {kind.__name__ for kind in ClientMessage.__args__} <= names


def test_an_event_has_the_fields_of_its_schema() -> None:
    sent = msgspec.json.decode(encode_event(make_event()))
    schema = document()["components"]["schemas"]["Event"]
    assert set(sent) == set(schema["required"]) == set(schema["properties"])


def test_it_keeps_the_official_schema() -> None:
    """AsyncAPI's own JSON schema, from its npm package; a document with a mistake shows that the schema bites."""
    path = README.parent / "web" / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
    if not path.is_file():
        pytest.skip("needs the web packages: make setup")
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert schema["$id"].endswith("3.0.0/asyncapi.json")
    validator = Draft7Validator(schema)
    assert [error.message[:200] for error in validator.iter_errors(document())] == []
    for broken in (
        document() | {"asyncapi": "2.6.0"},
        document() | {"chanels": {}},
        document() | {"operations": {"say": {"action": "shout", "channel": {"$ref": "#/channels/live"}}}},
    ):
        assert not validator.is_valid(broken)
