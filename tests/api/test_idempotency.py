"""A creation that is sent again: the same answer, never a second thing."""

import asyncio
import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from app.accounts.permissions import Permission, Role
from app.core.settings import StorageSettings
from app.idempotency.models import IdempotencyKey
from tests.service import Running, running_service, service_settings

PROVIDER = {"name": "one", "kind": "openai", "base_url": "http://127.0.0.1:9/v1"}
KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}


async def test_the_same_answer_and_one_thing(storage_settings: StorageSettings) -> None:
    settings = service_settings(storage_settings)
    async with running_service(settings) as running:
        admin = await running.user("walker", Role.ADMIN)
        first = await admin.post("/api/v1/providers", json=PROVIDER, headers=KEY)
        assert first.status_code == 201, first.text
        assert "Idempotent-Replayed" not in first.headers
        second = await admin.post("/api/v1/providers", json=PROVIDER, headers=KEY)
        assert (second.status_code, second.json()) == (201, first.json())
        assert second.headers["Idempotent-Replayed"] == "true"
        bare = {"Idempotency-Key": KEY["Idempotency-Key"].strip('"')}
        assert (await admin.post("/api/v1/providers", json=PROVIDER, headers=bare)).status_code == 201

        other = await admin.post("/api/v1/providers", json=PROVIDER | {"name": "two"}, headers=KEY)
        assert other.status_code == 422
        assert "another request" in other.json()["error"]["message"]
        someone = await running.user("someone", Role.ADMIN)
        assert (await someone.post("/api/v1/providers", json=PROVIDER, headers=KEY)).status_code == 409, "name taken"
    async with running_service(settings) as running:  # another process
        again = await (await running.signed_in("walker", "a long enough password")).post(
            "/api/v1/providers", json=PROVIDER, headers=KEY
        )
        assert (again.status_code, again.json()) == (201, first.json())


async def test_a_key_is_shown_again_but_never_stored_readable(running: Running) -> None:
    admin = await running.admin()
    answers = [await admin.post("/api/v1/auth/apikey", json={"name": "k"}, headers=KEY) for _ in range(2)]
    secret = answers[0].json()["key"]
    assert answers[1].json()["key"] == secret
    assert len((await admin.get("/api/v1/auth/apikey")).json()) == 1
    async with running.app.state.database.read() as session:
        stored = (await session.execute(text("SELECT * FROM idempotency_keys"))).one()
    assert secret not in str(stored)
    assert secret.rsplit("_", 1)[1] not in str(stored)


async def test_duplicates_at_the_same_moment(running: Running) -> None:
    admin = await running.admin()
    answers = await asyncio.gather(*(admin.post("/api/v1/providers", json=PROVIDER, headers=KEY) for _ in range(6)))
    statuses = {answer.status_code for answer in answers}
    assert 201 in statuses
    assert statuses <= {201, 409}
    for answer in answers:
        if answer.status_code == 409:
            assert answer.headers["Retry-After"] == "1"
    assert len((await admin.get("/api/v1/providers")).json()["items"]) == 1


async def test_what_was_refused_may_be_tried_again(running: Running) -> None:
    admin = await running.admin()
    narrow = await running.api_key(admin, scopes=[Permission.PROVIDER_READ])
    assert (await narrow.post("/api/v1/providers", json=PROVIDER, headers=KEY)).status_code == 403
    assert (await running.anonymous.post("/api/v1/providers", json=PROVIDER, headers=KEY)).status_code == 401
    assert (await admin.post("/api/v1/providers", json=PROVIDER, headers=KEY)).status_code == 201
    assert (await narrow.post("/api/v1/providers", json=PROVIDER, headers=KEY)).status_code == 403, "not replayed"


async def test_a_key_belongs_to_one_user_and_one_route(running: Running) -> None:
    admin = await running.admin()
    other = await running.user("other", Role.ADMIN)
    made = [await admin.post("/api/v1/users", json={"username": "ada"}, headers=KEY) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json()["password"] == made[1].json()["password"], "shown again, made once"
    assert (await other.post("/api/v1/users", json={"username": "ben"}, headers=KEY)).status_code == 201
    assert (await admin.post("/api/v1/providers", json=PROVIDER, headers=KEY)).status_code == 201, "another route"
    assert (await admin.post("/api/v1/users?x=1", json={"username": "ada"}, headers=KEY)).status_code == 422


async def test_what_was_shown_once_is_not_shown_to_a_key_of_the_same_user(running: Running) -> None:
    admin = await running.admin()
    made = await admin.post("/api/v1/auth/apikey", json={"name": "k"}, headers=KEY)
    assert made.status_code == 201
    key = await running.api_key(admin)
    again = await key.post("/api/v1/auth/apikey", json={"name": "k"}, headers=KEY)
    assert again.status_code == 403, "an API key makes no keys, and is not shown those of others"
    assert made.json()["key"] not in again.text
    renewed = await running.signed_in("admin", running.app.state.generated_admin_password)
    assert (await renewed.post("/api/v1/auth/apikey", json={"name": "k"}, headers=KEY)).json() == made.json()

    twin = await running.api_key(admin)
    answers = [await one.post("/api/v1/providers", json=PROVIDER, headers=KEY) for one in (key, key, twin)]
    assert [answer.status_code for answer in answers] == [201, 201, 409], "keys have Idempotency-Keys of their own"


async def test_passwords_cannot_be_tried_against_what_is_stored(running: Running) -> None:
    admin = await running.admin()
    body = b'{"username":"ada","password":"a weak one"}'
    headers = KEY | {"Content-Type": "application/json"}
    assert (await admin.post("/api/v1/users", content=body, headers=headers)).status_code == 201
    async with running.app.state.database.read() as session:
        stored = (await session.scalars(select(IdempotencyKey.fingerprint))).one()
    described = b"\0".join((b"/api/v1/users", b"", b"application/json", body))
    assert stored != hashlib.sha256(described).hexdigest(), "a fast hash without a key can be tried offline"


@pytest.mark.parametrize("bad", ["", '""', "a\tb", "x" * 256, "ü"])
async def test_what_is_no_key(running: Running, bad: str) -> None:
    admin = await running.admin()
    answer = await admin.post("/api/v1/providers", json=PROVIDER, headers=[(b"Idempotency-Key", bad.encode("latin-1"))])
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["errors"][0]["path"] == "Idempotency-Key"


async def test_expired_and_abandoned_keys(running: Running) -> None:
    admin = await running.admin()
    database, clock = running.app.state.database, running.app.state.clock
    assert (await admin.post("/api/v1/providers", json=PROVIDER, headers=KEY)).status_code == 201

    async def change(**values: object) -> None:
        async with database.write() as session:
            await session.execute(update(IdempotencyKey).values(values))

    await change(status=None, answer=None)
    busy = await admin.post("/api/v1/providers", json=PROVIDER, headers=KEY)
    assert (busy.status_code, busy.headers["Retry-After"]) == (409, "1")
    await change(locked_until=clock.now() - timedelta(seconds=1))  # its process died
    taken = await admin.post("/api/v1/providers", json=PROVIDER, headers=KEY)
    assert taken.status_code == 409
    assert "taken" in taken.json()["error"]["message"], "it ran again"
    await change(expires_at=clock.now() - timedelta(seconds=1))
    assert (await admin.post("/api/v1/providers", json=PROVIDER | {"name": "new"}, headers=KEY)).status_code == 201
