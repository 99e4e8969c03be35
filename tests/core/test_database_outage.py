"""PostgreSQL goes away under a running service, and comes back."""

from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

from app.core.settings import StorageSettings
from tests.servers import PostgresServer
from tests.service import running_service, service_settings


async def _disconnect_all(server: PostgresServer, database: str) -> None:
    connection = await asyncpg.connect(server.url("postgres", driver="postgresql"))
    try:
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database)
    finally:
        await connection.close()


async def test_requests_say_503_until_it_is_back(
    postgres_server: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    database = make_url(postgres_url).database
    assert database is not None
    door = tmp_path / "door"  # a way to the server that can be closed
    door.symlink_to(postgres_server.folder / "socket")
    url = f"postgresql+asyncpg://postgres@/{database}?host={door}"
    storage = StorageSettings(backend="postgresql", database_url=url, data_dir=tmp_path)
    async with running_service(service_settings(storage)) as running:
        admin = await running.admin()
        assert (await admin.get("/api/v1/benchmarks")).status_code == 200
        door.unlink()
        await _disconnect_all(postgres_server, database)
        sign_in = {"username": "admin", "password": "wrong"}
        for answer in (
            await admin.get("/api/v1/benchmarks"),
            await running.anonymous.post("/api/v1/auth/login", json=sign_in),
            await running.anonymous.get("/health/ready"),
        ):
            assert answer.status_code == 503
            assert answer.json()["error"]["retryable"]
            assert str(tmp_path) not in answer.text
        door.symlink_to(postgres_server.folder / "socket")
        assert (await admin.get("/api/v1/benchmarks")).status_code == 200
