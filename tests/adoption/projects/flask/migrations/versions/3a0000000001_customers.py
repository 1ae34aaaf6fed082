"""customers, with a row that the application's settings name"""

import sqlalchemy as sa
from alembic import op
from flask import current_app

revision = "3a0000000001"
down_revision = None
branch_labels = None
depends_on = None

FIRST = current_app.config["FIRST_CUSTOMER"]


def upgrade():
    customers = op.create_table(
        "customers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.bulk_insert(customers, [{"name": FIRST}])


def downgrade():
    op.drop_table("customers")
