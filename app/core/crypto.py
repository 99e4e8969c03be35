"""Encryption at rest: AES-256-GCM envelopes (NIST SP 800-38D) that name the key they need.

Each envelope has a data key of its own, wrapped by a key derived from the root secret, so that rotating the root
re-wraps 32 bytes per secret. `context` (for example `provider:<id>`) is authenticated: an envelope copied into another
row does not open there. Text form: `v1.<key id>.<nonce + wrapped data key>.<nonce + ciphertext>`, base64url.
"""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.errors import InternalError
from app.core.keyring import Keyring

_VERSION = "v1"
_NONCE_BYTES = 12


class EnvelopeError(InternalError):
    """A stored secret cannot be opened: its key is gone, or it was moved or changed."""


class Cipher:
    """Seals and opens short secrets of one purpose."""

    def __init__(self, keyring: Keyring, purpose: str) -> None:
        self._keyring = keyring
        self._purpose = f"envelope:{purpose}"

    def seal(self, plaintext: str, context: str) -> str:
        """An envelope that only `open` with the same context opens."""
        data_key = AESGCM.generate_key(256)
        key_id = self._keyring.key_id
        wrapped = _seal(self._keyring.derive(self._purpose), data_key, f"{key_id}:{context}")
        return ".".join((_VERSION, key_id, wrapped, _seal(data_key, plaintext.encode(), context)))

    def open(self, envelope: str, context: str) -> str:
        """The secret inside.

        Raises:
            EnvelopeError: when it cannot be opened; the message carries no part of it.
        """
        try:
            version, key_id, wrapped, sealed = envelope.split(".")
            if version != _VERSION:
                raise EnvelopeError(f"a stored secret has the unknown format {version!r}")
            key = self._keyring.derive(self._purpose, key_id)
            return _open(_open(key, wrapped, f"{key_id}:{context}"), sealed, context).decode()
        except KeyError:
            raise EnvelopeError(
                "a stored secret was written with another root secret: enter it again, or restore that secret"
            ) from None
        except (ValueError, InvalidTag):
            raise EnvelopeError("a stored secret is damaged: enter it again") from None


def _seal(key: bytes, plaintext: bytes, context: str) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + AESGCM(key).encrypt(nonce, plaintext, context.encode())).decode()


def _open(key: bytes, sealed: str, context: str) -> bytes:
    raw = base64.urlsafe_b64decode(sealed)
    return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode())
