"""From a proven external user to a user here: found by issuer and subject, or made at the first sign-in."""

import hashlib
import secrets
from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from app.accounts import audit, repository
from app.accounts.models import ApiKey, User
from app.accounts.oidc_errors import OidcDisabledError, OidcFlowError, OidcNoAccountError
from app.accounts.oidc_flow import FLOW_LIFE, Flow
from app.accounts.oidc_identity import ExternalUser, folded
from app.accounts.oidc_models import ExternalIdentity, SpentFlow
from app.accounts.permissions import Role
from app.accounts.service import AccountService, SignIn, Visitor
from app.accounts.sign_in_methods import oidc_method
from app.accounts.users import system_caller
from app.core.clock import Clock
from app.core.database import Database, WriteSession
from app.core.errors import ConflictError
from app.core.ids import new_id
from app.core.oidc_settings import OidcSettings

_MAX_NAMES_TRIED = 200

log = structlog.get_logger(__name__)


class OidcUsers:
    """Signs external users in, and marks spent flows. Each method is one transaction."""

    def __init__(self, database: Database, clock: Clock, accounts: AccountService) -> None:
        self._database = database
        self._clock = clock
        self._accounts = accounts

    async def spend(self, flow: Flow) -> None:
        """Mark a flow's answer as come.

        Raises:
            OidcFlowError: it has come before, here or at another replica.
        """
        now = self._clock.now()
        digest = hashlib.sha256(flow.state.encode()).hexdigest()
        try:
            async with self._database.write() as session:
                await session.execute(delete(SpentFlow).where(SpentFlow.expires_at < now))
                session.add(SpentFlow(state_hash=digest, expires_at=now + 2 * FLOW_LIFE))
        except IntegrityError:
            raise OidcFlowError("this answer has been used before") from None

    async def sign_in(self, external: ExternalUser, settings: OidcSettings, visitor: Visitor) -> SignIn:
        """Sign the user in, with the role and team that the provider's claims give them now.

        Raises:
            OidcNoAccountError: there is no account, and the configuration makes none.
            OidcDisabledError: the account is disabled.
        """
        # Nobody knows the password of a new account; a real hash, so that a try with one takes as long as any.
        spare_hash = await self._accounts.passwords.hash(secrets.token_urlsafe(32))
        try:
            return await self._sign_in(external, settings, visitor, spare_hash)
        except IntegrityError:  # the same person's first sign-in, in two tabs at once, or a name just taken
            return await self._sign_in(external, settings, visitor, spare_hash)

    async def end_sign_ins(self, issuer: str, subject: str, settings: OidcSettings) -> bool:
        """End every sign-in of a subject, because the provider says so; False when it has no account here."""
        async with self._database.write() as session:
            link = await _link(session, issuer, subject)
            if link is None:
                return False
            await repository.revoke_user(session, link.user_id, self._clock.now())
            await session.flush()
            await audit.record(session, system_caller(f"oidc:{settings.name}"), "auth.logout", "user", link.user_id)
            return True

    async def _sign_in(
        self, external: ExternalUser, settings: OidcSettings, visitor: Visitor, spare_hash: str
    ) -> SignIn:
        now, actor = self._clock.now(), f"oidc:{settings.name}"
        async with self._database.write() as session:
            await repository.lock_users(session)  # the role may change, and with it who the last administrator is
            link = await _link(session, external.issuer, external.subject)
            user = await repository.user_by_id(session, link.user_id) if link else None
            if link is None or user is None:
                user = await self._newcomer(session, external, settings, spare_hash)
                session.add(_new_link(user, external, now))
                await session.flush()
            else:
                link.last_login_at = now
            if not user.is_active:
                raise OidcDisabledError("the account is disabled")
            if await self._would_be_last(session, user, external):
                external = replace(external, role=None)
                told = {"username": user.username, "reason": "the last active administrator"}
                await audit.record(session, system_caller(actor), "user.keep_role", "user", user.id, told)
                log.warning("the identity provider takes the last administrator's role away; it is kept")
            if changes := _apply(user, external):
                user.updated_at = now
                await session.flush()
                await audit.record(session, system_caller(actor), "user.update", "user", user.id, changes)
            return await self._accounts.start_session(session, user, visitor, oidc_method(settings.name))

    async def _would_be_last(self, session: WriteSession, user: User, external: ExternalUser) -> bool:
        """Whether the provider's role would leave nobody to administer the service."""
        if user.role != Role.ADMIN or external.role in {None, Role.ADMIN}:
            return False
        return await repository.lock_active_admins(session) == [user.id]

    async def _newcomer(
        self, session: WriteSession, external: ExternalUser, settings: OidcSettings, spare_hash: str
    ) -> User:
        known = await self._same_email(session, external) if settings.link_by_email else None
        if known is not None:
            await self._take_over(session, known, spare_hash)
            changes = {"issuer": external.issuer, "linked_by": "email"}
            actor = system_caller(f"oidc:{settings.name}")
            await audit.record(session, actor, "user.link", "user", known.id, changes)
            return known
        if not settings.auto_create:
            raise OidcNoAccountError("there is no account for this user, and none is made")
        now = self._clock.now()
        user = User(
            id=new_id(),
            username=await _free_name(session, external.usernames),
            password_hash=spare_hash,
            role=external.role or self._accounts.roles.default,
            team=external.team,
            email=external.email,
            is_active=True,
            created_at=now,
            updated_at=now,
        )
        session.add(user)
        await session.flush()
        changes = {"username": user.username, "role": user.role, "issuer": external.issuer}
        await audit.record(session, system_caller(f"oidc:{settings.name}"), "user.create", "user", user.id, changes)
        return user

    async def _take_over(self, session: WriteSession, user: User, spare_hash: str) -> None:
        """End whatever the account's maker holds: they may have used an address that was never theirs."""
        now = self._clock.now()
        user.password_hash, user.updated_at = spare_hash, now
        await repository.revoke_user(session, user.id, now)
        keys = update(ApiKey).where(ApiKey.user_id == user.id, ApiKey.revoked_at.is_(None)).values(revoked_at=now)
        await session.execute(keys.execution_options(synchronize_session=False))
        await session.flush()

    async def _same_email(self, session: WriteSession, external: ExternalUser) -> User | None:
        """The one active local account with this e-mail address, if the provider has verified that it is theirs.

        Accounts that are linked to a subject already are somebody; two with one address are nobody in particular.
        """
        if external.email is None or not external.email_verified:
            return None
        linked = select(ExternalIdentity.id).where(ExternalIdentity.user_id == User.id).exists()
        query = select(User).where(func.lower(User.email) == func.lower(external.email), ~linked)
        # What a database takes for the same letter is its locale's affair; only ASCII letters have two cases here.
        wanted = folded(external.email)
        found = [user for user in await session.scalars(query) if folded(user.email or "") == wanted]
        return found[0] if len(found) == 1 else None


