"""Keep what listings of benchmarks sort, search and show in columns

The numbers of old benchmarks come out of their summaries, which were made of their histograms; where a summary is
missing (a server that died while it wrote), out of the histograms themselves. Nothing is removed from either, so going
down loses nothing.

On SQLite the table is copied once, with its documents last: a row is a chain of pages there, and what stands behind a
histogram costs reading all of it, for each row of a listing.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.benchmarks import listed

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BATCH = 200
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_KEYED = (
    "name_key",
    "status",
    "target_key",
    "load_key",
    "requests",
    "ttft_p50_ms",
    "ttft_p95_ms",
    "tpot_p50_ms",
    "output_tokens_per_s",
    "error_rate",
    "cost_usd",
    "verdict",
    "tags_key",
)
_LAST = ("tags", "providers", "models", "error", "spec", "summary", "timeline", "histograms")


def _key(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("name_key", _key(200), server_default="", nullable=False),
        sa.Column("target_key", _key(200), server_default="", nullable=False),
        sa.Column("tags_key", _key(200), nullable=True),
        sa.Column("load_key", _key(40), server_default="", nullable=False),
        sa.Column("load_kind", sa.String(length=16), server_default="", nullable=False),
        sa.Column("search_text", sa.Text(), server_default="", nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=True),
        *(
            sa.Column(name, sa.Double(), nullable=True)
            for name in ("error_rate", "ttft_p50_ms", "ttft_p95_ms", "tpot_p50_ms", "output_tokens_per_s", "cost_usd")
        ),
        sa.Column("verdict", sa.String(length=16), nullable=True),
    ]


def upgrade() -> None:
    for column in _columns():
        op.add_column("sessions", column)
    if op.get_bind().dialect.name == "sqlite":
        small = [name for name in _names() if name not in _LAST]
        with op.batch_alter_table("sessions", recreate="always", partial_reordering=[(*small, *_LAST)]):
            pass
    _fill()
    for name in _KEYED:
        op.create_index(f"ix_sessions_{name}", "sessions", [name, "id"], unique=False)


def downgrade() -> None:
    for name in reversed(_KEYED):
        op.drop_index(f"ix_sessions_{name}", table_name="sessions")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        for column in reversed(_columns()):
            batch_op.drop_column(column.name)


def _names() -> list[str]:
    return [str(column["name"]) for column in sa.inspect(op.get_bind()).get_columns("sessions")]


def _fill() -> None:
    stored = sa.table(
        "sessions",
        sa.column("id", sa.Uuid()),
        sa.column("name", sa.String()),
        *(sa.column(name, _JSON) for name in ("tags", "providers", "models", "spec", "summary")),
        sa.column("histograms", sa.LargeBinary()),
        *(sa.column(column.name, column.type) for column in _columns()),
    )
    connection = op.get_bind()
    names = [column.name for column in _columns()]
    change = (
        sa.update(stored)
        .where(stored.c.id == sa.bindparam("row_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )
    read = sa.select(
        *(stored.c[name] for name in ("id", "name", "tags", "providers", "models", "spec", "summary")),
        sa.case((stored.c.summary.is_(None), stored.c.histograms)).label("histograms"),
    ).order_by(stored.c.id)
    last: Any = None
    while True:
        query = read if last is None else read.where(stored.c.id > last)
        rows = connection.execute(query.limit(_BATCH)).all()
        if not rows:
            return
        found = []
        for row in rows:
            summary = row.summary if isinstance(row.summary, dict) else _of_histograms(row.histograms)
            columns = (
                listed.text_columns(row.name, row.tags, row.providers, row.models)
                | listed.spec_columns(row.spec)
                | listed.figure_columns(summary)
            )
            found.append({"row_id": row.id} | {f"new_{name}": columns[name] for name in names})
        connection.execute(change, found)
        last = rows[-1].id


def _of_histograms(encoded: bytes | None) -> dict[str, Any] | None:
    if encoded is None:
        return None
    from app.stats.run_statistics import RunStatistics  # noqa: PLC0415  (rarely needed, and slow to load)
    from app.stats.summary import summarise  # noqa: PLC0415

    try:
        return summarise(RunStatistics.decode(encoded), None)
    except (ValueError, KeyError, TypeError):  # of a version that this program does not read: as if there were none
        return None
