"""Listings that have pages: the same two parameters everywhere, and a clear answer to a cursor that is none."""

import base64

import orjson
import pytest

from app.core.pagination import encode_cursor
from tests.service import Running

BAD = [
    "junk",
    "ü",
    "a" * 500,
    encode_cursor(),
    encode_cursor(None),
    encode_cursor(2**63),
    encode_cursor(2**64 - 1),
    encode_cursor(1.5),
    encode_cursor([[]]),
    encode_cursor("a", "b", "c"),
    encode_cursor("9999-12-31T23:59:59.999999-14:00", "x"),
    encode_cursor("\0", "\0"),
    base64.urlsafe_b64encode(b"[" * 300).decode(),
    base64.urlsafe_b64encode(orjson.dumps({"a": 1})).decode(),
]


async def test_pages_are_asked_for_in_one_way(running: Running) -> None:
    admin = await running.admin()
    document = (await admin.get("/openapi.json")).json()
    listings = {}
    for path, operations in document["paths"].items():
        answer = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        schema = answer.get("application/json", {}).get("schema", {})
        found = document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], {})
        if "items" in found.get("properties", {}):
            assert "next_cursor" in found["properties"], path
            listings[path] = {item["name"]: item for item in operations["get"]["parameters"]}
    assert len(listings) >= 5
    shapes = {orjson.dumps([parameters["limit"], parameters["cursor"]]) for parameters in listings.values()}
    assert len(shapes) == 1
    for path in listings:
        for limit in ("0", "501", "x", "1e400", str(2**70)):
            answer = await admin.get(path, params={"limit": limit})
            assert answer.status_code == 422, (path, limit)
            assert answer.json()["error"]["details"]["errors"][0]["path"] == "limit"
        assert (await admin.get(path, params={"cursor": "", "limit": 1})).status_code == 200
        for cursor in BAD:
            answer = await admin.get(path, params={"cursor": cursor})
            # A cursor is opaque: one that happens to be of the right shape is only a strange place to go on from.
            assert answer.status_code in {400, 200}, (path, cursor, answer.text)
            if answer.status_code == 400:
                assert "next_cursor" in answer.json()["error"]["message"]
        assert (await admin.get(path, params={"cursor": "junk"})).status_code == 400
        assert (await admin.get(path, params={"cursor": "x" * 501})).status_code == 422


@pytest.mark.parametrize("limit", [1, 2, 500])
async def test_pages_hold_everything_once(running: Running, limit: int) -> None:
    admin = await running.admin()
    for number in range(4):
        await admin.post("/api/v1/users", json={"username": f"user-{number}"})
    seen, cursor = [], ""
    while True:
        page = (await admin.get("/api/v1/users", params={"limit": limit, "cursor": cursor})).json()
        seen += [item["username"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == ["user-3", "user-2", "user-1", "user-0", "admin"]
