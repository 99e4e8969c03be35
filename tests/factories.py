"""Rows for tests: every argument has a sensible default, and names are unique, so tests say only what matters."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from app.accounts.caller import Caller
from app.accounts.models import User
from app.accounts.permissions import ROLE_PERMISSIONS, Role
from app.benchmarks.models import BenchmarkSession, Result
from app.core.database import Base, Database
from app.core.ids import new_id
from app.events.types import Event, Topic
from app.providers.models import Provider

NOON = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
NOON_NS = int(NOON.timestamp()) * 10**9
_numbers = count(1)


def make_caller(user: User | None = None, role: Role = Role.USER, **fields: Any) -> Caller:
    """A caller with the permissions of `role`, standing for `user` when given."""
    values: dict[str, Any] = {
        "user_id": user.id if user else new_id(),
        "username": user.username if user else f"caller-{next(_numbers)}",
        "role": user.role if user else role,
        "team": user.team if user else None,
        "via": "token",
    }
    values |= {"permissions": ROLE_PERMISSIONS[Role(values["role"])]} | fields
    return Caller(**values)


def make_user(**fields: Any) -> User:
    """A user who cannot sign in (no password fits), active, role `user`."""
    defaults: dict[str, Any] = {
        "id": new_id(),
        "username": f"user-{next(_numbers)}",
        "password_hash": "!",
        "role": Role.USER.value,
        "is_active": True,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return User(**defaults | fields)


def make_provider(**fields: Any) -> Provider:
    """An enabled OpenAI-compatible provider on loopback."""
    defaults: dict[str, Any] = {
        "id": new_id(),
        "name": f"provider-{next(_numbers)}",
        "kind": "openai",
        "base_url": "http://127.0.0.1:9/v1",
        "options": {},
        "is_enabled": True,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Provider(**defaults | fields)


def make_spec(**fields: Any) -> dict[str, Any]:
    """A small valid benchmark spec, as JSON."""
    return {
        "name": f"benchmark {next(_numbers)}",
        "targets": [{"provider": "local", "model": "small"}],
        "workload": {"kind": "prompt", "prompt": "Say hello."},
        "load": {"kind": "closed", "concurrency": 2},
        "stop": {"requests": 10},
    } | fields


def make_session(**fields: Any) -> BenchmarkSession:
    """A pending benchmark without an owner."""
    spec = fields.get("spec") or make_spec()
    defaults: dict[str, Any] = {
        "id": new_id(),
        "name": spec["name"],
        "status": "pending",
        "spec": spec,
        "tags": [],
        "providers": [target["provider"] for target in spec["targets"]],
        "models": [target["model"] for target in spec["targets"]],
        "requests_ok": 0,
        "requests_failed": 0,
        "created_at": NOON,
    }
    return BenchmarkSession(**defaults | fields)


def make_result(index: int = 0, **fields: Any) -> Result:
    """A request that went well: TTFT 100 ms, eleven tokens 10 ms apart; give `session_id`."""
    started = NOON_NS + index * 10**8
    first, last, end = started + 100 * 10**6, started + 200 * 10**6, started + 201 * 10**6
    defaults: dict[str, Any] = {
        "id": new_id(),
        "index": index,
        "provider": "local",
        "model": "small",
        "response_id": f"chatcmpl-{index}",
        "status": "ok",
        "http_status": 200,
        "finish_reason": "stop",
        "attempts": 1,
        "clock": "kernel",
        "connection_reused": index > 0,
        "intended_ns": started,
        "started_ns": started,
        "first_byte_ns": first - 10**6,
        "first_token_ns": first,
        "first_output_ns": first,
        "last_token_ns": last,
        "end_ns": end,
        "schedule_delay_ms": 0.0,
        "dns_ms": 0.0,
        "connect_ms": 0.0,
        "tls_ms": 0.0,
        "ttfb_ms": 99.0,
        "ttft_ms": 100.0,
        "ttfo_ms": 100.0,
        "tpot_ms": 10.0,
        "e2e_ms": 200.0,
        "stream_end_ms": 201.0,
        "ttfb_from_intended_ms": 99.0,
        "ttft_from_intended_ms": 100.0,
        "ttfo_from_intended_ms": 100.0,
        "e2e_from_intended_ms": 200.0,
        "stream_end_from_intended_ms": 201.0,
        "chunks": 11,
        "coalesced_chunks": 0,
        "input_tokens": 5,
        "output_tokens": 11,
        "uncached_input_tokens": 5,
        "visible_output_tokens": 11,
        "reasoning_tokens": 0,
        "token_count_source": "usage",
        "usage": {"prompt_tokens": 5, "completion_tokens": 11},
        "tags": [],
        "metadata_": {},
    }
    return Result(**defaults | fields)


def make_failed_result(index: int = 0, error_type: str = "http_5xx", **fields: Any) -> Result:
    """A request that the server refused: it has no token, no usage and no latencies past the first byte."""
    nothing = dict.fromkeys(
        (
            *("response_id", "finish_reason", "first_token_ns", "first_output_ns", "last_token_ns"),
            *("ttft_ms", "ttfo_ms", "tpot_ms", "e2e_ms"),
            *("ttft_from_intended_ms", "ttfo_from_intended_ms", "e2e_from_intended_ms"),
            *("input_tokens", "output_tokens", "uncached_input_tokens", "visible_output_tokens", "reasoning_tokens"),
            *("token_count_source", "usage"),
        )
    )
    failure = {"status": "error", "error_type": error_type, "error": "the server said 500", "http_status": 500}
    return make_result(index, **nothing | failure | {"chunks": 0} | fields)


class Rows:
    """Stores such rows, each call in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, rows: Sequence[Base]) -> None:
        """Store rows made by the functions above."""
        async with self._database.write() as session:
            session.add_all(rows)

    async def user(self, **fields: Any) -> User:
        """A stored `make_user`."""
        user = make_user(**fields)
        await self.add([user])
        return user

    async def provider(self, **fields: Any) -> Provider:
        """A stored `make_provider`."""
        provider = make_provider(**fields)
        await self.add([provider])
        return provider

    async def session(self, **fields: Any) -> BenchmarkSession:
        """A stored `make_session`."""
        session = make_session(**fields)
        await self.add([session])
        return session

    async def results(self, session: BenchmarkSession, number: int, **fields: Any) -> list[Result]:
        """`number` stored results of `session` that went well, indices from 0."""
        results = [make_result(index, session_id=session.id, **fields) for index in range(number)]
        await self.add(results)
        return results


def make_event(topic: Topic | str = Topic.BENCHMARK_PROGRESS, **fields: Any) -> Event:
    """An event without a session or owner."""
    defaults: dict[str, Any] = {"topic": Topic(topic), "payload": {}, "timestamp": NOON}
    return Event(**defaults | fields)
