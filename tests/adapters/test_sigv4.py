"""Signatures, compared with those of AWS's own client; and how Bedrock requests come by one."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as AwsCredentials
from hypothesis import given
from hypothesis import strategies as st

from app.adapters import registry
from app.adapters.addressing import addressed, models_request
from app.adapters.base import ChatRequest, Message
from app.adapters.sigv4 import Credentials, Scope, signed_headers

NOW = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
HOST = "bedrock-runtime.eu-west-1.amazonaws.com"
REQUEST = ChatRequest(model="anthropic.m-v1:0", messages=(Message("user", "hi"),))
WORD = st.text("ABCxyz019/+", min_size=1, max_size=20)


def theirs(target: str, host: str, body: bytes, region: str, *keys: str | None) -> str:
    signer: Any = botocore.auth.SigV4Auth(AwsCredentials(*keys), "bedrock", region)
    request: Any = AWSRequest("POST", f"https://{host}{target}", data=body, headers={"Host": host})
    request.headers["X-Amz-Content-Sha256"] = signer.payload(request)
    if keys[2] is not None:
        request.headers["X-Amz-Security-Token"] = keys[2]
    request.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


@given(
    # No model is called "." or "..", which clients take out of paths.
    model=st.text("abcXYZ019.-:/ é~_", max_size=30).map("m".__add__),
    body=st.binary(max_size=50),
    region=st.sampled_from(["us-east-1", "eu-west-1"]),
    keys=st.tuples(WORD, WORD, st.none() | WORD),
)
def test_signatures_are_those_of_aws(model: str, body: bytes, region: str, keys: tuple[str, str, str | None]) -> None:
    path = registry.get("bedrock").encode(ChatRequest(model=model, messages=()), None).path
    headers = dict(
        signed_headers("POST", HOST, path, body, Credentials(*keys), Scope(region, "bedrock"), NOW.timestamp())
    )
    wanted = theirs(path, HOST, body, region, *keys)
    assert headers["Authorization"].endswith(f"Signature={wanted}")
    assert headers["Authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={keys[0]}/20250304/{region}/bedrock/")
    assert headers.get("X-Amz-Security-Token") == keys[2]


def signed(host: str, key: str | None) -> dict[str, str]:
    adapter = registry.get("bedrock")
    request = addressed(adapter, adapter.encode(REQUEST, key), host, "", key, NOW.timestamp())
    return dict(request.headers)


@pytest.mark.parametrize(
    ("host", "key", "region"),
    [
        (HOST, "AK:secret", "eu-west-1"),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "AK:secret", "us-gov-west-1"),
        ("vpce-0.bedrock-runtime.ap-south-1.vpce.amazonaws.com", "AK:secret", "ap-south-1"),
        ("127.0.0.1:9000", "AK:secret", "us-east-1"),
        ("127.0.0.1:9000", "AK:secret@sa-east-1", "sa-east-1"),
        (HOST, "AK:secret:token@sa-east-1", "sa-east-1"),
    ],
)
def test_the_region(host: str, key: str, region: str) -> None:
    headers = signed(host, key)
    assert f"Credential=AK/20250304/{region}/bedrock/aws4_request" in headers["Authorization"]
    assert ("X-Amz-Security-Token" in headers) == ("token" in key)
    assert headers["X-Amz-Date"] == "20250304T050607Z"


def test_an_api_key_is_a_bearer_token_and_no_key_is_nothing() -> None:
    assert signed(HOST, "ABSKtoken")["Authorization"] == "Bearer ABSKtoken"
    assert "Authorization" not in signed(HOST, None)


def test_models_are_listed_elsewhere() -> None:
    url, request = models_request(registry.get("bedrock"), f"https://{HOST}", "AK:secret", NOW.timestamp())
    assert url == "https://bedrock.eu-west-1.amazonaws.com/foundation-models"
    assert "/eu-west-1/bedrock/" in dict(request.headers)["Authorization"]
    url, _ = models_request(registry.get("bedrock"), "http://127.0.0.1:9000", None, 0.0)
    assert urlsplit(url).netloc == "127.0.0.1:9000"


def test_the_secret_is_nowhere_in_a_request() -> None:
    key = "AKIDEXAMPLE:wJalrXUtnFEMI:session"
    adapter = registry.get("bedrock")
    request = addressed(adapter, adapter.encode(REQUEST, key), HOST, "", key, NOW.timestamp())
    assert "wJalrXUtnFEMI" not in json.dumps(request, default=bytes.decode)