def _apply(user: User, external: ExternalUser) -> dict[str, dict[str, str | None]]:
    """Give the user what the provider decides on; what changed, for the audit trail."""
    wanted: dict[str, str | None] = {}
    if external.role is not None:
        wanted["role"] = external.role
    if external.manages_team:
        wanted["team"] = external.team
    if external.email_verified:
        wanted["email"] = external.email
    before = {name: getattr(user, name) for name, value in wanted.items() if getattr(user, name) != value}
    for name in before:
        setattr(user, name, wanted[name])
    return {"before": before, "after": {name: wanted[name] for name in before}} if before else {}


def _new_link(user: User, external: ExternalUser, now: datetime) -> ExternalIdentity:
    return ExternalIdentity(
        id=new_id(),
        user_id=user.id,
        issuer=external.issuer,
        subject=external.subject,
        created_at=now,
        last_login_at=now,
    )


async def _link(session: WriteSession, issuer: str, subject: str) -> ExternalIdentity | None:
    query = select(ExternalIdentity).where(ExternalIdentity.issuer == issuer, ExternalIdentity.subject == subject)
    return (await session.scalars(query)).first()


async def _free_name(session: WriteSession, candidates: tuple[str, ...]) -> str:
    """The first free name: never an existing user's, whatever the provider calls somebody."""
    base = candidates[-1]
    numbered = tuple(f"{base[:58]}-{number}" for number in range(2, _MAX_NAMES_TRIED))
    names = (*candidates, *numbered)
    lowered = [name.lower() for name in names]
    taken = set(await session.scalars(select(func.lower(User.username)).where(func.lower(User.username).in_(lowered))))
    for name in names:
        if name.lower() not in taken:
            return name
    raise ConflictError("no user name is free for this user")
