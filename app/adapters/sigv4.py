"""AWS Signature Version 4: a pure function of the request, the credentials and the instant.

Source: AWS Identity and Access Management User Guide, "Create a signed AWS API request".
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """Long-lived keys, or temporary ones with their session token."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


class Scope(NamedTuple):
    """For which region and service a signature is good."""

    region: str
    service: str


def signed_headers(
    method: str, host: str, target: str, body: bytes, credentials: Credentials, scope: Scope, unix_seconds: float
) -> list[tuple[str, str]]:
    """The headers to add: date, content hash, session token, and the signature over them, `Host` and the body.

    `target` is path and query as they go over the wire, percent-encoded, the query sorted and with a `=` for each name.
    """
    date = datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    added = [("X-Amz-Date", date), ("X-Amz-Content-Sha256", digest)]
    if credentials.session_token is not None:
        added.append(("X-Amz-Security-Token", credentials.session_token))
    covered = sorted([("host", host), *((name.lower(), value.strip()) for name, value in added)])
    names = ";".join(name for name, _ in covered)
    path, _, query = target.partition("?")
    canonical = "\n".join(
        [
            method,
            quote(path, safe="/-_.~"),  # every service but S3 wants what is encoded already encoded again
            query,
            *(f"{name}:{value}" for name, value in covered),
            "",
            names,
            digest,
        ]
    )
    day = f"{date[:8]}/{scope.region}/{scope.service}/aws4_request"
    to_sign = "\n".join([_ALGORITHM, date, day, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in day.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"{credentials.access_key_id}/{day}"
    added.append(
        ("Authorization", f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}")
    )
    return added
