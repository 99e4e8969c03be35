"""Find the results of a level of load by index on SQLite too

PostgreSQL has had this index since 0007. Without it the page of one level reads every result of its benchmark: 0.8 s
where there are a million.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_POINT = "json_extract(metadata, '$.\"point\"')"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f'CREATE INDEX ix_results_session_point ON results (session_id, {_POINT}, "index") '
            f"WHERE {_POINT} IS NOT NULL"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP INDEX ix_results_session_point")
