"""`[server]`: where it listens, which interfaces it serves, and whom it believes."""

import ipaddress
import re
from typing import Annotated, Any

import structlog
from pydantic import AfterValidator, Field, model_validator

from app.core.http_settings import HttpSettings, RateLimitSettings
from app.core.live_settings import GraphQLSettings, WebSocketSettings
from app.core.section import Section

OLD_RATE_LIMIT = "rate_limit_requests_per_minute"  # until 0.1; still read, with a note in the log
RATE_LIMIT_KEY = "server.rate_limit.requests_per_minute"

log = structlog.get_logger(__name__)


def _public_url(url: str | None) -> str | None:
    if url is not None and not re.fullmatch(r"https?://[^/\s?#@]+/?", url):
        raise ValueError("must be http://host[:port] or https://host[:port]")
    return url.rstrip("/") if url is not None else None


def _origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    """As browsers write them: lower case, without a path."""
    for origin in origins:
        if not re.fullmatch(r"https?://[^/\s?#@*]+/?", origin):
            raise ValueError(
                f"{origin!r} is not an origin: use http://host[:port] or https://host[:port], each by name"
            )
    return tuple(origin.rstrip("/").lower() for origin in origins)


def _host_names(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9._-]+|\[?[0-9A-Fa-f:.]+\]?", name):
            raise ValueError(f"{name!r} is not a host name: use names without scheme or port, each by itself (no *)")
    return names


def _networks(addresses: tuple[str, ...]) -> tuple[str, ...]:
    for address in addresses:
        try:
            ipaddress.ip_network(address)
        except ValueError as error:
            # Believing everybody ("*") would let each client choose the address that its sign-in tries count for.
            raise ValueError(f"{address!r} is not an address or a network such as 10.0.0.0/8: {error}") from None
    return addresses


class ServerSettings(Section):
    """`[server]`"""

    host: str = Field("127.0.0.1", min_length=1, description="Address to bind.")
    port: int = Field(8080, ge=0, le=65535, description="Port to bind; 0 picks a free one.")
    enable_rest: bool = Field(True, description="Serve the REST API under /api/v1.")
    enable_graphql: bool = Field(True, description="Serve GraphQL under /graphql.")
    enable_websocket: bool = Field(True, description="Serve live events under /ws.")
    enable_dashboard: bool = Field(True, description="Serve the web dashboard at /.")
    public_url: Annotated[str | None, AfterValidator(_public_url)] = Field(
        None, description="Where browsers reach this server, if not at the address they ask for (OIDC redirects)."
    )
    cors_allowed_origins: Annotated[tuple[str, ...], AfterValidator(_origins)] = Field(
        (), description="Origins allowed by CORS; none by default."
    )
    allowed_hosts: Annotated[tuple[str, ...], AfterValidator(_host_names)] = Field(
        (), description="Host names accepted besides loopback and `host` (guards against DNS rebinding)."
    )
    trusted_proxies: Annotated[tuple[str, ...], AfterValidator(_networks)] = Field(
        (), description="Addresses whose X-Forwarded-For and X-Forwarded-Proto headers are believed; none by default."
    )
    max_body_bytes: int = Field(8 * 2**20, ge=1024, le=2**30, description="Largest accepted request body.")
    websocket: WebSocketSettings = Field(default_factory=WebSocketSettings)
    graphql: GraphQLSettings = Field(default_factory=GraphQLSettings)
    rate_limit: RateLimitSettings = Field(default_factory=RateLimitSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)

    @model_validator(mode="before")
    @classmethod
    def _old_names(cls, values: Any) -> Any:
        if isinstance(values, dict) and OLD_RATE_LIMIT in values:
            values = dict(values)
            per_minute = values.pop(OLD_RATE_LIMIT)
            newer = values.get("rate_limit") or {}
            if isinstance(newer, dict) and "requests_per_minute" in newer:
                raise ValueError(
                    f"{OLD_RATE_LIMIT} is the old name of rate_limit.requests_per_minute: give one of them"
                )
            log.warning("a setting has a new name", old=f"server.{OLD_RATE_LIMIT}", new=RATE_LIMIT_KEY)
            if isinstance(newer, dict):
                values["rate_limit"] = {**newer, "requests_per_minute": per_minute}
        return values
