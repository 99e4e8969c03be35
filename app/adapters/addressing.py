"""Where a request goes: its path behind that of the base URL, and what a signature needs to know of that. Pure."""

import re
from urllib.parse import urlsplit, urlunsplit

from app.adapters.base import Adapter, HttpRequest

_VERSION = re.compile(r"v\d+((alpha|beta)\d*)?")


def join_path(base_path: str, path: str) -> str:
    """`path` behind `base_path`; what both name, or a version that both have, is there once, as `path` says it.

    Vendors' own clients differ in whether a base URL ends with a version, so both forms are taken: `/proxy/v1` and
    `/v1/messages` make `/proxy/v1/messages`, `/v1` and `/v1beta/models` make `/v1beta/models`.
    """
    base = base_path.rstrip("/")
    before, _, last = base.rpartition("/")
    first, slash, _ = path.removeprefix("/").partition("/")
    if slash and last and (last == first or (_VERSION.fullmatch(last) and _VERSION.fullmatch(first))):
        return before + path
    return base + path


def addressed(
    adapter: Adapter, request: HttpRequest, host: str, base_path: str, api_key: str | None, unix_seconds: float
) -> HttpRequest:
    """The request with its whole path, signed if the format wants that."""
    whole = request._replace(path=join_path(base_path, request.path))
    return adapter.sign(whole, host, api_key, unix_seconds) if adapter.is_signed else whole


def models_request(
    adapter: Adapter, base_url: str, api_key: str | None, unix_seconds: float
) -> tuple[str, HttpRequest]:
    """The URL of the model list, and the request for it."""
    parts = urlsplit(base_url)
    host = adapter.models_host(parts.netloc.rpartition("@")[2])
    request = addressed(adapter, adapter.models_request(api_key), host, parts.path, api_key, unix_seconds)
    return urlunsplit((parts.scheme, host, "", "", "")) + request.path, request
