"""UUIDs as keys, filled by the database"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "4a0000000002"
down_revision = "4a0000000001"
branch_labels = None
depends_on = None


def upgrade():
    op.drop_constraint("item_owner_id_fkey", "item", type_="foreignkey")
    for table in ("user", "item"):
        op.add_column(
            table,
            sa.Column(
                "new_id",
                postgresql.UUID(as_uuid=True),
                server_default=sa.text("gen_random_uuid()"),
                nullable=False,
            ),
        )
    op.add_column("item", sa.Column("new_owner_id", postgresql.UUID(as_uuid=True)))
    op.execute(
        'UPDATE item SET new_owner_id = (SELECT new_id FROM "user" WHERE "user".id = item.owner_id)'
    )
    for table in ("user", "item"):
        op.drop_constraint(f"{table}_pkey", table, type_="primary")
        op.drop_column(table, "id")
        op.alter_column(table, "new_id", new_column_name="id", server_default=None)
        op.create_primary_key(f"{table}_pkey", table, ["id"])
    op.drop_column("item", "owner_id")
    op.alter_column("item", "new_owner_id", new_column_name="owner_id", nullable=False)
    op.create_foreign_key(
        "item_owner_id_fkey", "item", "user", ["owner_id"], ["id"], ondelete="CASCADE"
    )


def downgrade():
    raise NotImplementedError("the numbers are gone")
