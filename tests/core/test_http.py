"""The envelope, the middlewares and validation paths, on a small app of their own."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.exc import IntegrityError, OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from app.core.errors import NotFoundError, RateLimitedError
from app.core.http import install_error_handlers
from app.core.middleware import BodyLimit, ErrorBoundary, HostCheck, OriginCheck, RequestContext, SecurityHeaders
from app.core.origins import HostPolicy, OriginPolicy
from app.core.settings import ServerSettings

LIMIT = 2000


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["closed"] = "closed"
    concurrency: int = Field(ge=1, le=10)


class Open(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["open"] = "open"
    rate: float = Field(gt=0)


class Spec(BaseModel):
    model_config = ConfigDict(extra="forbid")
    load: Annotated[Closed | Open, Field(discriminator="kind")]
    tags: list[str] = Field(default_factory=list, max_length=2)
    workers: int = 1

    @model_validator(mode="after")
    def _check(self) -> "Spec":
        if self.workers > 3:
            raise ValueError("workers must not exceed 3")
        return self


FAILURES = {
    "missing": NotFoundError("there is no such thing"),
    "limited": RateLimitedError("slow down", retry_after_seconds=7),
    "teapot": HTTPException(418, "short and stout"),
    "integrity": IntegrityError("INSERT secret", {}, Exception("secret")),
    "database": OperationalError("SELECT secret", {}, Exception("secret")),
    "bug": RuntimeError("secret"),
}


async def _half_a_body() -> AsyncIterator[bytes]:
    yield b"half"
    raise RuntimeError("secret")


def _app() -> FastAPI:
    app = FastAPI()
    install_error_handlers(app)

    @app.post("/spec")
    async def spec(body: Spec) -> Any:
        return body

    @app.get("/page")
    async def page(limit: Annotated[int, Query(ge=1, le=5)] = 1) -> int:
        return limit

    @app.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @app.get("/fail/{how}")
    async def fail(how: str) -> Any:
        if how == "late":
            return StreamingResponse(_half_a_body())
        raise FAILURES[how]

    app.add_middleware(OriginCheck, policy=OriginPolicy(()), cookie_names=("ltb_access",))
    app.add_middleware(BodyLimit, limit_bytes=LIMIT)
    app.add_middleware(HostCheck, policy=HostPolicy(ServerSettings()))
    app.add_middleware(ErrorBoundary)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestContext)
    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(_app()), base_url="http://localhost") as found:
        yield found


@pytest.mark.parametrize(
    ("path", "status", "code", "retryable"),
    [
        ("/fail/missing", 404, "NOT_FOUND", False),
        ("/fail/limited", 429, "RATE_LIMITED", True),
        ("/fail/teapot", 418, "INVALID_REQUEST", False),
        ("/fail/integrity", 409, "CONFLICT", False),
        ("/fail/database", 503, "DATABASE_ERROR", True),
        ("/fail/bug", 500, "INTERNAL_ERROR", False),
        ("/nothing", 404, "NOT_FOUND", False),
        ("/spec", 405, "INVALID_REQUEST", False),
    ],
)
async def test_every_error_has_the_envelope(
    client: httpx.AsyncClient, path: str, status: int, code: str, retryable: bool
) -> None:
    response = await client.get(path, headers={"X-Request-ID": "abc-123"})
    assert response.status_code == status
    body = response.json()
    assert set(body) == {"error", "request_id", "timestamp"}
    assert set(body["error"]) == {"code", "message", "details", "retryable"}
    assert body["error"]["code"] == code
    assert body["error"]["retryable"] is retryable
    assert body["request_id"] == response.headers["X-Request-ID"] == "abc-123"
    assert "secret" not in response.text
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_errors_bring_their_headers(client: httpx.AsyncClient) -> None:
    assert (await client.get("/fail/limited")).headers["Retry-After"] == "7"
    assert (await client.get("/spec")).headers["Allow"] == "OPTIONS, POST"


async def test_a_failure_after_the_first_byte_is_not_hidden(client: httpx.AsyncClient) -> None:
    with pytest.raises(RuntimeError):
        await client.get("/fail/late")


@pytest.mark.parametrize("given", ["", "has space", "x" * 65, "line\tbreak"])
async def test_an_unusable_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    found = (await client.get("/page", headers={"X-Request-ID": given})).headers["X-Request-ID"]
    assert found != given
    assert len(found) == 36


@pytest.mark.parametrize(
    ("body", "path", "allowed"),
    [
        ({"load": {"kind": "closed", "concurrency": 0}}, "load.concurrency", "≥ 1"),
        ({"load": {"kind": "closed", "concurrency": 11}}, "load.concurrency", "≤ 10"),
        ({"load": {"kind": "closed"}}, "load.concurrency", None),
        ({"load": {"kind": "closed", "concurrency": 1, "rate": 2}}, "load.rate", None),
        ({"load": {"kind": "burst"}}, "load", "'closed', 'open'"),
        ({"load": {"kind": "open", "rate": "fast"}}, "load.rate", None),
        ({"load": 3}, "load", None),
        ({}, "load", None),
        ({"load": {"kind": "open", "rate": 1}, "tags": ["a", 2]}, "tags.1", None),
        ({"load": {"kind": "open", "rate": 1}, "tags": ["a"] * 3}, "tags", "at most 2 long"),
        ({"load": {"kind": "open", "rate": 1}, "workers": 4}, "(body)", None),
        ([], "(body)", None),
    ],
)
async def test_a_wrong_field_is_named_as_it_was_written(
    client: httpx.AsyncClient, body: Any, path: str, allowed: str | None
) -> None:
    response = await client.post("/spec", json=body)
    assert response.status_code == 422
    error = response.json()["error"]
    problems = error["details"]["errors"]
    assert [problem["path"] for problem in problems] == [path]
    assert problems[0].get("allowed") == allowed
    assert problems[0]["message"]
    assert path in error["message"]


async def test_a_wrong_query_is_named(client: httpx.AsyncClient) -> None:
    error = (await client.get("/page", params={"limit": 6})).json()["error"]
    assert error["details"]["errors"] == [
        {"path": "limit", "message": "Input should be less than or equal to 5", "allowed": "≤ 5"}
    ]


async def test_errors_are_bounded(client: httpx.AsyncClient) -> None:
    many = {"load": {"kind": "closed", "concurrency": 1}} | {f"k{number}": 1 for number in range(150)}
    error = (await client.post("/spec", json=many)).json()["error"]
    assert len(error["details"]["errors"]) == 100
    assert "and 147 more" in error["message"]
    response = await client.post("/spec", json={"load": {"kind": "x"}, "k" * 1500: 1})
    assert response.status_code == 422
    assert all(len(problem["path"]) < 600 for problem in response.json()["error"]["details"]["errors"])


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_of_another_type_is_told_what_to_be(client: httpx.AsyncClient, content_type: str) -> None:
    body = b'{"load": {"kind": "closed", "concurrency": 1}}'
    response = await client.post("/spec", content=body, headers={"Content-Type": content_type})
    assert response.status_code == 422
    (problem,) = response.json()["error"]["details"]["errors"]
    assert problem["path"] == "(body)"
    assert "Content-Type: application/json" in problem["message"]


@pytest.mark.parametrize("content", [b'{"a": "\xff"}', b"[" * 1900, b"9" * 1990])
async def test_bodies_that_no_parser_takes_are_400(client: httpx.AsyncClient, content: bytes) -> None:
    response = await client.post("/spec", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code in {400, 422}
    assert response.json()["error"]["details"]["errors"][0]["path"] == "(body)"


async def test_broken_json_is_400(client: httpx.AsyncClient) -> None:
    response = await client.post("/spec", content=b'{"load":', headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize("path", ["/raw", "/spec"])
@pytest.mark.parametrize("declared", [True, False])
async def test_bodies_have_a_limit(client: httpx.AsyncClient, path: str, declared: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 1000

    content = b" " * 3000 if declared else chunks()
    response = await client.post(path, content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 413
    assert response.json()["error"]["details"] == {"limit": LIMIT}


async def test_a_body_at_the_limit_passes(client: httpx.AsyncClient) -> None:
    assert (await client.post("/raw", content=b"x" * LIMIT)).json() == LIMIT


async def test_a_wrong_content_length_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/raw", content=b"x", headers={"Content-Length": "-1"})
    assert response.status_code == 413


async def test_a_foreign_host_is_refused(client: httpx.AsyncClient) -> None:
    for host in (
        "evil.example",
        "[::1].evil.example",
        "[::1]evil",
        "127.0.0.1@evil.example",
        "localhost/evil",
        "127.1",
    ):
        response = await client.get("/page", headers={"Host": host})
        assert response.status_code == 400, host
        assert "server.allowed_hosts" in response.json()["error"]["message"]
    for host in ("localhost", "localhost:", "LOCALHOST.:8080", "127.0.0.1:1", "[::1]", "[::1]:8080"):
        assert (await client.get("/page", headers={"Host": host})).status_code == 200, host


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Cookie": "other=1"}, 200),
        ({"Cookie": "a=1; ltb_access=x"}, 403),
        ({"Cookie": "ltb_access=x", "Authorization": "Bearer y"}, 200),
        ({"Cookie": "ltb_access=x", "Origin": "http://localhost"}, 200),
        ({"Cookie": "ltb_access=x", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Cookie": "ltb_access=x", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Cookie": "ltb_access=x", "Origin": "http://evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_writes_from_foreign_pages_are_refused(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    assert (await client.post("/raw", content=b"x", headers=headers)).status_code == status
    assert (await client.get("/page", headers=headers)).status_code == 200
