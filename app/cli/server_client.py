"""A small client of the REST API for the commands that work against a server. Knows HTTP, not what is printed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx

from app.cli.usage import UsageProblem
from app.core.errors import ServiceUnavailableError, TestBenchError, UnauthorizedError, UpstreamTimeoutError

API = "/api/v1"
TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class ServerError(TestBenchError):
    """The server refused; `details` are those of its answer, `status` its HTTP status."""

    def __init__(self, message: str, *, status: int, **details: Any) -> None:
        super().__init__(message, **details)
        self.status = status


class ServerClient:
    """Calls `{server}/api/v1`; raises `UsageProblem` for what is no address."""

    def __init__(self, server: str, api_key: str | None) -> None:
        if not server.startswith(("http://", "https://")):
            raise UsageProblem([f"--server: {server!r} must start with http:// or https://"])
        self.server = server.rstrip("/")
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.Client(base_url=self.server + API, headers=headers, timeout=TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded JSON of the answer; None when it has no body.

        Raises:
            TestBenchError: with the server's own message, or saying that it cannot be reached.
        """
        with self._failures():
            response = self._http.request(method, path, json=body)
        _raise_for_status(response)
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError:
            raise ServiceUnavailableError(
                f"{self.server} answered with something other than JSON; is it an LLM Test Bench server?"
            ) from None

    def text(self, path: str) -> str:
        """A page; raises as `call`."""
        with self._failures():
            response = self._http.get(path)
        _raise_for_status(response)
        return response.text

    def find(self, path: str) -> Any | None:
        """As `call("GET", …)`, but None when it does not exist."""
        try:
            return self.call("GET", path)
        except ServerError as error:
            if error.status == 404:
                return None
            raise

    def export(self, session_id: str, export_format: str, *, gaps: bool = False) -> Iterator[bytes]:
        """The results of a session, piece by piece."""
        body = {"session_id": session_id, "format": export_format} | ({"gaps": True} if gaps else {})
        with self._failures(), self._http.stream("POST", "/results/export", json=body) as response:
            if response.is_error:
                response.read()
            _raise_for_status(response)
            yield from response.iter_bytes()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException:
            raise UpstreamTimeoutError(f"{self.server} did not answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise ServiceUnavailableError(f"{self.server} cannot be reached: {reason}") from None


def _raise_for_status(response: httpx.Response) -> None:
    if response.is_success:
        return
    try:
        envelope = response.json()["error"]
        message, details = str(envelope["message"]), dict(envelope.get("details") or {})
    except (ValueError, KeyError, TypeError):
        message, details = f"the server answered {response.status_code} {response.reason_phrase}", {}
    if isinstance(problems := details.get("errors"), list):
        message = "; ".join([message, *(f"{problem['path']}: {problem['message']}" for problem in problems)])
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise UnauthorizedError(f"{message} (give --api-key or set LLM_TEST_BENCH_API_KEY)")
    request_id = response.headers.get("x-request-id")
    raise ServerError(
        f"{message} (request {request_id})" if request_id else message, status=response.status_code, **details
    )
