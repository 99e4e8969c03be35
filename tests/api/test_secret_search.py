"""Secrets go in by every door; afterwards nothing that the service says, logs or keeps may hold one readable."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.accounts.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider, identity_provider
from tests.cli.command import run
from tests.e2e.processes import Service, Simulator

pytestmark = pytest.mark.slow

# Without a shape that redaction by shape knows: only not writing them helps.
PROVIDER_KEY = "Zq7MarkerOfTheProviderKeyXw91"
USER_PASSWORD = "Zq7MarkerOfAPasswordXw92"
WRONG_PASSWORD = "Zq7MarkerOfAWrongPasswordXw93"


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, idp: IdentityProvider) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("service")
    (folder / "client-secret").write_text(CLIENT_SECRET)
    (folder / "config.toml").write_text(
        f"""
        [demo]
        enable = false
        [monitoring]
        log_level = "debug"
        [security.oidc]
        name = "corp"
        issuer = "{idp.url}"
        client_id = "{CLIENT_ID}"
        client_secret = "file:{folder / "client-secret"}"
        role_map = {{ ops = "admin" }}
        """
    )
    with Service(folder / "data") as program:
        yield program


class _Heard:
    """A client that remembers every answer, but for the ones that are meant to carry a secret."""

    def __init__(self, service: Service) -> None:
        self.client = httpx.Client(base_url=service.url, timeout=30)
        self.texts: dict[str, str] = {}

    def ask(self, method: str, path: str, *, hands_out_a_secret: bool = False, **options: Any) -> httpx.Response:
        response = self.client.request(method, path, **options)
        said = f"{response.headers}" if not hands_out_a_secret else ""
        self.texts[f"{method} {path} #{len(self.texts)}"] = said + ("" if hands_out_a_secret else response.text)
        return response


def _finished(heard: _Heard, session_id: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if heard.ask("GET", f"/api/v1/benchmarks/{session_id}").json()["status"] in {"completed", "failed"}:
            return
        time.sleep(0.1)  # the wait between two questions; the deadline above decides
    raise AssertionError("the benchmark did not end")


GRAPHQL_PROVIDER = (
    "mutation ($input: ProviderInput!, $key: String) { createProvider(input: $input, idempotencyKey: $key) { name } }"
)


def _by_newer_doors(heard: _Heard) -> list[str]:
    """GraphQL's variables and literals, and answers with secrets that are kept to be given again; new secrets."""
    provider = {"name": "graph", "kind": "openai", "apiKey": PROVIDER_KEY}
    for given in (
        {"input": provider, "key": "once"},
        {"input": provider, "key": "once"},
        {"input": provider | {"kind": PROVIDER_KEY}},
        {"input": provider | {"apiKey": [PROVIDER_KEY]}},
        {"input": PROVIDER_KEY},
        {"input": provider, "key": {"x": PROVIDER_KEY}},
    ):
        heard.ask("POST", "/graphql", json={"query": GRAPHQL_PROVIDER, "variables": given})
    for literal in (f'apiKey: "{PROVIDER_KEY}"', f'apiKey: "{PROVIDER_KEY}', f'apiKey: ["{PROVIDER_KEY}"]'):
        query = f'mutation {{ createProvider(input: {{name: "g2", kind: "openai", {literal}}}) {{ nothing }} }}'
        heard.ask("POST", "/graphql", json={"query": query})
        heard.ask("GET", "/graphql", params={"query": query})
    found = []
    for path, body, name in (
        ("/api/v1/auth/apikey", {"name": "kept"}, "key"),
        ("/api/v1/users", {"username": "kept"}, "password"),
    ):
        again = {"Idempotency-Key": f"for {path}"}
        answers = [heard.ask("POST", path, json=body, headers=again, hands_out_a_secret=True).json() for _ in range(2)]
        assert answers[0][name] == answers[1][name], "kept, and given again"
        found.append(answers[0][name])
    return found


def _by_the_command_line(heard: _Heard, service: Service) -> None:
    for name, kind in (("cli", "openai"), ("cli-2", "no-such-kind")):
        arguments = ("providers", "add", name, "--kind", kind, "--key-env", "MARKER", "--data-dir", service.data)
        added = run(*arguments, cwd=service.data, env={"MARKER": PROVIDER_KEY})
        heard.texts[f"the command line, {name}"] = added.stdout + added.stderr


