from collections.abc import AsyncIterator

import pytest

from app.accounts.service import AccountService
from app.core.database import Database
from app.core.keyring import Keyring
from app.core.rate_limit import RateLimiter
from app.core.settings import SecuritySettings
from tests.service import FakeClock, running

__all__ = ["running"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def accounts(database: Database, clock: FakeClock) -> AsyncIterator[AccountService]:
    """The room's service on both databases, with a clock that the test moves."""
    service = AccountService(
        database,
        clock,
        Keyring("a configured secret of enough characters"),
        RateLimiter(),
        SecuritySettings(login_attempts_per_minute=5),
    )
    yield service
    service.close()
