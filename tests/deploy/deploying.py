"""Deploys as processes, and what a test does around them: revisions, waiting, looking."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.conftest import Process, Renderer, Rendering

COMMAND = (".venv/bin/python", "-m", "migrator", "-c", "alembic_prod.ini")
REVISION = '''"""{name}"""

from alembic import op

revision = "{name}"
down_revision = {before!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    {downgrade}
'''
# As migrator/locks.py makes it, written down so that it cannot change unseen: two versions of the
# code that disagree about it would deploy side by side.
KEY = "hashtextextended('migrate/public/alembic_version', 0)"
PATIENCE = 60  # seconds until a test gives up, on a machine that is busy
DATABASE = "deployed"
SERVERS: dict[Path, str] = {}


def execute(statement: str) -> str:
    """A step of a revision: `statement` in the revision's transaction."""
    return f"op.execute({statement!r})"


def alone(statement: str) -> str:
    """A step of a revision: `statement` outside the transaction."""
    return f"with op.get_context().autocommit_block():\n        op.execute({statement!r})"


def steps(*parts: str) -> str:
    """One revision of several steps."""
    return "\n    ".join(parts)


# A step that stops until a test lets go of the lock: see Stage.stopping.
STOP = execute("SELECT pg_advisory_xact_lock(1)")
STOPPED = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND NOT granted"


def pausing(folder: Path) -> str:
    """A step of the last revision, after whose commit the deploy waits: see until_paused."""
    return steps(
        "import pathlib, time, sqlalchemy",
        "def wait(*_):",
        f"    pathlib.Path({str(folder)!r}, 'paused').touch()",
        f"    while not pathlib.Path({str(folder)!r}, 'go on').exists():",
        "        time.sleep(0.02)",
        "sqlalchemy.event.listen(op.get_bind().engine, 'close', wait)",
    )


def until_paused(folder: Path, deploy: Deploy) -> None:
    """Waits until everything is applied and nothing is verified yet."""
    deadline = time.monotonic() + PATIENCE
    while not (folder / "paused").exists():
        assert deploy.process.poll() is None, deploy.process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def go_on(folder: Path) -> None:
    """Lets a deploy that has paused go on, and others after it too."""
    (folder / "go on").touch()


