"""Streams as they are met in the field: each whole, cut at every tenth byte, and byte by byte."""

import pytest

from app.adapters import registry
from app.adapters.base import Reply
from tests.adapters.field_events import EVENTS
from tests.adapters.field_found import FOUND
from tests.adapters.field_streams import CHAT, Field

EACH = pytest.mark.parametrize("field", [*CHAT, *EVENTS, *FOUND], ids=lambda field: f"{field.kind}: {field.name}")


def decode(field: Field, pieces: list[bytes]) -> Reply:
    decoder = registry.get(field.kind).decoder(200, field.content_type, keep_text=True)
    for stamp, piece in enumerate(pieces):
        decoder.feed(1000 + stamp, piece)
    return decoder.finish(complete=True)


def check(field: Field, reply: Reply) -> None:
    assert "".join(reply.text) == field.text
    assert (reply.error_type, reply.error_kind) == (field.error_type, field.error_kind), reply.error
    assert field.says in (reply.error or "")
    assert reply.finish_reason == field.finish
    assert reply.buckets == field.buckets
    assert (reply.token_count_source or "") == field.source


@EACH
def test_event_by_event(field: Field) -> None:
    reply = decode(field, field.events)
    check(field, reply)
    assert [stamp - 1000 for stamp in reply.chunk_stamps] == field.outputs
    assert reply.first_output_ns == (0 if field.visible is None else 1000 + field.visible)


@EACH
def test_cut_anywhere(field: Field) -> None:
    raw = b"".join(field.events)
    for pieces in (
        [raw],
        [bytes([byte]) for byte in raw],
        *([raw[:at], raw[at:]] for at in range(1, len(raw), 10)),
    ):
        reply = decode(field, pieces)
        check(field, reply)
        assert len(reply.chunk_stamps) == len(field.outputs)
