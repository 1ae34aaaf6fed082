"""Changes of models in one process: written, applied, reverted, and compared by their catalogs.

A small project of its own, on a database of its own, whose commands are called as the command line
calls them. That is not what a user sees (see test_safe_autogenerate.py for that), but a change
takes half a second, so that hundreds can be tried.
"""

from __future__ import annotations

import io
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.pool import NullPool

from migrator import catalog, cli
from migrator.catalog import Difference, Schema
from migrator.config import models
from tests.conftest import REPOSITORY, TEMPLATE_FOLDER

TEMPLATE = REPOSITORY / TEMPLATE_FOLDER
# What Alembic detects is logged, as in the template's file.
INI = (TEMPLATE / "alembic.ini").read_text("utf-8")
LOGGING = INI[INI.index("[loggers]") :]
# Alembic's and ours, which no model describes.
OUR_TABLES = ("alembic_version", "migration_log")
HEAD = '''"""Models of a test."""

import datetime
import decimal
import enum
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy import *
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import *
from sqlalchemy.orm import *

from made.base import Base, PrimaryKey

'''
TABLE = """
class T(Base):
    __tablename__ = "t"
    {arguments}
    id: Mapped[PrimaryKey]
    a: Mapped[int | None]
    b: Mapped[str | None] = mapped_column(String(50))
    {columns}

{rest}
"""
ROWS = """
INSERT INTO t (a, b) SELECT CASE WHEN g % 7 = 0 THEN NULL ELSE g % 10 END,
                            CASE WHEN g % 5 = 0 THEN NULL ELSE 'v' || (g % 50) END
FROM generate_series(1, 1000) g
"""

# The same for SQLite.
SQLITE_ROWS = ROWS.replace("generate_series(1, 1000) g", "numbers").replace(
    "INSERT INTO t (a, b)",
    """
WITH RECURSIVE numbers (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM numbers WHERE g < 1000)
INSERT INTO t (a, b)""",
)


def table(columns: str = "", arguments: str = "", rest: str = "") -> str:
    """The models of shared/cases: class T with more columns, `__table_args__` and what follows it.

    Args:
        columns: lines of the class; several are separated by newlines, without indentation.
        arguments: the value of `__table_args__`.
        rest: lines of the module after the class.
    """
    lines = "\n    ".join(columns.splitlines())
    args = f"__table_args__ = {arguments}" if arguments else ""
    return HEAD + TABLE.format(arguments=args, columns=lines, rest=rest)


@dataclass
class Done:
    """What a command gave: its exit code, and all that it printed."""

    code: int
    output: str


