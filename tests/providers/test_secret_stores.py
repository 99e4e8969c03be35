"""Vault, AWS Secrets Manager and Kubernetes, each against a small server that speaks its HTTP API."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.core.provider_settings import AwsSettings, KubernetesSettings, VaultSettings
from app.providers.secret_stores import AwsSecrets, KubernetesSecrets, VaultSecrets
from app.providers.secrets import ReferenceRefusedError, SecretReferences, SecretSource, SecretUnavailableError

KEY = "sk-in-the-store-0123456789"
TOKEN = "hvs.token"


class Store:
    """Answers by path; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        self.asked.append((path, headers, body))
        return self.answers.get(path, (404, {"errors": [KEY]}))


@pytest.fixture
def store() -> Iterator[Store]:
    found = Store()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, value = found.answer(self.path, headers, self.rfile.read(length))
            raw = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_POST = do_GET  # noqa: N815 - the base class's name

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def _references(scheme: str, source: SecretSource) -> SecretReferences:
    return SecretReferences({scheme: source})


async def _fails(references: SecretReferences, reference: str, says: str) -> None:
    with pytest.raises(SecretUnavailableError) as caught:
        await references.resolve(reference)
    assert says in caught.value.message
    assert reference in caught.value.message
    assert KEY not in caught.value.message
    assert TOKEN not in caught.value.message


async def test_vault(store: Store, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN + "\n")
    settings = VaultSettings(
        address=store.url, token_file=token_file, namespace="team", allow=("secret/data/llm/*", "kv/llm")
    )
    vault = _references("vault", VaultSecrets(settings))
    store.answers = {
        "/v1/secret/data/llm/openai": (200, {"data": {"data": {"key": KEY, "n": 5}, "metadata": {"version": 3}}}),
        "/v1/kv/llm": (200, {"data": {"data": "sk-v1"}}),
        "/v1/secret/data/llm/denied": (403, {"errors": ["permission denied " + KEY]}),
        "/v1/secret/data/llm/junk": (200, b"<html>"),
        "/v1/secret/data/llm/moved": (307, {}),
    }
    assert await vault.resolve("vault:secret/data/llm/openai#key") == KEY
    assert await vault.resolve("vault:kv/llm#data") == "sk-v1", "version 1 has no metadata"
    _, headers, _ = store.asked[0]
    assert (headers["x-vault-token"], headers["x-vault-namespace"]) == (TOKEN, "team")
    token_file.write_text("hvs.rotated")
    await vault.resolve("vault:kv/llm#data")
    assert store.asked[-1][1]["x-vault-token"] == "hvs.rotated"
    for name, says in (("openai#gone", "no field 'gone'"), ("openai#n", "not text"), ("denied#x", "HTTP 403"),
                       ("nothing#x", "HTTP 404"), ("junk#x", "other than JSON"), ("moved#x", "HTTP 307")):  # fmt: skip
        await _fails(vault, f"vault:secret/data/llm/{name}", says)
    token_file.unlink()
    await _fails(vault, "vault:kv/llm#data", "token")


@pytest.mark.parametrize(
    "name",
    ["secret/data/other#key", "secret/data/llm/../other#key", "secret/data/llm/x", "secret/data/llm/x#", "#key",
     "/secret/data/llm/x#key", "secret/data/llm/%2e%2e/x#key", "secret/data/llm/x?version=1#key", "secret//x#key"],
)  # fmt: skip
def test_vault_paths_that_are_refused(name: str) -> None:
    settings = VaultSettings(address="http://127.0.0.1:1", token=SecretStr(TOKEN), allow=("secret/data/llm/*",))
    with pytest.raises(ReferenceRefusedError):
        VaultSecrets(settings).check(name)


async def test_a_store_that_is_not_there() -> None:
    settings = VaultSettings(address="http://127.0.0.1:1", token=SecretStr(TOKEN), allow=("*",))
    await _fails(_references("vault", VaultSecrets(settings)), "vault:a/b#c", "cannot be reached")
    with pytest.raises(ValueError, match=r"vault\.address"):
        VaultSettings(allow=("*",))


async def test_kubernetes(store: Store, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)
    settings = KubernetesSettings(api_url=store.url, token_file=token_file, ca_file=None, allow=("llm/*",))
    kubernetes = _references("kubernetes", KubernetesSecrets(settings))
    data = {"api-key": base64.b64encode(KEY.encode()).decode(), "bad": "%%%"}
    store.answers = {"/api/v1/namespaces/llm/secrets/openai": (200, {"kind": "Secret", "data": data})}
    assert await kubernetes.resolve("kubernetes:llm/openai#api-key") == KEY
    assert store.asked[0][1]["authorization"] == f"Bearer {TOKEN}"
    await _fails(kubernetes, "kubernetes:llm/openai#gone", "no field")
    await _fails(kubernetes, "kubernetes:llm/openai#bad", "no Kubernetes secret")
    await _fails(kubernetes, "kubernetes:llm/other#x", "HTTP 404")
    for name in ("kube-system/x#y", "llm/x", "llm/X#y", "llm/../x#y", "llm/a/b#y", "x#y"):
        with pytest.raises(ReferenceRefusedError):
            KubernetesSecrets(settings).check(name)


class AwsStore(Store):
    """`GetSecretValue` of AWS's JSON protocol."""

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        self.asked.append((path, headers, body))
        assert headers["x-amz-target"] == "secretsmanager.GetSecretValue"
        name = json.loads(body)["SecretId"]
        if name not in self.answers:
            return 400, {"__type": "ResourceNotFoundException", "Message": f"no {KEY}"}
        return self.answers[name]


async def test_aws(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store.__class__ = AwsStore
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    settings = AwsSettings(region="eu-central-1", endpoint_url=store.url, allow=("llm/*", "arn:aws:*"))
    aws = _references("aws", AwsSecrets(settings))
    store.answers = {
        "llm/plain": (200, {"Name": "llm/plain", "SecretString": KEY}),
        "llm/json": (200, {"Name": "llm/json", "SecretString": json.dumps({"key": KEY})}),
        "llm/binary": (200, {"Name": "llm/binary", "SecretBinary": base64.b64encode(KEY.encode()).decode()}),
    }
    assert await aws.resolve("aws:llm/plain") == KEY
    assert await aws.resolve("aws:llm/json#key") == KEY
    assert await aws.resolve("aws:llm/binary") == KEY
    assert "AKIDEXAMPLE" in store.asked[0][1]["authorization"]
    assert "/eu-central-1/secretsmanager/" in store.asked[0][1]["authorization"]
    await _fails(aws, "aws:llm/json#gone", "no field")
    await _fails(aws, "aws:llm/plain#key", "not JSON")
    await _fails(aws, "aws:llm/gone", "ResourceNotFoundException")
    for name in ("other", "llm/x#", "llm/x y", ""):
        with pytest.raises(ReferenceRefusedError):
            AwsSecrets(settings).check(name)
