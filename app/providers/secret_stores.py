"""Keys out of HashiCorp Vault, AWS Secrets Manager and Kubernetes, as far as the configuration lists them.

Their addresses come from the configuration, not from users of the API. Vault and Kubernetes are asked over plain
HTTP APIs; AWS through its own client, an optional package, because that finds credentials in all the places where AWS
puts them. Sources: Vault HTTP API "KV secrets engine"; Kubernetes API reference "Secret v1 core".
"""

import asyncio
import base64
import binascii
import json
import re
from pathlib import Path
from typing import Any, NoReturn

import httpx

from app.core.provider_settings import AwsSettings, KubernetesSettings, VaultSettings
from app.providers.secrets import ReferenceRefusedError, SecretUnavailableError, check_listed, split_field

TIMEOUT_SECONDS = 10.0
_MAX_ANSWER_BYTES = 4 * 2**20  # Vault's and Kubernetes' own limits are 1 MiB a secret
_PATH = re.compile(r"(?!.*(^|/)\.{1,2}(/|$))[A-Za-z0-9_.@+=,-]+(/[A-Za-z0-9_.@+=,-]+)*")
_AWS_NAME = re.compile(r"[A-Za-z0-9/_+=.@:-]{1,2048}")
_KUBERNETES_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class VaultSecrets:
    """`vault:PATH#FIELD`; the path is that of Vault's API, so with `data` in it for version 2 of the KV engine."""

    def __init__(self, settings: VaultSettings) -> None:
        self._settings = settings

    def check(self, name: str) -> None:
        path, field = split_field(name)
        if not _PATH.fullmatch(path) or not field:
            raise ReferenceRefusedError("vault: takes PATH#FIELD, such as vault:secret/data/llm/openai#api_key")
        check_listed(path, self._settings.allow, "providers.vault.allow")

    async def read(self, name: str) -> str:
        path, field = split_field(name)
        settings = self._settings
        token = settings.token.get_secret_value() if settings.token else await _token(settings.token_file)
        headers = {"X-Vault-Token": token, "X-Vault-Request": "true"}
        if settings.namespace:
            headers["X-Vault-Namespace"] = settings.namespace
        answer = await _get(f"{settings.address}/v1/{path}", headers, settings.ca_file, "Vault")
        data = answer.get("data")
        if isinstance(data, dict) and isinstance(data.get("data"), dict) and "metadata" in data:  # KV version 2
            data = data["data"]
        return _field(data, field, "the secret")


class KubernetesSecrets:
    """`kubernetes:NAMESPACE/NAME#KEY`, with the service account's token."""

    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings

    def check(self, name: str) -> None:
        path, key = split_field(name)
        if not _KUBERNETES_NAME.fullmatch(path) or not key:
            raise ReferenceRefusedError("kubernetes: takes NAMESPACE/NAME#KEY, such as kubernetes:llm/openai#api-key")
        check_listed(path, self._settings.allow, "providers.kubernetes.allow")

    async def read(self, name: str) -> str:
        path, key = split_field(name)
        namespace, _, secret = path.partition("/")
        headers = {"Authorization": f"Bearer {await _token(self._settings.token_file)}"}
        url = f"{self._settings.api_url}/api/v1/namespaces/{namespace}/secrets/{secret}"
        answer = await _get(url, headers, self._settings.ca_file, "the Kubernetes API")
        encoded = _field(answer.get("data"), key, "the secret")
        try:
            return base64.b64decode(encoded, validate=True).decode("ascii", "replace")
        except (binascii.Error, ValueError):
            raise SecretUnavailableError("the answer is no Kubernetes secret") from None


