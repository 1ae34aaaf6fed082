"""orders, in a revision that commits by itself"""

import sqlalchemy as sa
from alembic import op

revision = "1a0000000002"
down_revision = "1a0000000001"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False),
        sa.Column("amount", sa.Numeric(10, 2), nullable=False),
    )
    op.get_bind().commit()
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_orders_customer_id", "orders", ["customer_id"], postgresql_concurrently=True
        )


def downgrade():
    op.drop_table("orders")