@dataclass
class Deploy:
    """A deploy that runs; `output` is everything that it said, when it has ended."""

    process: Process
    output: str = ""

    def end(self, code: int = 0) -> str:
        """Waits until it ends, with this exit code, and returns what it said."""
        said, errors = self.process.communicate(timeout=PATIENCE)
        self.output = said + (errors or "")
        assert self.process.returncode == code, self.output
        assert "Traceback" not in self.output, self.output
        return self.output

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """Ends it without a chance to say or clean up anything."""
        self.process.kill()
        self.process.communicate()

    def until_it_says(self, text: str) -> None:
        """Waits for a line with `text`; only before `end`, which then returns what follows."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return
        raise AssertionError(f"ended without {text!r}: {self.output}")


@dataclass
class Stage:
    """A project with a server; its history and its database last for one test."""

    project: Rendering
    server: str
    url: str
    files: list[Path] = field(default_factory=list)

    def history(self, *revisions: str, first: str | None = None, downgrade: str = "pass") -> None:
        """Writes revisions step1, step2 and so on, after the revision `first`, in place of all."""
        for path in self.files:
            path.unlink()
        self.files.clear()
        before = first
        for number, upgrade in enumerate(revisions, start=1):
            name = f"step{number}"
            self.write(
                name,
                REVISION.format(name=name, before=before, upgrade=upgrade, downgrade=downgrade),
            )
            before = name

    def write(self, name: str, text: str) -> Path:
        """Writes one revision file; it goes when the test ends."""
        # Never twice the same path: Python takes a file of the same size and second for the old.
        path = self.project.path / f"migrations/versions/{time.monotonic_ns()}_{name}.py"
        path.write_text(text, encoding="utf-8")
        self.files.append(path)
        return path

    def begin(self, *statements: str, at: str = "step1") -> None:
        """Brings the empty database to a revision, without a deploy."""
        with self.connect() as connection:
            connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
            connection.execute("INSERT INTO alembic_version VALUES (%s)", [at])
            for statement in statements:
                connection.execute(statement)

    def start(self, *arguments: str, command: str = "deploy", **variables: str) -> Deploy:
        """Starts a deploy; with --json, stderr is read apart from stdout.

        Args:
            command: another command of the migrator.
            variables: of the environment, added to it.
        """
        # What these tests' revisions do is not in the models, and not always what one should do.
        usual = {"MIGRATOR_DRIFT": "false", "MIGRATOR_BACKUP": "false", "DATABASE_URL": self.url}
        lint = ["--no-lint"] if command == "deploy" else []
        return Deploy(
            self.project.start(
                [*COMMAND, command, *lint, *arguments],
                env=usual | variables,
                together="--json" not in arguments,
            )
        )

    def run(self, *arguments: str, code: int = 0, **more: Any) -> str:
        """Runs a deploy to its end, and returns what it said."""
        return self.start(*arguments, **more).end(code)

    def lines(self, *arguments: str, code: int = 0, **more: Any) -> list[dict[str, Any]]:
        """Runs a deploy with --json; the last line says how it ended."""
        deploy = self.start("--json", *arguments, **more)
        said, _ = deploy.process.communicate(timeout=PATIENCE)
        lines = [json.loads(line) for line in said.splitlines()]
        assert deploy.process.returncode == code, said
        assert (lines[-1]["step"], lines[-1]["exit_code"]) == ("end", code)
        return lines

    def connect(self, **more: Any) -> psycopg.Connection:
        """Another session in the database, in autocommit mode."""
        return psycopg.connect(self.url, autocommit=True, **more)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows that `query` gives, in a session of its own."""
        with self.connect() as connection:
            return connection.execute(query).fetchall()

    @property
    def at(self) -> str:
        """The revision that the database is at; empty if none."""
        if self.ask("SELECT to_regclass('alembic_version')") == [(None,)]:
            return ""
        return ", ".join(row[0] for row in self.ask("SELECT version_num FROM alembic_version"))

    @contextmanager
    def holding(self, *statements: str, **more: Any) -> Iterator[psycopg.Connection]:
        """A session whose transaction stays open after `statements`, until the end."""
        with self.connect(**more) as connection:
            connection.execute("BEGIN")
            for statement in statements:
                connection.execute(statement)
            yield connection

    @contextmanager
    def stopping(self) -> Iterator[psycopg.Connection]:
        """A session that keeps STOP waiting, without a transaction that the gate would see."""
        with self.connect() as connection:
            connection.execute("SELECT pg_advisory_lock(1)")
            yield connection

    def until(self, query: str, deploy: Deploy | None = None) -> tuple[Any, ...]:
        """Waits until `query` gives a row, which it returns, while `deploy` runs."""
        deadline = time.monotonic() + PATIENCE
        with self.connect() as connection:
            while (row := connection.execute(query).fetchone()) is None:
                if deploy and deploy.process.poll() is not None:
                    raise AssertionError(deploy.process.communicate()[0])
                assert time.monotonic() < deadline, connection.execute(
                    "SELECT pid, application_name, state, wait_event, query FROM pg_stat_activity"
                ).fetchall()
                time.sleep(0.03)
            return row

    def until_quiet(self) -> None:
        """Waits until nothing of a deploy is left: no session, nobody in a queue, no lock."""
        self.until(
            "SELECT WHERE NOT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'migrate%')"
            " AND NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
            " AND NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory'"
            " AND objid <> 1)"
        )


def prepare(renderer: Renderer) -> Rendering:
    """A new project with a running server and no revision."""
    project = renderer.lasting(renderer.ready())
    for path in (project.path / "migrations/versions").glob("*.py"):
        path.unlink()
    SERVERS[project.path] = renderer.serve(project)
    return project


def server_of(project: Rendering) -> str:
    """The URL of the project's server, started if it is down."""
    return project.database_url()


def renamed(url: str, database: str) -> str:
    """The URL of another database of the same server."""
    return f"{url.rpartition('/')[0]}/{database}"


@contextmanager
def staged(project: Rendering) -> Iterator[Stage]:
    """A stage for one test."""
    server = SERVERS[project.path]
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
    stage = Stage(project, server, renamed(server, DATABASE))
    try:
        yield stage
    finally:
        for path in stage.files:
            path.unlink(missing_ok=True)
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
