"""What benchmarks ask of providers, and what is at rest."""

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from app.accounts.models import AuditEntry
from app.accounts.permissions import Role
from app.accounts.users import system_caller
from app.core.crypto import EnvelopeError
from app.core.database import Database
from app.core.errors import ConflictError, InvalidRequestError, NotFoundError
from app.core.keyring import Keyring
from app.core.outbound import AddressRefusedError, OutboundGuard
from app.providers.models import Provider
from app.providers.schemas import ProviderCreate, ProviderUpdate
from app.providers.service import ProviderService
from tests.factories import Rows, make_caller
from tests.service import FakeClock

KEY = "sk-proj-0123456789abcdefABCDEF"
LOOPBACK = ("127.0.0.0/8",)


def _service(database: Database, secret: str = "a configured secret of enough characters") -> ProviderService:
    return ProviderService(database, FakeClock(), Keyring(secret), OutboundGuard(LOOPBACK))


@pytest.fixture
async def providers(database: Database) -> ProviderService:
    service = _service(database)
    await service.create(
        system_caller(),
        ProviderCreate(
            name="local", kind="openai-compatible", base_url="http://127.0.0.1:9000/v1", api_key=SecretStr(KEY)
        ),
    )
    return service


async def test_a_shard_gets_what_it_needs(providers: ProviderService) -> None:
    resolved = await providers.resolve("local")
    assert resolved.api_key == KEY
    assert resolved.adapter == "openai-compatible"
    assert resolved.base_url == "http://127.0.0.1:9000/v1"
    assert resolved.addresses == ("127.0.0.1",)
    assert resolved.verify_tls
    assert KEY not in repr(resolved)


async def test_what_cannot_be_resolved(providers: ProviderService, database: Database) -> None:
    with pytest.raises(NotFoundError):
        await providers.resolve("gone")
    await providers.update(system_caller(), "local", ProviderUpdate(is_enabled=False))
    with pytest.raises(ConflictError, match="disabled"):
        await providers.resolve("local")
    await providers.update(system_caller(), "local", ProviderUpdate(is_enabled=True))
    stricter = ProviderService(
        database, FakeClock(), Keyring("a configured secret of enough characters"), OutboundGuard()
    )
    with pytest.raises(AddressRefusedError):
        await stricter.resolve("local")
    with pytest.raises(EnvelopeError, match="another root secret"):
        await _service(database, "another configured secret, long enough").resolve("local")


async def test_targets_are_checked_by_place(providers: ProviderService, rows: Rows) -> None:
    await providers.check_exists(["local", "local"])
    await providers.create(system_caller(), ProviderCreate(name="off", kind="vllm", is_enabled=False))
    with pytest.raises(InvalidRequestError) as caught:
        await providers.check_exists(["local", "gone", "off"])
    assert caught.value.details["errors"] == [
        {"path": "targets.1.provider", "message": "provider 'gone' does not exist"},
        {"path": "targets.2.provider", "message": "provider 'off' is disabled"},
    ]


async def test_no_key_is_readable_at_rest(providers: ProviderService, database: Database) -> None:
    await providers.update(make_caller(role=Role.ADMIN), "local", ProviderUpdate(api_key=SecretStr("sk-second-key")))
    await providers.delete(make_caller(role=Role.ADMIN), "local")
    await providers.create(
        system_caller(), ProviderCreate(name="again", kind="vllm", api_key=SecretStr(KEY), default_model="m")
    )
    async with database.read() as session:
        provider = (await session.scalars(select(Provider))).one()
        entries = list(await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)))
    assert provider.credential is not None
    assert provider.credential.startswith("v1.")
    at_rest = str(vars(provider)) + str([entry.changes for entry in entries])
    assert KEY not in at_rest
    assert "sk-second-key" not in at_rest
    assert [entry.action for entry in entries] == [
        "provider.create",
        "provider.update",
        "provider.delete",
        "provider.create",
    ]
    assert entries[1].changes["credential_replaced"] is True
    assert entries[1].changes["before"]["has_api_key"] is True
