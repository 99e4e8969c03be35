"""Partition results by time on PostgreSQL, with an index by level of load

Ids of sessions begin with the milliseconds of their creation (UUIDv7), so a range of ids is a range of time: the
partition key is part of the primary key (session_id, index) as it was, which stays unique over all partitions, and
every query for a session reads one partition.

The rows that there are do not move: their table becomes the first partition, for everything up to the end of today.
Later partitions are made ahead by the service (`app/benchmarks/partitions.py`). Going down copies all rows into one
table, inside the server.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_FIRST = "results_p00000000"
_LIKE = "INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION"
_INDEXES = {
    "ix_results_provider_model": '(provider, model, session_id, "index")',
    "ix_results_session_error_type": '(session_id, error_type, "index") WHERE error_type IS NOT NULL',
    "ix_results_session_status": '(session_id, status, "index")',
}
_POINT = "(CAST(metadata ->> 'point' AS INTEGER))"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _partition()
        # Not on SQLite: changing a table there means copying it, and Alembic does not see indexes over expressions.
        op.execute(
            f'CREATE INDEX ix_results_session_point ON results (session_id, {_POINT}, "index") '
            f"WHERE {_POINT} IS NOT NULL"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _join()


def _partition() -> None:
    tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    boundary = UUID(int=(int(tomorrow.timestamp() * 1000) << 80))
    op.execute(f"ALTER TABLE results RENAME TO {_FIRST}")
    op.execute(f"ALTER TABLE {_FIRST} DROP CONSTRAINT uq_results_id")
    op.execute(f"ALTER TABLE {_FIRST} RENAME CONSTRAINT pk_results TO {_FIRST}_pkey")
    for name in _INDEXES:
        op.execute(f"ALTER INDEX {name} RENAME TO {name.replace('results', _FIRST)}")
    op.execute(f"CREATE TABLE results (LIKE {_FIRST} {_LIKE}) PARTITION BY RANGE (session_id)")
    op.execute('ALTER TABLE results ADD CONSTRAINT pk_results PRIMARY KEY (session_id, "index")')
    _refer_to_sessions()
    for name, definition in _INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON results {definition}")
    # Not unique, as that would have to hold the partition key: looked up in each partition.
    op.execute("CREATE INDEX ix_results_id ON results (id)")
    op.execute("CREATE TABLE results_default PARTITION OF results DEFAULT")
    # Ids that are no UUIDv7, should somebody have put such rows in.
    op.execute(
        f"WITH moved AS (DELETE FROM {_FIRST} WHERE session_id >= '{boundary}' RETURNING *) "  # noqa: S608
        "INSERT INTO results_default SELECT * FROM moved"
    )
    if op.get_bind().execute(sa.text(f"SELECT EXISTS (SELECT 1 FROM {_FIRST})")).scalar():  # noqa: S608
        op.execute(f"ALTER TABLE results ATTACH PARTITION {_FIRST} FOR VALUES FROM (MINVALUE) TO ('{boundary}')")
    else:
        op.execute(f"DROP TABLE {_FIRST}")


def _join() -> None:
    op.execute("ALTER TABLE results RENAME TO results_partitioned")
    op.execute(f"CREATE TABLE results (LIKE results_partitioned {_LIKE})")
    op.execute("INSERT INTO results SELECT * FROM results_partitioned")
    op.execute("DROP TABLE results_partitioned")
    op.execute('ALTER TABLE results ADD CONSTRAINT pk_results PRIMARY KEY (session_id, "index")')
    op.execute("ALTER TABLE results ADD CONSTRAINT uq_results_id UNIQUE (id)")
    _refer_to_sessions()
    for name, definition in _INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON results {definition}")


def _refer_to_sessions() -> None:
    op.execute(
        "ALTER TABLE results ADD CONSTRAINT fk_results_session_id_sessions "
        "FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE"
    )
