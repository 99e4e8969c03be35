"""How the parts of a cluster may talk: Dask's messages are pickles, so whoever can speak can run code.

Hence a scheduler beyond loopback needs mutual TLS: `tls://`, and a certificate of one private CA on every side.
"""

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.core.bind import is_loopback
from app.core.errors import ConfigError
from app.core.settings import DistributedSettings

DEFAULT_PORT = 8786
_FILES = ("tls_ca", "tls_cert", "tls_key")


def check_scheduler_url(url: str, settings: DistributedSettings, *, key: str = "distributed.scheduler_url") -> None:
    """Refuse an address that cannot be used, or that would let strangers run code.

    Raises:
        ConfigError: a bad address, plain TCP beyond loopback, or TLS without (readable, matching) files.
    """
    host, is_tls = _parts(url, key)
    if is_tls:
        check_files(settings)
    elif not is_loopback(host):
        raise _error(
            key,
            f"{url} can be reached from other machines, which needs mutual TLS: use tls://{host}… and set "
            "distributed.tls_ca, tls_cert and tls_key (`llm-test-bench cluster certs` makes them), or use 127.0.0.1",
        )


def check_listen(host: str, settings: DistributedSettings) -> str:
    """The scheme that a node may listen with on `host`.

    Raises:
        ConfigError: beyond loopback without TLS files, or with wrong ones.
    """
    if any(getattr(settings, name) is not None for name in _FILES):
        check_files(settings)
        return "tls"
    if not is_loopback(host):
        raise _error(
            "distributed.tls_cert",
            f"{host} can be reached from other machines, which needs mutual TLS: give --tls-ca, --tls-cert and "
            "--tls-key (`llm-test-bench cluster certs` makes them), or listen on 127.0.0.1",
        )
    return "tcp"


def check_files(settings: DistributedSettings) -> None:
    """Raise `ConfigError` unless CA, certificate and key are there, readable, and belong together."""
    missing = [f"distributed.{name}" for name in _FILES if getattr(settings, name) is None]
    if missing:
        raise _error(missing[0], f"TLS needs all of tls_ca, tls_cert and tls_key; missing: {', '.join(missing)}")
    for name in _FILES:
        path: Path = getattr(settings, name)
        try:
            path.read_bytes()
        except OSError as error:
            raise _error(f"distributed.{name}", f"cannot read {path}: {error.strerror}") from None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_verify_locations(settings.tls_ca)
    except ssl.SSLError as error:
        raise _error("distributed.tls_ca", f"{settings.tls_ca} is not a PEM certificate: {error.reason}") from None
    try:
        context.load_cert_chain(str(settings.tls_cert), str(settings.tls_key))
    except ssl.SSLError as error:
        message = f"{settings.tls_cert} and {settings.tls_key} do not belong together: {error.reason}"
        raise _error("distributed.tls_cert", message) from None


def tls_options(settings: DistributedSettings) -> dict[str, Any]:
    """Arguments of Dask's `Security`; empty without TLS."""
    if settings.tls_cert is None:
        return {}
    ca, certificate, key = (str(getattr(settings, name)) for name in _FILES)
    roles = {
        f"tls_{role}_{part}": value
        for role in ("client", "scheduler", "worker")
        for part, value in (("cert", certificate), ("key", key))
    }
    return {"tls_ca_file": ca, "require_encryption": True, **roles}


def host_of(url: str) -> str:
    """The host of a scheduler's address; raises `ConfigError`."""
    return _parts(url, "distributed.scheduler_url")[0]


def _parts(url: str, key: str) -> tuple[str, bool]:
    try:
        found = urlsplit(url)
        port, host = found.port, found.hostname
    except ValueError:
        port = host = None
        found = urlsplit("")
    if found.scheme not in ("tcp", "tls") or not host or not port:
        raise _error(key, f"{url!r} is not an address such as tcp://127.0.0.1:8786 or tls://scheduler:8786")
    return host, found.scheme == "tls"


def _error(key: str, message: str) -> ConfigError:
    return ConfigError(f"{key}: {message}", errors=[{"key": key, "message": message}])
