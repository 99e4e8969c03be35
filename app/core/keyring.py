"""The root secret and the keys derived from it: one secret to keep, one independent key per purpose.

HKDF-SHA256 (RFC 5869) with the purpose as `info`. The root comes from `security.secret_key`, or from
`data_dir/secret-key`, which the first start writes with mode 0600. Older secrets stay readable: every further line of
either is one, so that a rotation is "put the new secret into the first line".
"""

import hashlib
import os
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.errors import ConfigError
from app.core.settings import Settings

SECRET_FILE = "secret-key"
MIN_SECRET_CHARACTERS = 32


class Keyring:
    """Keys of the secret in force, and of older ones for reading what they wrote."""

    def __init__(self, secret: str, older: tuple[str, ...] = ()) -> None:
        self._root = secret.encode()
        self._roots = {_key_id(root): root for root in (*(item.encode() for item in older), self._root)}

    @property
    def key_id(self) -> str:
        """Names the secret in force without telling anything about it."""
        return _key_id(self._root)

    def derive(self, purpose: str, key_id: str | None = None) -> bytes:
        """The 32-byte key for `purpose`; of an older secret when `key_id` names one.

        Raises:
            KeyError: when no secret has that id.
        """
        return _derive(self._root if key_id is None else self._roots[key_id], purpose)


def _derive(root: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=b"llm-test-bench", info=purpose.encode()).derive(root)


def _key_id(root: bytes) -> str:
    return hashlib.sha256(_derive(root, "key-id")).hexdigest()[:16]


def load_keyring(settings: Settings) -> Keyring:
    """The keyring of this installation; makes the secret on the first start.

    Raises:
        ConfigError: in production mode without a configured secret, or when the secret file is unsafe or unusable.
    """
    path = settings.storage.data_dir / SECRET_FILE
    configured = settings.security.secret_key
    if configured is not None:
        current, *given = _lines(configured.get_secret_value(), "security.secret_key", "it")
        return Keyring(current, (*given, *(_read(path) if path.exists() else ())))
    if settings.security.production:
        raise _config_error(
            "security.secret_key",
            "production mode needs a secret of at least 32 characters: set LTB_SECURITY__SECRET_KEY",
        )
    if not path.exists():
        _create(path)
    current, *older = _read(path)
    return Keyring(current, tuple(older))


def write_private(path: Path, text: str) -> None:
    """Create `path` with mode 0600, never wider even for a moment; raises `FileExistsError` when it exists."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _create(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written aside and linked, so that a second process starting now never reads half a secret.
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        write_private(temporary, secrets.token_urlsafe(48) + "\n")
        try:
            os.link(temporary, path)
        except FileExistsError:  # that second process was first
            pass
        finally:
            temporary.unlink()
    except OSError as error:
        raise _config_error("storage.data_dir", f"cannot write {path}: {error.strerror}") from None


def _read(path: Path) -> tuple[str, ...]:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise _config_error("storage.data_dir", f"{path} can be read by other users; run: chmod 600 {path}")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise _config_error("storage.data_dir", f"cannot read {path}: {error.strerror}") from None
    return _lines(text, "storage.data_dir", str(path))


def _lines(text: str, key: str, what: str) -> tuple[str, ...]:
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not lines or any(len(line) < MIN_SECRET_CHARACTERS for line in lines):
        raise _config_error(key, f"{what} must hold one secret of at least {MIN_SECRET_CHARACTERS} characters per line")
    return lines


def _config_error(key: str, message: str) -> ConfigError:
    return ConfigError(f"{key}: {message}", errors=[{"key": key, "message": message}])
