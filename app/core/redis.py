"""Redis clients with time-outs on everything."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from app.core.errors import ConfigError

CONNECT_TIMEOUT_SECONDS = 3.0
ANSWER_TIMEOUT_SECONDS = 5.0


def connect(url: str, *, client_name: str = "llm-test-bench", max_connections: int = 16) -> Redis:
    """A client for `url` (`redis://`, `rediss://` or `unix://`); it connects when first used, answers are bytes.

    It never retries by itself: each caller knows whether its command may be repeated.

    Raises:
        ConfigError: when `url` is not the address of a Redis server.
    """
    try:
        return Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
            socket_timeout=ANSWER_TIMEOUT_SECONDS,
            socket_keepalive=True,
            client_name=client_name,
            max_connections=max_connections,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        problem = {"key": "distributed.redis_url", "message": f"not a Redis address: {error}"}
        raise ConfigError(f"distributed.redis_url is not a Redis address: {error}", errors=[problem]) from None
