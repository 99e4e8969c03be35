"""A provider's key: sealed in its row, or read from elsewhere at each use."""

from uuid import UUID

from app.core.crypto import Cipher
from app.core.errors import invalid_field
from app.core.keyring import Keyring
from app.providers.models import Provider
from app.providers.schemas import ProviderCreate, ProviderUpdate
from app.providers.secrets import ReferenceRefusedError, SecretReferences

KEY_FIELDS = frozenset({"api_key", "api_key_ref"})


def has_key(provider: Provider) -> bool:
    """Whether there is one, here or elsewhere."""
    return provider.credential is not None or provider.credential_ref is not None


class Credentials:
    """Seals keys, opens them and follows references."""

    def __init__(self, keyring: Keyring, references: SecretReferences | None = None) -> None:
        self._cipher = Cipher(keyring, "provider-credential")
        self._references = references or SecretReferences({})

    def check(self, reference: str | None) -> None:
        """Raises `InvalidRequestError` when the configuration does not list `reference`."""
        if reference is not None:
            try:
                self._references.check(reference)
            except ReferenceRefusedError as error:
                raise invalid_field("api_key_ref", str(error)) from None

    def put(self, provider: Provider, body: ProviderCreate | ProviderUpdate) -> None:
        """Keep the key or the reference of `body`: one replaces the other, and none forgets both."""
        key = body.api_key
        provider.credential = (
            self._cipher.seal(key.get_secret_value(), _context(provider.id)) if key is not None else None
        )
        provider.credential_ref = body.api_key_ref

    async def key(self, provider: Provider, *, fresh: bool = False) -> str | None:
        """The key in force; `fresh` reads a reference anew.

        Raises:
            EnvelopeError: it cannot be opened.
            SecretUnavailableError: it is elsewhere and cannot be read there.
        """
        if provider.credential_ref is not None:
            return await self._references.resolve(provider.credential_ref, fresh=fresh)
        return self._cipher.open(provider.credential, _context(provider.id)) if provider.credential else None


def _context(provider_id: UUID) -> str:
    return f"provider:{provider_id}"
