"""customers, orders and a function"""

import sqlalchemy as sa
from alembic import op

from shop.functions import WITH_TAX

revision = "2a0000000001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("orders_by_amount", "orders", ["amount"])
    op.create_entity(WITH_TAX)


def downgrade() -> None:
    op.drop_entity(WITH_TAX)
    op.drop_table("orders")
    op.drop_table("customers")
