"""A project with revisions of the lock-safe operations, and a database with rows for them."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from migrator.devserver import binaries
from tests.conftest import Process, Renderer, Rendering

REVISION = '''"""{name}"""

import sqlalchemy as sa
from migrator.operations import op

revision = "{name}"
down_revision = "{before}"
branch_labels = None
depends_on = None
phase = "expand"
transactional = False


def upgrade() -> None:
{upgrade}


def downgrade() -> None:
{downgrade}
'''
ROWS = """
op.execute('''
CREATE TABLE events (id bigint NOT NULL, day int NOT NULL, what text, team bigint)
PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (1) TO (11);
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (11) TO (21) PARTITION BY LIST (day);
CREATE SCHEMA "Old Ones";
CREATE TABLE "Old Ones"."Some %" PARTITION OF events_2 FOR VALUES IN (11, 12, 13, 14, 15);
CREATE TABLE events_2_rest PARTITION OF events_2 DEFAULT;
INSERT INTO events SELECT n, 1 + n % 20, 'event ' || n FROM generate_series(1, 2000) n
''')
op.execute("INSERT INTO teams (id, name) SELECT n, 'team ' || n FROM generate_series(1, 10) n")
op.add_column("users", sa.Column("nick", sa.Text()))
op.add_column("users", sa.Column("age", sa.Integer()))
op.add_column("users", sa.Column("boss", sa.BigInteger()))
op.execute(
    "INSERT INTO users (id, email, name, age, boss)"
    " SELECT n, n || '@example.org', 'user ' || n, n % 90, 1 FROM generate_series(1, 2500) n"
)
"""
# Runs in the project: builds the same database again and again, and kills the upgrade before the
# first, second, third ... change that it makes outside a transaction, until there is none left.
KILLER = """
import os, re, signal, subprocess, sys
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

server, dump, left, always = sa.make_url(sys.argv[1]), *sys.argv[2:]
admin = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

def upgrade(name, stop=None):
    engine = sa.create_engine(server.set(database=name), poolclass=sa.NullPool)
    config = Config("alembic.ini")
    config.attributes["connection"] = engine
    seen = 0
    @sa.event.listens_for(engine, "before_cursor_execute")
    def count(connection, cursor, statement, *_):
        nonlocal seen
        looks = re.match("SELECT|SHOW|SET", statement)
        seen += cursor.connection.autocommit and not looks
        if seen == stop:
            os.kill(os.getpid(), signal.SIGKILL)
    command.upgrade(config, "head")

def child(*arguments):
    if not (pid := os.fork()):
        upgrade(*arguments)
        sys.stdout.flush()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def schema(name):
    url = server.set(database=name, drivername="postgresql")
    command = [dump, "--schema-only", url.render_as_string(hide_password=False)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if "restrict" not in line]

def fresh(name):
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE filled"))

fresh("whole")
assert child("whole") == 0
wanted, stop = schema("whole"), 0
while True:
    stop += 1
    fresh("killed")
    if child("killed", stop) == 0:
        break
    engine = sa.create_engine(server.set(database="killed"), poolclass=sa.NullPool)
    with engine.connect() as own:
        assert own.scalar(sa.text(always)), stop
    assert child("killed") == 0, stop
    assert schema("killed") == wanted, stop
    with engine.connect() as own:
        assert own.scalar(sa.text(left)) == 0, stop
print("killed", stop - 1)
"""


class Project:
    """A rendering with a server, and revisions that a test adds after `rows`."""

    def __init__(self, rendering: Rendering, server: str) -> None:
        self.rendering = rendering
        self.versions = rendering.path / "migrations/versions"
        self.server = server
        self.programs = binaries()

    def write(self, upgrade: str, downgrade: str = "", name: str = "step") -> None:
        before = "5f2c81d0a7e4" if name == "rows" else "rows"
        text = REVISION.format(
            name=name, before=before, upgrade=indent(upgrade), downgrade=indent(downgrade)
        )
        (self.versions / f"{name}.py").write_text(text, "utf-8")
        # Python takes a file of the same size and second for the old one.
        for compiled in self.versions.glob(f"__pycache__/{name}.*"):
            compiled.unlink()

    def start(self, url: str, **env: str) -> Process:
        return self.rendering.start(
            [".venv/bin/alembic", "upgrade", "head"],
            env={"DATABASE_URL": url, **env},
            together=True,
        )

    def alembic(self, url: str, goal: str = "upgrade head", code: int = 0, **env: str) -> str:
        done = self.rendering.run(f".venv/bin/alembic {goal}", env={"DATABASE_URL": url, **env})
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def killed_everywhere(self, left: str, always: str = "SELECT true") -> int:
        """Kill the upgrade before each of its statements, and run it again; return how many.

        Args:
            left: a query that returns how many rows were not done in the end.
            always: a query that is true after each kill.
        """
        (self.rendering.path / "killer.py").write_text(KILLER, "utf-8")
        server = self.server.replace("postgresql:", "postgresql+psycopg:")
        dump = self.programs / "pg_dump"
        arguments = shlex.join([server, str(dump), left, always])
        done = self.rendering.run(f".venv/bin/python killer.py {arguments}")
        assert done.returncode == 0, done.stdout + done.stderr
        killed = re.search(r"killed (\d+)", done.stdout)
        assert killed
        return int(killed[1])

    def psql(self, url: str) -> None:
        """Run the SQL of `alembic upgrade rows:head --sql`."""
        goal = ".venv/bin/alembic upgrade rows:head --sql"
        written = self.rendering.run(goal, env={"DATABASE_URL": url})
        assert written.returncode == 0, written.stderr
        done = subprocess.run(
            [self.programs / "psql", "-v", "ON_ERROR_STOP=1", "-q", url],
            input=written.stdout,
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr

    def dump(self, url: str) -> list[str]:
        done = subprocess.run(
            [self.programs / "pg_dump", "--schema-only", url],
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return [line for line in done.stdout.splitlines() if "restrict" not in line]


def indent(code: str) -> str:
    return "\n".join("    " + line for line in (code.strip() or "pass").splitlines())


def prepared(renderer: Renderer) -> Project:
    """With the database `filled`, at the revision `rows`, to be copied for each test."""
    rendering = renderer.lasting(renderer.ready())
    project = Project(rendering, renderer.serve(rendering))
    project.write(ROWS, name="rows")
    with psycopg.connect(project.server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE filled")
    project.alembic(project.server.rpartition("/")[0] + "/filled")
    return project


@contextmanager
def copied(project: Project) -> Iterator[str]:
    """The address of a copy of the database `filled`."""
    with psycopg.connect(project.server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE copied TEMPLATE filled")
        yield project.server.rpartition("/")[0] + "/copied"
        connection.execute("DROP DATABASE copied WITH (FORCE)")
    (project.versions / "step.py").unlink(missing_ok=True)
