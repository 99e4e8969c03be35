"""Sign-in at identity providers: begin, finish, and the provider's word that somebody has signed out there."""

from collections.abc import Iterable, Mapping

import structlog

from app.accounts.oidc_errors import OidcError
from app.accounts.oidc_flow import Flow, FlowSeals
from app.accounts.oidc_provider import OidcProvider
from app.accounts.oidc_tokens import check_logout_token, read_signed
from app.accounts.oidc_users import OidcUsers
from app.accounts.roles import Roles
from app.accounts.service import AccountService, SignIn, Visitor
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import ConfigError, NotFoundError
from app.core.keyring import Keyring
from app.core.oidc_settings import OidcSettings
from app.core.rate_limit import RateLimiter, address_key
from app.core.settings import SecuritySettings

log = structlog.get_logger(__name__)


class OidcService:
    """Every configured provider."""

    def __init__(
        self,
        accounts: AccountService,
        database: Database,
        clock: Clock,
        keyring: Keyring,
        limiter: RateLimiter,
        settings: SecuritySettings,
    ) -> None:
        _check_roles(settings.oidc, accounts.roles)
        self._clock = clock
        self._limiter = limiter
        self._attempts_per_minute = settings.login_attempts_per_minute
        self._seals = FlowSeals(keyring)
        self._users = OidcUsers(database, clock, accounts)
        self._providers = {item.name: OidcProvider(item, clock, accounts.roles.default) for item in settings.oidc}

    @property
    def configured(self) -> list[OidcSettings]:
        """The providers, in the order of the configuration."""
        return [provider.settings for provider in self._providers.values()]

    def check_name(self, name: str) -> None:
        """Raises `NotFoundError` when no provider is called so."""
        self._provider(name)

    async def begin(self, name: str, redirect_uri: str, next_path: str, visitor: Visitor) -> tuple[Flow, str, str]:
        """A new sign-in: the flow, the value of its cookie, and where to send the browser.

        Raises:
            NotFoundError: no provider is called so.
            RateLimitExceededError: too many sign-ins from this address.
            OidcError: the provider cannot be asked.
        """
        provider = self._provider(name)
        await self._count(visitor)
        flow = Flow.begin(name, redirect_uri, next_path, self._clock.now())
        return flow, self._seals.seal(flow), await provider.authorization_url(flow)

    async def finish(
        self, name: str, sealed: str | None, answer: Mapping[str, str], visitor: Visitor
    ) -> tuple[SignIn, str]:
        """The sign-in that the provider's answer proves, and the local path to go to.

        Raises:
            NotFoundError, RateLimitExceededError: as `begin`.
            OidcError: nobody is signed in; `reason` says why.
        """
        provider = self._provider(name)
        await self._count(visitor)
        flow = self._seals.open(sealed, name, answer.get("state"), self._clock.now())
        await self._users.spend(flow)
        external = await provider.finish(flow, answer)
        sign_in = await self._users.sign_in(external, provider.settings, visitor)
        return sign_in, flow.next

    async def logout_url(self, name: str, back_to: str) -> str | None:
        """Where to end the sign-in at the provider too; None when it has no such place or cannot be asked."""
        try:
            return await self._provider(name).logout_url(back_to)
        except OidcError as error:
            log.warning("an identity provider cannot be asked", provider=name, reason=error.message)
            return None

    async def end_by_provider(self, name: str, logout_token: str) -> None:
        """End the sign-ins of the subject of a logout token (OpenID Connect Back-Channel Logout 1.0).

        Raises:
            NotFoundError: no provider is called so.
            OidcError: the token is not acceptable.
        """
        provider = self._provider(name)
        settings = provider.settings
        token = await read_signed(logout_token, provider.keys, settings)
        subject = check_logout_token(token, settings, now_seconds=int(self._clock.now().timestamp()))
        await self._users.end_sign_ins(settings.issuer, subject, settings)

    def _provider(self, name: str) -> OidcProvider:
        provider = self._providers.get(name)
        if provider is None:
            raise NotFoundError("there is no identity provider of this name")
        return provider

    async def _count(self, visitor: Visitor) -> None:
        # Each try costs calls to the provider, so it is counted like a try of a password, begin and answer together.
        await self._limiter.enforce(
            2 * self._attempts_per_minute, "sign-in tries", "oidc-address", address_key(visitor.address)
        )


def _check_roles(providers: Iterable[OidcSettings], roles: Roles) -> None:
    problems = [
        {
            "key": f"security.oidc.{provider.name}",
            "message": f"there is no role {role!r}; use one of {', '.join(roles.names)}",
        }
        for provider in providers
        for role in (*provider.role_map.values(), provider.default_role)
        if role is not None and role not in roles.names
    ]
    if problems:
        text = "; ".join(f"{problem['key']}: {problem['message']}" for problem in problems)
        raise ConfigError(f"wrong configuration: {text}", errors=problems)
