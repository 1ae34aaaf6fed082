"""orders have a currency"""

import sqlalchemy as sa
from alembic import op

from shop.settings import CURRENCIES

revision = "1a0000000003"
down_revision = "1a0000000002"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "orders",
        sa.Column("currency", sa.String(3), nullable=False, server_default=CURRENCIES[0]),
    )
    op.alter_column("orders", "currency", server_default=None)


def downgrade():
    op.drop_column("orders", "currency")
