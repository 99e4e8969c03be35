"""Share benchmarks and list sign-ins"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("team", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("email", sa.String(length=254), nullable=True))
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("last_used_address", sa.String(length=64), nullable=True))
    _keep_rights_of_admin_keys()
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("visibility", sa.String(length=8), server_default="private", nullable=False))
        batch_op.add_column(sa.Column("team", sa.String(length=64), nullable=True))
        batch_op.create_index("ix_sessions_shared_created", ["visibility", "team", "created_at", "id"], unique=False)
    sessions = sa.table("sessions", sa.column("owner_id"), sa.column("name"), sa.column("visibility"))
    op.execute(
        sessions.update()
        .where(sessions.c.owner_id.is_(None), sessions.c.name == "Demo: the built-in simulator")
        .values(visibility="all")
    )

    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index("ix_audit_log_action", ["action", "sequence"], unique=False)
        batch_op.create_index("ix_audit_log_actor_name", ["actor_name", "sequence"], unique=False)

    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("last_used_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
    )
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.create_index("ix_sign_ins_user_last_used", ["user_id", "last_used_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sign_ins_expires_at"), ["expires_at"], unique=False)
    # A sign-in was what its refresh tokens have in common; the address and the device were not kept.
    op.execute(
        "INSERT INTO sign_ins (id, user_id, method, address, user_agent, created_at, last_used_at, expires_at,"
        " revoked_at) SELECT family_id, user_id, 'password', '', '', min(created_at), max(created_at),"
        " max(expires_at), max(revoked_at) FROM refresh_tokens GROUP BY family_id, user_id"
    )
    with op.batch_alter_table("refresh_tokens", schema=None) as batch_op:
        batch_op.add_column(sa.Column("successor_salt", sa.String(length=32), nullable=True))
        batch_op.drop_index(batch_op.f("ix_refresh_tokens_user_id"))
        batch_op.drop_constraint(batch_op.f("fk_refresh_tokens_user_id_users"), type_="foreignkey")
        batch_op.drop_column("user_id")
        batch_op.drop_column("revoked_at")
        batch_op.create_foreign_key(
            batch_op.f("fk_refresh_tokens_family_id_sign_ins"), "sign_ins", ["family_id"], ["id"], ondelete="CASCADE"
        )


def downgrade() -> None:
    with op.batch_alter_table("refresh_tokens", schema=None) as batch_op:
        batch_op.add_column(sa.Column("user_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("revoked_at", _TIME, nullable=True))
    op.execute(
        "UPDATE refresh_tokens SET"
        " user_id = (SELECT user_id FROM sign_ins WHERE sign_ins.id = refresh_tokens.family_id),"
        " revoked_at = (SELECT revoked_at FROM sign_ins WHERE sign_ins.id = refresh_tokens.family_id)"
    )
    with op.batch_alter_table("refresh_tokens", schema=None) as batch_op:
        batch_op.alter_column("user_id", existing_type=sa.Uuid(), nullable=False)
        batch_op.drop_constraint(batch_op.f("fk_refresh_tokens_family_id_sign_ins"), type_="foreignkey")
        batch_op.create_foreign_key(
            batch_op.f("fk_refresh_tokens_user_id_users"), "users", ["user_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_index(batch_op.f("ix_refresh_tokens_user_id"), ["user_id"], unique=False)
        batch_op.drop_column("successor_salt")
    op.drop_table("sign_ins")

    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_log_actor_name")
        batch_op.drop_index("ix_audit_log_action")
    op.drop_table("audit_head")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index("ix_sessions_shared_created")
        batch_op.drop_column("team")
        batch_op.drop_column("visibility")
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_column("last_used_address")
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_column("email")
        batch_op.drop_column("team")


def _keep_rights_of_admin_keys() -> None:
    """Keys that manage users saw everybody's benchmarks by their owner's role; from now on a permission says so."""
    keys = sa.table("api_keys", sa.column("id", sa.Uuid()), sa.column("scopes", _JSON))
    connection = op.get_bind()
    for key in connection.execute(sa.select(keys.c.id, keys.c.scopes)).all():
        if "user.manage" in key.scopes:
            scopes = sorted({*key.scopes, "admin.see_all"})
            connection.execute(keys.update().where(keys.c.id == key.id).values(scopes=scopes))
