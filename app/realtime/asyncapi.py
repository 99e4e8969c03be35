"""The AsyncAPI 3.0 document of `/ws`, made from the types of its messages and of the event catalogue."""

from typing import Any

import msgspec

from app.accounts.visibility import permission_for
from app.events.catalogue import CATALOGUE
from app.events.topics import TICKS
from app.realtime import protocol
from app.realtime.protocol import ClientMessage

_FROM_SERVER = (
    protocol.Ack,
    protocol.Gap,
    protocol.Dropped,
    protocol.Restarting,
    protocol.Error,
    protocol.Ping,
    protocol.Pong,
)
_REF = "#/components/schemas/{name}"


def asyncapi_document(version: str) -> dict[str, Any]:
    """The document for this version of the service."""
    payloads = {topic: kind.payload for topic, kind in CATALOGUE.items()}
    types: list[type] = [*ClientMessage.__args__, *_FROM_SERVER, protocol.Event, *dict.fromkeys(payloads.values())]
    _, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    messages: dict[str, Any] = {}
    for kind in dict.fromkeys((*ClientMessage.__args__, *_FROM_SERVER)):
        messages[kind.__name__] = {
            "name": kind.__name__,
            "contentType": "application/json",
            "summary": _first_line(kind),
            "payload": {"$ref": _REF.format(name=kind.__name__)},
        }
    for topic, (payload, when) in CATALOGUE.items():
        messages[topic.value] = {
            "name": topic.value,
            "title": topic.value,
            "contentType": "application/json",
            "summary": when,
            "x-permission": permission_for(topic).value,
            "x-replaceable": topic in TICKS,
            "payload": {
                "allOf": [
                    {"$ref": _REF.format(name="Event")},
                    {
                        "type": "object",
                        "properties": {
                            "topic": {"const": topic.value},
                            "payload": {"$ref": _REF.format(name=payload.__name__)},
                        },
                    },
                ]
            },
        }
    said = [kind.__name__ for kind in ClientMessage.__args__]
    heard = [kind.__name__ for kind in _FROM_SERVER] + [topic.value for topic in CATALOGUE]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "LLM Test Bench: live events",
            "version": version,
            "description": "Live events over one WebSocket. docs/websocket.md shows a session and how to resume one.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "live": {
                "address": "/ws",
                "title": "Live events",
                "messages": {_key(name): {"$ref": f"#/components/messages/{_key(name)}"} for name in messages},
            }
        },
        "operations": {
            "say": _operation("receive", "What a client says.", said),
            "hear": _operation("send", "What the server says.", heard),
        },
        "components": {
            "messages": {_key(name): message for name, message in messages.items()},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _key(name: str) -> str:
    """Names of components have no dots everywhere they are used."""
    return name.replace(".", "_")


def _operation(action: str, summary: str, messages: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": "#/channels/live"},
        "messages": [{"$ref": f"#/channels/live/messages/{_key(name)}"} for name in messages],
    }


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]
