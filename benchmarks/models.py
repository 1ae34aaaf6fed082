"""Models and revisions in any number, the same ones for both sides."""

from pathlib import Path

MODEL = '''"""Things of kind {number}."""

from decimal import Decimal

from sqlalchemy import ForeignKey, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, PrimaryKey, ShortText, Timestamps


class {name}(Timestamps, Base):
    """Something that belongs to something else."""

    __tablename__ = "{table}"

    id: Mapped[PrimaryKey]
    code: Mapped[ShortText] = mapped_column(unique=True)
    price: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("{owner}.id"), index=True)
'''
NEW_COLUMN = "    added: Mapped[int | None]\n"

REVISION = '''"""{message}

Revision ID: {revision}
Revises: {before}
Create Date: 2026-11-22 09:00:00+00:00
"""

import sqlalchemy as sa
from alembic import op

revision: str = {revision!r}
down_revision: str | None = {before!r}
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down}
'''
TABLE = """op.create_table(
        {table!r},
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_{table}"),
        sa.UniqueConstraint("code", name="uq_{table}_code"),
    )"""


def write_models(folder: Path, count: int) -> None:
    """Write `count` modules with one table each into the package `folder`."""
    for number in range(1, count + 1):
        text = MODEL.format(
            number=number,
            name=f"Thing{number:04}",
            table=_table(number),
            owner=_table(max(1, number // 10)),
        )
        (folder / f"{_table(number)}.py").write_text(text, encoding="utf-8")


def change_model(folder: Path) -> None:
    """Add a column to the first model of `write_models`."""
    path = folder / f"{_table(1)}.py"
    path.write_text(path.read_text(encoding="utf-8") + NEW_COLUMN, encoding="utf-8")


def write_revisions(folder: Path, count: int) -> None:
    """Write a history of `count` revisions: one makes a table, the next adds a column to it."""
    for number in range(1, count + 1):
        table = _table((number + 1) // 2)
        add = f'op.add_column({table!r}, sa.Column("name", sa.String(200)))'
        creates = number % 2 == 1
        text = REVISION.format(
            message=f"{'create' if creates else 'extend'} {table}",
            revision=f"{number:012x}",
            before=f"{number - 1:012x}" if number > 1 else None,
            up=TABLE.format(table=table) if creates else add,
            down=f"op.drop_table({table!r})" if creates else f'op.drop_column({table!r}, "name")',
        )
        (folder / f"{number:012x}_{table}.py").write_text(text, encoding="utf-8")


def _table(number: int) -> str:
    return f"thing_{number:04}"