class AwsSecrets:
    """`aws:NAME` for a whole secret, `aws:NAME#FIELD` for a field of one that is JSON; needs the extra `aws`."""

    def __init__(self, settings: AwsSettings) -> None:
        self._settings = settings

    def check(self, name: str) -> None:
        secret, field = split_field(name)
        if not _AWS_NAME.fullmatch(secret) or field == "":
            raise ReferenceRefusedError("aws: takes NAME or NAME#FIELD, such as aws:llm/openai#api_key")
        check_listed(secret, self._settings.allow, "providers.aws.allow")

    async def read(self, name: str) -> str:
        return await asyncio.to_thread(self._read, *split_field(name))

    def _read(self, name: str, field: str | None) -> str:
        try:
            import boto3  # noqa: PLC0415 - optional, and half a second to load
            from botocore.config import Config  # noqa: PLC0415
            from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        except ImportError:
            raise SecretUnavailableError("AWS needs a package: install llm-test-bench[aws]") from None
        config = Config(connect_timeout=TIMEOUT_SECONDS, read_timeout=TIMEOUT_SECONDS, retries={"max_attempts": 1})
        try:
            client = boto3.session.Session().client(
                "secretsmanager",
                region_name=self._settings.region,
                endpoint_url=self._settings.endpoint_url,
                config=config,
            )
            try:
                answer = client.get_secret_value(SecretId=name)
            finally:
                client.close()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "an error")
            raise SecretUnavailableError(f"AWS Secrets Manager answered {code}") from None
        except BotoCoreError as error:  # its texts name regions and addresses, no secrets
            raise SecretUnavailableError(f"AWS Secrets Manager cannot be asked: {type(error).__name__}") from None
        text = answer.get("SecretString")
        if text is None:
            text = answer.get("SecretBinary", b"").decode("ascii", "replace")
        if field is None:
            return str(text)
        try:
            return _field(json.loads(text), field, "the secret")
        except ValueError:
            raise SecretUnavailableError("the secret is not JSON, so it has no fields") from None


async def _token(path: Path | None) -> str:
    try:
        return (await asyncio.to_thread(Path(path or "").read_text, encoding="ascii")).strip()
    except (OSError, UnicodeDecodeError):
        raise SecretUnavailableError(f"the token in {path} cannot be read") from None


async def _get(url: str, headers: dict[str, str], ca_file: Path | None, who: str) -> dict[str, Any]:
    try:
        verify = httpx.create_ssl_context(verify=str(ca_file) if _is_needed(url, ca_file) else True, trust_env=False)
    except OSError:
        raise SecretUnavailableError(f"the certificates in {ca_file} cannot be read") from None
    try:
        async with (
            httpx.AsyncClient(verify=verify, trust_env=False, timeout=TIMEOUT_SECONDS) as client,
            asyncio.timeout(TIMEOUT_SECONDS),
            client.stream("GET", url, headers={**headers, "Accept-Encoding": "identity"}) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise SecretUnavailableError(f"{who} answered HTTP {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _MAX_ANSWER_BYTES:
                    raise SecretUnavailableError(f"{who} answered with more than {_MAX_ANSWER_BYTES} bytes")
            answer = json.loads(bytes(body))
    except (httpx.TimeoutException, TimeoutError):
        raise SecretUnavailableError(f"{who} did not answer within {TIMEOUT_SECONDS:g} s") from None
    except httpx.HTTPError as error:
        raise SecretUnavailableError(f"{who} cannot be reached: {type(error).__name__}") from None
    except (ValueError, RecursionError):
        raise SecretUnavailableError(f"{who} answered with something other than JSON") from None
    return answer if isinstance(answer, dict) else {}


def _is_needed(url: str, ca_file: Path | None) -> bool:
    return ca_file is not None and url.startswith("https://")


def _field(values: Any, field: str | None, what: str) -> str:
    if not isinstance(values, dict):
        _missing(f"{what} has no fields")
    if field not in values:
        _missing(f"{what} has no field {field!r}")
    found = values[field]
    if not isinstance(found, str):
        _missing(f"the field {field!r} of {what} is not text")
    return found


def _missing(message: str) -> NoReturn:
    raise SecretUnavailableError(message)
