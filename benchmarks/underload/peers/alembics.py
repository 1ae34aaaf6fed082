"""Plain Alembic, and an env.py with a lock_timeout, as many teams have it."""

from importlib.metadata import version
from pathlib import Path

from benchmarks.measuring import environment
from benchmarks.projects import ALEMBIC, replaced
from benchmarks.stock import init_stock
from benchmarks.underload.peers.tool import Deploy, Tool

REVISION = '''"""{words}"""

import sqlalchemy as sa
from alembic import op

revision = "{revision:04}"
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    {body}


def downgrade() -> None:
    pass
'''
# As its tutorial and its reference of operations have them.
OPERATIONS = {
    "add-column": 'op.add_column("accounts", sa.Column("extra", sa.String(50)))',
    "add-default": 'op.add_column("accounts", sa.Column("status", sa.Integer(),'
    ' nullable=False, server_default="0"))',
    "drop-column": 'op.drop_column("accounts", "legacy")',
    "rename-column": 'op.alter_column("accounts", "nick", new_column_name="nickname")',
    "index": 'op.create_index("ix_accounts_region", "accounts", ["region"])',
    "unique": 'op.create_unique_constraint("uq_accounts_code", "accounts", ["code"])',
    "foreign-key": 'op.create_foreign_key("fk_accounts_branch_id_branches", "accounts",'
    ' "branches", ["branch_id"], ["id"])',
    "check": 'op.create_check_constraint("ck_accounts_region", "accounts", "region >= 0")',
    "not-null": 'op.alter_column("accounts", "owner", existing_type=sa.String(50), nullable=False)',
    "widen-type": 'op.alter_column("accounts", "note", type_=sa.String(100),'
    " existing_type=sa.String(50))",
}


def write_revision(versions: Path, number: int, body: str, words: str = "a change") -> None:
    """Write revision `number`, which follows the one before it; the first has number 1."""
    down = f"{number - 1:04}" if number > 1 else None
    text = REVISION.format(words=words, revision=number, down=down, body=body)
    (versions / f"{number:04}_.py").write_text(text)


class PlainAlembic(Tool):
    """`alembic init`, a URL, and `alembic upgrade head`."""

    name = "plain Alembic"
    about = "`alembic init` and `alembic upgrade head`"
    version = version("alembic")

    def install(self) -> None:
        init_stock(self.folder, self.url)
        models = self.folder / "app/models"
        models.mkdir(parents=True)
        (models / "__init__.py").touch()
        (models / "base.py").write_text(
            "from sqlalchemy.orm import DeclarativeBase\n\n\nclass Base(DeclarativeBase):\n"
            "    pass\n"
        )
        write_revision(self.folder / "alembic/versions", 1, "pass")

    def write(self, folder: Path, change: str) -> None:
        write_revision(folder / "alembic/versions", 2, OPERATIONS[change])

    def deploy(self, folder: Path) -> Deploy:
        return Deploy((*ALEMBIC, "upgrade", "head"), folder, environment())


class TimeoutAlembic(PlainAlembic):
    """The same with a lock_timeout of 4 s, set where the connection is made."""

    name = "Alembic with lock_timeout"
    about = "the same with `-c lock_timeout=4s` in `env.py`"

    def install(self) -> None:
        super().install()
        env = self.folder / "alembic/env.py"
        pool = "poolclass=pool.NullPool,"
        limits = f'{pool}\n        connect_args={{"options": "-c lock_timeout=4s"}},'
        env.write_text(replaced(env.read_text(), pool, limits))