@dataclass
class Workshop:
    """A project in `folder` with the database `url`; `server` is where others can be made."""

    folder: Path
    server: sa.URL
    url: sa.URL
    number: int = 0
    written: list[Path] = field(default_factory=list)
    has_second: bool = False

    def models(self, text: str) -> None:
        """Replace the models. (A module of a new name each time: bytecode is known by seconds.)"""
        for old in (self.folder / "made").glob("models_*.py"):
            old.unlink()
        self.number += 1
        (self.folder / f"made/models_{self.number}.py").write_text(text, "utf-8")

    def migrator(self, *arguments: str) -> Done:
        """Call a command of `python -m migrator`."""
        self.forget()
        said, path = io.StringIO(), list(sys.path)
        with redirect_stdout(said), redirect_stderr(said):
            try:
                code = cli.main(["-c", str(self.folder / "alembic.ini"), *arguments])
            except SystemExit as error:
                code = error.code if isinstance(error.code, int) else 1
            finally:
                sys.path[:] = path  # Alembic adds the folder again with each command
        return Done(code, said.getvalue())

    def revise(self, **asked: str) -> Done:
        """Write revisions for the change; `drop=` and `rewrite=` as for make."""
        before = set(self.files())
        options = [f"--{name}={value}" for name, value in asked.items()]
        done = self.migrator("revision", "-m", "step", *options)
        self.written = [each for each in self.files() if each not in before]
        return done

    def files(self) -> list[Path]:
        """The revisions, in the order of their chain."""
        found = {}
        for path in (self.folder / "migrations/versions").glob("*.py"):
            text = path.read_text("utf-8")
            own = re.findall(r"^revision: str = ['\"](\w+)", text, re.M)[0]
            before = re.findall(r"^down_revision: .* = ['\"](\w+)", text, re.M)
            found[own] = (before[0] if before else "", path)
        chain: list[Path] = []
        at = ""
        while following := [own for own, (before, _) in found.items() if before == at]:
            at = following[0]
            chain.append(found[at][1])
        return chain

    def texts(self) -> str:
        """What `revise` has written, whole."""
        return "\n".join(path.read_text("utf-8") for path in self.written)

    def upgrade(self, to: str = "head") -> None:
        """As `alembic upgrade`."""
        self.forget()
        command.upgrade(self.config(), to)

    def downgrade(self, to: str = "") -> None:
        """As `alembic downgrade`: to what was there before `revise`, if nothing is named."""
        self.forget()
        command.downgrade(self.config(), to or f"-{len(self.written)}")

    def config(self) -> Config:
        return Config(str(self.folder / "alembic.ini"))

    def forget(self) -> None:
        """Forget the imported models, as a new process has not imported any."""
        for name in [each for each in sys.modules if each.split(".")[0] == "made"]:
            del sys.modules[name]

    def run(self, sql: str) -> list[tuple[object, ...]]:
        """Run SQL on the database, committed."""
        with self.connect() as connection:
            result = connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
            found = [tuple(row) for row in result] if result.returns_rows else []
            connection.commit()
            return found

    def script(self, sql: str) -> None:
        """Run several statements on SQLite, committed."""
        with closing(sqlite3.connect(str(self.url.database))) as connection:
            connection.executescript(sql)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        engine = sa.create_engine(self.url, poolclass=NullPool)
        with engine.connect() as connection:
            yield connection

    def schema(self) -> Schema:
        """The catalog of the database."""
        with self.connect() as connection:
            return catalog.read(connection, OUR_TABLES)

    def built(self, before: str = "") -> Schema:
        """The catalog that `metadata.create_all` makes of the models on an empty database.

        Args:
            before: SQL to run first, for an extension or a schema.
        """
        self.forget()
        base = import_module("made.base")

        models.import_models(self.config())
        metadata: sa.MetaData = base.Base.metadata
        with self.second() as url:
            postgresql = url.get_backend_name() == "postgresql"
            # Some indexes are built concurrently, which no transaction allows.
            how = {"isolation_level": "AUTOCOMMIT"} if postgresql else {}
            engine = sa.create_engine(url, poolclass=NullPool, **how)
            with engine.begin() as connection:
                for each in (*metadata.tables.values(), *metadata._objects):
                    if each.schema and postgresql:
                        connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{each.schema}"')
                if before:
                    connection.exec_driver_sql(before)
                metadata.create_all(connection)
            with sa.create_engine(url, poolclass=NullPool).connect() as connection:
                return catalog.read(connection, OUR_TABLES)

    @contextmanager
    def second(self) -> Iterator[sa.URL]:
        """Another database, which is empty."""
        url = self.url.set(database=f"{self.url.database}_built")
        if not self.has_second:
            drop(self.server, url)
            create(self.server, url)
            self.has_second = True
        empty(url)
        yield url

    def close(self) -> None:
        """Drop the databases."""
        for name in (self.url.database, f"{self.url.database}_built"):
            drop(self.server, self.url.set(database=name))

    def differences(self, before: str = "") -> list[Difference]:
        """What differs between the database and what the models build."""
        return catalog.diff(self.schema(), self.built(before))

    def reset(self) -> None:
        """Remove the revisions and everything in the database."""
        for path in (self.folder / "migrations/versions").glob("*.py"):
            path.unlink()
        self.written = []
        empty(self.url)


def empty(url: sa.URL) -> None:
    """Remove everything from a database, which costs less than a new one."""
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).unlink(missing_ok=True)
        return
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        schemas = sa.inspect(connection).get_schema_names()
        for schema in set(schemas) - {"information_schema"}:
            connection.exec_driver_sql(f'DROP SCHEMA "{schema}" CASCADE')
        connection.exec_driver_sql("CREATE SCHEMA public")


