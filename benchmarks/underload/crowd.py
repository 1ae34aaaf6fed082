"""Three replicas start at once and all deploy a history with CREATE INDEX CONCURRENTLY."""

import subprocess
from collections.abc import Callable
from functools import partial

import psycopg

from benchmarks.tables import Table
from benchmarks.underload.peers.alembics import PlainAlembic, write_revision
from benchmarks.underload.peers.ours import Ours
from benchmarks.underload.peers.tool import Deploy, Tool
from benchmarks.workshop import Workshop

DEPLOYERS, ROUNDS = 3, 5
NAME = "crowd"
TABLE = (
    'op.execute("CREATE TABLE things AS SELECT i AS id, i % 1000 AS kind'
    ' FROM generate_series(1, 300000) i")\n'
    '    op.execute("ALTER TABLE things ALTER kind SET NOT NULL,'
    ' ADD CONSTRAINT pk_things PRIMARY KEY (id)")'
)
MODEL = '''"""Things."""

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Thing(Base):
    __tablename__ = "things"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[int] = mapped_column(Integer, index=True)
'''
INDEX = (
    "with op.get_context().autocommit_block():\n"
    '        op.create_index("ix_things_kind", "things", ["kind"], postgresql_concurrently=True)'
)
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_things_kind')"


def three_deployers(workshop: Workshop) -> Table:
    """How many of three deployers succeed, and whether the index is valid in the end."""
    table = Table(
        f"{DEPLOYERS} deployers at once, a history with CREATE INDEX CONCURRENTLY",
        f"sums of {ROUNDS} rounds: deployers that ended with exit code 0, rounds in which all did,"
        " rounds after which the index was there and valid",
        ("tool", "exit code 0", "all of them", "index valid"),
    )
    url = workshop.database(NAME)
    folder = workshop.folder / NAME
    # Both with the same revisions.
    sides: tuple[tuple[Tool, str], ...] = (
        (PlainAlembic(folder, url), "alembic/versions"),
        (Ours(folder, url, workshop.template), "migrations/versions"),
    )
    folder.mkdir()
    for tool, versions in sides:
        tool.install()
        (tool.folder / "app/models/account.py").write_text(MODEL)
        write_revision(tool.folder / versions, 2, TABLE)
        write_revision(tool.folder / versions, 3, INDEX)
        codes = [_round(tool, partial(workshop.database, NAME)) for _ in range(ROUNDS)]
        ended = sum(code == 0 for found, _ in codes for code in found)
        together = sum(not any(found) for found, _ in codes)
        valid = sum(valid for _, valid in codes)
        cells = (f"{ended} of {ROUNDS * DEPLOYERS}", f"{together} of {ROUNDS}")
        table.rows.append((tool.name, *cells, f"{valid} of {ROUNDS}"))
    return table


def _round(tool: Tool, empty: Callable[[], str]) -> tuple[list[int], bool]:
    url = empty().replace("+psycopg", "")
    processes = [_start(tool.deploy(tool.folder)) for _ in range(DEPLOYERS)]
    codes = [process.wait() for process in processes]
    with psycopg.connect(url) as connection:
        return codes, connection.execute(VALID).fetchone() == (True,)


def _start(deploy: Deploy) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        deploy.command,
        cwd=deploy.folder,
        env=deploy.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
