"""rows that are always there"""

from alembic import op

revision = "2a0000000002"
down_revision = "2a0000000001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("INSERT INTO customers (name) VALUES ('the shop itself')")


def downgrade() -> None:
    op.execute("DELETE FROM customers WHERE name = 'the shop itself'")
