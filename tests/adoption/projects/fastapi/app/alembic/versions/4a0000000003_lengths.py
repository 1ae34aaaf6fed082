"""a maximum length for texts"""

import sqlalchemy as sa
from alembic import op

revision = "4a0000000003"
down_revision = "4a0000000002"
branch_labels = None
depends_on = None


def upgrade():
    op.alter_column("user", "email", type_=sa.String(length=255), existing_nullable=False)
    op.alter_column("item", "title", type_=sa.String(length=255), existing_nullable=False)


def downgrade():
    op.alter_column("item", "title", type_=sa.String(), existing_nullable=False)
    op.alter_column("user", "email", type_=sa.String(), existing_nullable=False)
