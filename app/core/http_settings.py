"""Settings of how the service speaks HTTP: request limits, time limits, connections."""

from typing import Literal

from pydantic import Field, model_validator

from app.core.section import Section

_METHODS = Literal["*", "GET", "POST", "PUT", "PATCH", "DELETE", "WEBSOCKET"]
MAX_PER_MINUTE = 10_000_000


class EndpointLimit(Section):
    """`[[server.rate_limit.endpoints]]`: the quota of some routes, instead of the general one and counted apart."""

    path: str = Field(
        min_length=1,
        max_length=500,
        description="A route (`/api/v1/benchmarks/{id}`), or a pattern of routes with `*` (`/api/v1/results*`).",
    )
    method: _METHODS = Field("*", description="Only this method; `*` means each.")
    requests_per_minute: int = Field(ge=0, le=MAX_PER_MINUTE, description="Per caller; 0 means no limit here.")
    burst_size: int | None = Field(
        None, ge=1, le=MAX_PER_MINUTE, description="At once; by default as many as per minute."
    )


class RateLimitSettings(Section):
    """`[server.rate_limit]`"""

    requests_per_minute: int = Field(
        600, ge=0, le=MAX_PER_MINUTE, description="Requests per minute and caller; 0 switches the limit off."
    )
    burst_size: int | None = Field(
        None, ge=1, le=MAX_PER_MINUTE, description="Requests at once; by default as many as per minute."
    )
    on_redis_failure: Literal["memory", "refuse", "allow"] = Field(
        "memory", description="While Redis fails: count per process, answer 503, or do not count."
    )
    endpoints: tuple[EndpointLimit, ...] = Field((), description="Routes with limits of their own; first match wins.")


class HttpSettings(Section):
    """`[server.http]`"""

    max_head_bytes: int = Field(64 * 1024, ge=4096, le=2**20, description="Largest request line with headers.")
    max_headers: int = Field(100, ge=10, le=1000, description="Most header fields of a request.")
    max_target_bytes: int = Field(16 * 1024, ge=1024, le=2**20, description="Longest path with query.")
    max_json_depth: int = Field(64, ge=8, le=500, description="Deepest nesting of a JSON body.")
    head_timeout_seconds: float = Field(10, gt=0, le=600, description="For a whole request line with headers.")
    body_timeout_seconds: float = Field(30, gt=0, le=3600, description="Longest pause within a request body.")
    min_body_bytes_per_second: int = Field(
        512, ge=0, le=2**20, description="Slower bodies are cut after body_timeout_seconds; 0 allows any."
    )
    keep_alive_seconds: int = Field(
        75,
        ge=1,
        le=3600,
        description="An idle connection is closed after this; longer than the 60 s of load balancers.",
    )
    max_connections: int = Field(2048, ge=8, le=65536, description="Open connections; more are answered 503.")
    drain_seconds: int = Field(15, ge=0, le=600, description="At a stop, running requests get this long to finish.")
    require_if_match: bool = Field(False, description="Refuse changes without If-Match (428).")
    enable_compression: bool = Field(True, description="Compress answers with gzip, br or zstd where asked.")

    @model_validator(mode="after")
    def _target_fits_head(self) -> "HttpSettings":
        if self.max_target_bytes > self.max_head_bytes:
            raise ValueError("max_target_bytes must not be larger than max_head_bytes")
        return self
