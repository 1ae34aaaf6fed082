"""The models of our side. They agree with the database, or a deploy could not verify it."""

from benchmarks.projects import replaced

MODELS = '''"""Accounts and their branches."""

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Branch(Base):
    __tablename__ = "branches"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(50))


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    balance: Mapped[int] = mapped_column(Integer)
    branch_id: Mapped[int] = mapped_column(Integer)
    region: Mapped[int | None] = mapped_column(Integer)
    code: Mapped[str | None] = mapped_column(String(20))
    owner: Mapped[str | None] = mapped_column(String(50))
    note: Mapped[str | None] = mapped_column(String(50))
    nick: Mapped[str | None] = mapped_column(String(50))
    legacy: Mapped[str | None] = mapped_column(String(50))
'''
# A change in the models, which is the same as that of the revisions: what was, and what is.
CHANGES = {
    "add-column": (
        "    legacy:",
        "    extra: Mapped[str | None] = mapped_column(String(50))\n    legacy:",
    ),
    "add-default": (
        "    legacy:",
        '    status: Mapped[int] = mapped_column(Integer, server_default="0")\n    legacy:',
    ),
    "drop-column": ("    legacy: Mapped[str | None] = mapped_column(String(50))\n", ""),
    "rename-column": ("    nick:", "    nickname:"),
    "index": (
        "region: Mapped[int | None] = mapped_column(Integer)",
        "region: Mapped[int | None] = mapped_column(Integer, index=True)",
    ),
    "unique": (
        "code: Mapped[str | None] = mapped_column(String(20))",
        "code: Mapped[str | None] = mapped_column(String(20), unique=True)",
    ),
    "foreign-key": (
        "branch_id: Mapped[int] = mapped_column(Integer)",
        'branch_id: Mapped[int] = mapped_column(Integer, ForeignKey("branches.id"))',
    ),
    "check": (
        '    __tablename__ = "accounts"\n',
        '    __tablename__ = "accounts"\n'
        '    __table_args__ = (CheckConstraint("region >= 0", name="region"),)\n',
    ),
    "not-null": ("owner: Mapped[str | None]", "owner: Mapped[str]"),
    "widen-type": (
        "note: Mapped[str | None] = mapped_column(String(50))",
        "note: Mapped[str | None] = mapped_column(String(100))",
    ),
    "new-not-null": (
        "    legacy:",
        "    stars: Mapped[int] = mapped_column(Integer, default=3)\n    legacy:",
    ),
    "volatile-default": (
        "    legacy:",
        '    token: Mapped[str] = mapped_column(Uuid, server_default=text("gen_random_uuid()"))\n'
        "    legacy:",
    ),
}


def models(change: str | None = None) -> str:
    """Return the module of the models, before or after a change."""
    return replaced(MODELS, *CHANGES[change]) if change else MODELS