def create(server: sa.URL, url: sa.URL) -> None:
    if url.get_backend_name() == "sqlite":
        return
    with admin(server) as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{url.database}" TEMPLATE template0')


def drop(server: sa.URL, url: sa.URL) -> None:
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).unlink(missing_ok=True)
        return
    with admin(server) as connection:
        connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)')


@contextmanager
def admin(server: sa.URL) -> Iterator[sa.Connection]:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def workshop(folder: Path, server: sa.URL, name: str) -> Workshop:
    """Make a project.

    Args:
        folder: an empty one.
        server: a PostgreSQL, as the URL of a database to connect to; or `sqlite://`.
        name: of the database.
    """
    (folder / "made").mkdir(parents=True)
    (folder / "made/__init__.py").touch()
    shutil.copy(TEMPLATE / "app/models/base.py", folder / "made/base.py")
    (folder / "migrations/versions").mkdir(parents=True)
    for each in ("env.py", "script.py.mako"):
        shutil.copy(TEMPLATE / "migrations" / each, folder / "migrations" / each)
    sqlite = server.get_backend_name() == "sqlite"
    url = server.set(database=str(folder / f"{name}.db") if sqlite else name)
    shown = url.render_as_string(hide_password=False).replace("%", "%%")
    (folder / "alembic.ini").write_text(
        "[alembic]\n"
        "script_location = %(here)s/migrations\n"
        "prepend_sys_path = %(here)s\n"
        "path_separator = os\n"
        f"sqlalchemy.url = {shown}\n"
        "autoimport_models = made\n"
        "autoimport_base = made.base:Base\n"
        "lock_safe = true\n" + LOGGING,
        "utf-8",
    )
    made = Workshop(folder, server, url)
    drop(server, url)
    create(server, url)
    return made


@dataclass
class Change:
    """One change of the models, and what the right result is.

    `asked` is what is named for `make revision` (`drop=`, `rewrite=`); `setup` is SQL for the
    database before anything, and for the one that the models are built in; `rows` is SQL
    between the first migration and the change.
    """

    before: str
    after: str
    asked: dict[str, str] = field(default_factory=dict)
    setup: str = ""
    rows: str = ROWS


def prove(project: Workshop, change: Change) -> None:
    """Assert that a change is written and right: both ways, by the catalogs, with all rows there.

    After the upgrade the catalog equals that of create_all; after the downgrade, that of before;
    a second upgrade gives the same.
    """
    project.reset()
    if change.setup:
        project.run(change.setup)
    project.models(change.before)
    done = project.revise()
    assert done.code == 0, done.output
    project.upgrade()
    assert project.differences(change.setup) == []
    if change.rows and project.url.get_backend_name() == "sqlite":
        project.script(SQLITE_ROWS if change.rows == ROWS else change.rows)
    elif change.rows:
        project.run(change.rows)
    before, rows = project.schema(), counted(project)
    project.models(change.after)
    done = project.revise(**change.asked)
    assert done.code == 0, done.output
    assert project.written, done.output
    project.upgrade()
    assert project.differences(change.setup) == [], project.texts()
    if not change.asked.get("drop"):
        assert counted(project).items() >= rows.items()
    after = project.schema()
    project.downgrade()
    assert without_new_values(catalog.diff(before, project.schema())) == [], project.texts()
    project.upgrade()
    assert catalog.diff(after, project.schema()) == [], project.texts()
    written = project.texts()
    done = project.revise()
    assert (done.code, project.written) == (0, []), done.output + written


def without_new_values(found: list[Difference]) -> list[Difference]:
    """Leave out values that an enum type has got: PostgreSQL cannot take them back."""
    return [
        each
        for each in found
        if (each.key.kind, each.property) != ("enum", "values")
        or not set(each.before) <= set(each.after)
    ]


def counted(project: Workshop) -> dict[str, object]:
    """The number of rows of each table."""
    names = [key.name for key in project.schema().objects if key.kind == "table"]
    quoted = {".".join(name): ".".join(f'"{part}"' for part in name) for name in names}
    return {name: project.run(f"SELECT count(*) FROM {table}") for name, table in quoted.items()}