def test_no_secret_is_readable_anywhere(service: Service, idp: IdentityProvider) -> None:
    service.create_user("eve", "user", USER_PASSWORD)
    heard = _Heard(service)
    secrets = [
        PROVIDER_KEY,
        USER_PASSWORD,
        WRONG_PASSWORD,
        CLIENT_SECRET,
        CLIENT_SECRET.replace(" ", "+"),
        service.password,
    ]
    secrets.append((service.data / "secret-key").read_text().strip())

    def login(username: str, password: Any) -> httpx.Response:
        body = {"username": username, "password": password}
        return heard.ask("POST", "/api/v1/auth/login", json=body, hands_out_a_secret=username == "admin")

    login("admin", WRONG_PASSWORD + "x")
    heard.texts.clear()
    for wrong in (
        WRONG_PASSWORD,
        [WRONG_PASSWORD],
        {"p": WRONG_PASSWORD},
        WRONG_PASSWORD * 1000,
        WRONG_PASSWORD + "\0",
    ):
        assert login("eve", wrong).status_code in {401, 422}
    login("eve" + "\0", USER_PASSWORD)
    signed_in = login("admin", service.password).json()
    secrets += [signed_in["access_token"], signed_in["refresh_token"]]
    heard.client.cookies.clear()
    renewed = heard.ask(
        "POST", "/api/v1/auth/refresh", json={"refresh_token": signed_in["refresh_token"]}, hands_out_a_secret=True
    ).json()
    secrets += [renewed["access_token"], renewed["refresh_token"]]
    heard.client.cookies.clear()
    heard.client.headers["Authorization"] = f"Bearer {renewed['access_token']}"
    key = heard.ask("POST", "/api/v1/auth/apikey", json={"name": "k"}, hands_out_a_secret=True).json()["key"]
    secrets.append(key)

    with Simulator() as simulator:
        for name, url in (("good", simulator.base_url), ("dead", "http://127.0.0.1:1/v1")):
            body = {"name": name, "kind": "openai-compatible", "base_url": url, "api_key": PROVIDER_KEY}
            assert heard.ask("POST", "/api/v1/providers", json=body).status_code == 201
            heard.ask("POST", "/api/v1/providers", json=body)
            heard.ask("POST", f"/api/v1/providers/{name}/health")
            heard.ask("GET", f"/api/v1/providers/{name}/models")
        heard.ask("POST", "/api/v1/providers", json={"name": "bad", "kind": PROVIDER_KEY, "api_key": [PROVIDER_KEY]})
        heard.ask("POST", "/api/v1/providers", content=f'{{"api_key": "{PROVIDER_KEY}"')
        heard.ask("PATCH", "/api/v1/providers/good", json={"base_url": f"http://x:{PROVIDER_KEY}@127.0.0.1/v1"})
        for name in ("good", "dead"):
            spec = {
                "name": name,
                "targets": [{"provider": name, "model": "m"}],
                "workload": {"kind": "synthetic", "input_tokens": 10, "output_tokens": 5},
                "load": {"kind": "closed", "concurrency": 2},
                "stop": {"requests": 4},
                "save_responses": True,
            }
            submitted = heard.ask("POST", "/api/v1/benchmarks", json=spec)
            assert submitted.status_code == 202, submitted.text
            session_id = submitted.json()["id"]
            _finished(heard, session_id)
            heard.ask("GET", f"/api/v1/results?session_id={session_id}")
            heard.ask("GET", f"/api/v1/benchmarks/{session_id}/bundle")
            for form in ("csv", "json", "jsonl"):
                heard.ask("POST", "/api/v1/results/export", json={"session_id": session_id, "format": form})

    secrets += _by_newer_doors(heard)
    _by_the_command_line(heard, service)
    heard.ask("GET", f"/api/v1/benchmarks/{session_id}/report.html")
    for path in ("/audit", "/audit/export?format=jsonl", "/audit/export?format=csv", "/settings"):
        heard.ask("GET", f"/api/v1{path}")

    for token in (key[:-1], renewed["access_token"][:-3], f"x {key}"):
        heard.ask("GET", "/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    heard.ask("GET", "/api/v1/auth/me", headers={"Authorization": f"Basic {key}"})
    heard.ask("GET", f"/api/v1/benchmarks?api_key={key}")
    for reference in ("answer", "good"):
        idp.faults.claims = {"nonce": "x"} if reference == "answer" else {}
        begun = heard.ask("GET", "/api/v1/auth/oidc/corp/login", hands_out_a_secret=True)
        back = httpx.get(begun.headers["location"]).headers["location"]
        secrets.append(httpx.URL(back).params["code"])
        done = heard.ask("GET", back.removeprefix(service.url), hands_out_a_secret=True)
        secrets += [value for name, value in done.cookies.items() if len(value) > 20]
    _close_with_a_walk(heard)
    assert len(secrets) >= 14
    assert not _found_in(_places(heard, service), secrets)


def _close_with_a_walk(heard: _Heard) -> None:
    for path in ("/", "/metrics", "/openapi.json", "/api/v1/auth/methods", "/api/v1/auth/apikey", "/api/v1/providers"):
        heard.ask("GET", path)
    heard.ask("POST", "/api/v1/auth/logout")

    heard.client.close()


def _places(heard: _Heard, service: Service) -> dict[str, str]:
    """Everything that the service said, logged and keeps."""
    # The first start shows the generated password, once, to whoever starts it.
    places = heard.texts | {"the log": "".join(service.lines).replace(service.password, "(shown at the start)", 1)}
    database = service.data / "llm-test-bench.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(FULL)")
        places["the database, as text"] = "\n".join(connection.iterdump())
    for file in service.data.glob("llm-test-bench.db*"):
        places[file.name] = file.read_bytes().decode("latin-1")
    assert "sign-in refused" in places["the log"]
    assert len(places) > 40
    return places


def _found_in(places: dict[str, str], secrets: list[str]) -> list[tuple[str, str]]:
    return [(place, secret[:12]) for place, text in places.items() for secret in secrets if secret in text]
