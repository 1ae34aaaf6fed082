"""tags of customers"""

import sqlalchemy as sa
from alembic import op

revision = "3a0000000002"
down_revision = "3a0000000001"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "tags",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"]),
        sa.PrimaryKeyConstraint("customer_id", "tag"),
    )


def downgrade():
    op.drop_table("tags")
