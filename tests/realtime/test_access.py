"""Who gets in, and what each may hear."""

from dataclasses import replace
from typing import Any

import pytest

from app.accounts.permissions import Permission, Role
from app.accounts.visibility import PERMISSION_OF_FAMILY, may_see
from app.core.ids import new_id
from app.events.topics import FAMILIES
from app.events.types import Topic
from tests.factories import make_caller, make_event
from tests.realtime.conftest import LIMITS, Live, Start


def cookies(token: str, origin: str | None) -> dict[str, Any]:
    return {"additional_headers": {"Cookie": f"ltb_access={token}; other=1"}, "origin": origin}


async def test_nothing_is_told_to_a_stranger(live: Live) -> None:
    for kind in ("Subscribe", "Unsubscribe"):
        client = await live.client()
        await client.say(kind, topics=["metrics.*"])
        assert (await client.hear())["code"] == "UNAUTHORIZED"
        assert await client.close_code() == 4401


async def test_a_wrong_token_is_refused(live: Live) -> None:
    client = await live.client()
    await client.say("Auth", token="guess")
    assert await client.hear() == {"type": "Error", "code": "UNAUTHORIZED", "message": "the token is not valid"}
    assert await client.close_code() == 4401


async def test_who_says_nothing_is_closed(start: Start) -> None:
    live = await start(limits=replace(LIMITS, auth_timeout_seconds=0.1))
    client = await live.client()
    assert await client.close_code() == 4401
    assert live.gateway.connection_count == 0


async def test_a_token_in_the_address_does_not_count(live: Live) -> None:
    _, token = await live.user()
    client = await live.client(query=f"?token={token}&ltb_access={token}")
    await client.say("Subscribe", topics=["metrics.*"])
    assert await client.close_code() == 4401
    assert live.tokens.asked == 0


async def test_the_cookie_counts_from_our_own_pages_only(start: Start) -> None:
    live = await start(allowed_origins=["https://dash.example/"])
    _, token = await live.user()
    for own in (f"http://{live.address}", "https://dash.example"):
        client = await live.client(**cookies(token, own))
        await client.subscribe("metrics.*")
    for foreign in ("http://evil.example", "null", f"http://{live.address}.evil.example", None):
        client = await live.client(**cookies(token, foreign))
        await client.say("Subscribe", topics=["metrics.*"])
        assert await client.close_code() == 4401, foreign


async def test_a_stale_cookie_leaves_time_to_say_auth(live: Live) -> None:
    _, token = await live.user()
    client = await live.client(**cookies("stale", f"http://{live.address}"))
    await client.sign_in(token)
    await client.subscribe("benchmark.*")


async def test_a_token_that_expires_closes_the_connection(start: Start) -> None:
    live = await start(limits=replace(LIMITS, recheck_seconds=0.1))
    _, token = await live.user()
    client = await (await live.client()).sign_in(token)
    await client.subscribe("benchmark.*")
    del live.tokens.callers[token]
    assert await client.close_code() == 4401


async def test_a_fresh_token_of_the_same_user_prolongs(start: Start) -> None:
    live = await start(limits=replace(LIMITS, recheck_seconds=0.1))
    caller, token = await live.user()
    client = await (await live.client()).sign_in(token)
    live.tokens.callers["fresh"] = caller
    await client.sign_in("fresh")
    del live.tokens.callers[token]
    asked = live.tokens.asked
    while live.tokens.asked < asked + 2:  # the token is checked twice more, by then the old one would have failed
        assert await client.all_until_now() == []


async def test_another_users_token_is_refused(live: Live) -> None:
    _, mine = await live.user()
    _, theirs = await live.user()
    client = await (await live.client()).sign_in(mine)
    await client.say("Auth", token=theirs)
    assert await client.close_code() == 4403


async def test_a_key_too_narrow_for_every_topic_is_refused(live: Live) -> None:
    _, token = await live.user(permissions=frozenset({Permission.PROVIDER_READ}))
    client = await live.client()
    await client.say("Auth", token=token)
    assert await client.close_code() == 4403


async def test_a_key_too_narrow_for_one_topic_keeps_the_others(live: Live) -> None:
    _, token = await live.user(permissions=frozenset({Permission.METRICS_READ}))
    client = await (await live.client()).sign_in(token)
    await client.say("Subscribe", topics=["metrics.*", "benchmark.created"])
    error = await client.hear()
    assert (error["code"], "benchmark.read" in error["message"]) == ("FORBIDDEN", True)
    await live.bus.publish(make_event(Topic.METRICS_SYSTEM))
    assert await client.all_until_now() == [], "a refused message changes nothing"
    await client.subscribe("metrics.*")
    await live.bus.publish(make_event(Topic.METRICS_SYSTEM))
    assert (await client.hear())["topic"] == "metrics.system"


async def test_foreign_events_are_invisible_even_when_asked_for_by_id(live: Live) -> None:
    mine, token = await live.user()
    stranger, _ = await live.user()
    admin, admin_token = await live.user(Role.ADMIN)
    foreign = new_id()
    client = await (await live.client()).sign_in(token)
    await client.subscribe("benchmark.*", "test.*")
    await client.subscribe("benchmark.*", session_id=str(foreign))
    overseer = await (await live.client()).sign_in(admin_token)
    await overseer.subscribe("benchmark.*")
    for owner in (stranger.user_id, None, mine.user_id):
        await live.bus.publish(make_event(Topic.BENCHMARK_CREATED, session_id=foreign, owner_id=owner))
    assert len([message for message in await client.all_until_now() if message["type"] == "Event"]) == 1
    assert len(await overseer.all_until_now()) == 3
    assert admin.is_admin


async def test_a_role_taken_away_counts_at_the_next_check(start: Start) -> None:
    live = await start(limits=replace(LIMITS, recheck_seconds=0.1))
    caller, token = await live.user(Role.ADMIN)
    client = await (await live.client()).sign_in(token)
    await client.subscribe("benchmark.*")
    await live.bus.publish(make_event(Topic.BENCHMARK_CREATED, owner_id=new_id()))
    assert (await client.hear())["topic"] == "benchmark.created"
    live.tokens.callers[token] = make_caller(role=Role.USER, user_id=caller.user_id)
    asked = live.tokens.asked
    while live.tokens.asked < asked + 2:
        assert await client.all_until_now() == []
    await live.bus.publish(make_event(Topic.BENCHMARK_CREATED, owner_id=new_id()))
    assert await client.all_until_now() == []


@pytest.mark.parametrize("topic", list(Topic))
def test_no_topic_is_without_a_rule(topic: Topic) -> None:
    assert set(PERMISSION_OF_FAMILY) == set(FAMILIES)
    nobody = make_caller(permissions=frozenset())
    admin = make_caller(role=Role.ADMIN)
    assert not may_see(nobody, make_event(topic, owner_id=nobody.user_id))
    assert may_see(admin, make_event(topic, owner_id=new_id()))
