"""Which addresses the server may bind: beyond loopback only with a secret that somebody chose."""

from app.core.errors import ConfigError
from app.core.loopback import is_loopback
from app.core.settings import Settings

__all__ = ["check_bind", "is_loopback"]


def check_bind(settings: Settings) -> None:
    """Refuse to face a network with generated secrets.

    Raises:
        ConfigError: when `server.host` is not loopback and `security.secret_key` is not configured.
    """
    host = settings.server.host
    if is_loopback(host) or settings.security.secret_key is not None:
        return
    message = (
        f"{host} can be reached from other machines, which needs a configured secret: set LTB_SECURITY__SECRET_KEY "
        "to at least 32 random characters, or bind 127.0.0.1"
    )
    raise ConfigError(f"server.host: {message}", errors=[{"key": "server.host", "message": message}])
