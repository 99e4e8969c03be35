"""The provider room out of the settings: the same in the server, in workers and on the command line."""

from app.adapters import prices
from app.core.clock import Clock
from app.core.database import Database
from app.core.keyring import Keyring
from app.core.outbound import OutboundGuard
from app.core.settings import Settings
from app.providers.local_secrets import EnvironmentSecrets, FileSecrets
from app.providers.own_prices import price_list
from app.providers.secret_stores import AwsSecrets, KubernetesSecrets, VaultSecrets
from app.providers.secrets import SecretReferences, SecretSource
from app.providers.service import ProviderService


def provider_service(settings: Settings, database: Database, clock: Clock, keyring: Keyring) -> ProviderService:
    """The service as configured; prices of one's own hold in this process from now on."""
    prices.use(price_list(settings.providers))
    return ProviderService(
        database,
        clock,
        keyring,
        OutboundGuard(settings.outbound.allow),
        secret_references(settings),
        models_kept_seconds=settings.providers.models_cache_seconds,
    )


def secret_references(settings: Settings) -> SecretReferences:
    """Every place that keys may be read from, with what may be read there."""
    ours = settings.providers
    sources: dict[str, SecretSource] = {
        "env": EnvironmentSecrets(ours.secret_env_allow),
        "file": FileSecrets(ours.secret_file_dirs, settings.storage.data_dir),
        "vault": VaultSecrets(ours.vault),
        "aws": AwsSecrets(ours.aws),
        "kubernetes": KubernetesSecrets(ours.kubernetes),
    }
    return SecretReferences(sources, ours.secret_cache_seconds)
