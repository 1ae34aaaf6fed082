"""Bring a dump back into an empty PostgreSQL database."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg
from alembic.config import Config
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from migrator import plan
from migrator.backup import dump, tools
from migrator.backup.files import Restored
from migrator.console import note
from migrator.errors import Interrupted, MigratorError, RefusedError, UsageError

# What somebody made: everything that initdb makes has a lower number.
CONTENT = """
SELECT what, count(*), (array_agg(name ORDER BY name))[1:3] FROM (
  SELECT 'extensions' AS what, extname::text AS name FROM pg_extension WHERE oid >= 16384
  UNION ALL SELECT 'schemas', nspname::text FROM pg_namespace
    WHERE oid >= 16384 AND nspname !~ '^pg_(toast_)?temp_'
  UNION ALL SELECT 'tables, views and sequences', oid::regclass::text FROM pg_class
    WHERE oid >= 16384 AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relpersistence <> 't'
  UNION ALL SELECT 'types', oid::regtype::text FROM pg_type
    WHERE oid >= 16384 AND typtype IN ('d', 'e', 'r')
  UNION ALL SELECT 'functions', oid::regproc::text FROM pg_proc WHERE oid >= 16384
  UNION ALL SELECT 'large objects', oid::text FROM pg_largeobject_metadata
) everything GROUP BY what ORDER BY what
"""
SET_UNKNOWN_BEFORE_17 = b"SET transaction_timeout = 0;\n"
FIRST_OBJECT = b"-- Name: "


@dataclass(frozen=True)
class Target:
    """The database to fill: how to `create` it and what to set on it, if it is not there."""

    name: str
    database: tools.Database
    server: int
    create: str | None = None
    set: tuple[str, ...] = ()


def load(
    config: Config,
    file: Path,
    into: str | None,
    confirm: Callable[[str], None],
    *,
    owners: bool,
) -> Restored:
    """Restore `file`; see `backup.restore`."""
    _refuse_other_formats(file)
    entrance = _entrance(config)
    with entrance.connect() as connection:
        server = connection.info.server_version // 10000
        name = into or tools.database(config).parameters.get("dbname") or connection.info.dbname
        known = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
    found, tables = _reader(tools.find(config, server), file)
    database = tools.database(config, name)
    target = Target(name, database, server)
    if known:
        _refuse_content(name, database)
    else:
        target = Target(name, database, server, *_as_it_was(found, file, name))
    confirm(name)
    started = time.monotonic()
    if target.create:
        _execute(entrance, target.create)
    _fill(found, file, target, [] if owners else ["--no-owner", "--no-privileges"])
    for statement in target.set:
        try:
            _execute(entrance, statement)
        except MigratorError as error:
            note(f"A setting of the database was not restored ({statement}). {error}")
    return _verified(target, tables, started)


def _entrance(config: Config) -> tools.Database:
    """Return a database to talk to the server from, also when the one of `config` is gone."""
    named = tools.database(config)
    try:
        with named.connect():
            return named
    except MigratorError as error:
        other = tools.database(config, "postgres")
        try:
            with other.connect():
                return other
        except MigratorError:
            raise error from None


def _execute(database: tools.Database, statement: str) -> None:
    with database.connect() as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute(statement.encode())


def _refuse_other_formats(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            magic = opened.read(5)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    if magic != b"PGDMP":
        raise UsageError(
            f"{file} is not a dump in pg_dump's custom format, which is what backups are; nothing"
            " was changed. Plain SQL goes into a database with psql."
        )


def _reader(candidates: list[tools.Tools], file: Path) -> tuple[tools.Tools, int]:
    reason = ""
    for found in candidates:
        try:
            tables = dump.tables_in(found, file)
        except MigratorError as error:
            if "unsupported version" not in str(error):
                raise _broken(file, error) from None
            reason = reason or f"{found.path('pg_restore')} is of PostgreSQL {found.major}: {error}"
            continue
        try:
            dump.read_through(found, file)
        except MigratorError as error:
            raise _broken(file, error) from None
        return found, tables
    raise MigratorError(
        f"{file} was written by a newer pg_dump than any pg_restore here can read ({reason});"
        " install the client programs of that PostgreSQL or set pg_bin to their folder; nothing"
        " was changed."
    )


def _broken(file: Path, error: MigratorError) -> MigratorError:
    return MigratorError(
        f"{file} is damaged and cannot be restored ({error}); take an older backup; nothing was"
        " changed."
    )


def _refuse_content(name: str, database: tools.Database) -> None:
    with database.connect() as connection:
        rows = connection.execute(CONTENT).fetchall()
    if not rows:
        return
    parts = [
        f"{what}: {count} ({', '.join(names)}{', ...' if count > len(names) else ''})"
        for what, count, names in rows
    ]
    raise RefusedError(
        f"The database {name} is not empty: {'; '.join(parts)}. A backup is restored into an empty"
        " database only, and nothing is dropped for it: use --into NEW_NAME, which creates that"
        " database. Nothing was changed."
    )


def _as_it_was(found: tools.Tools, file: Path, name: str) -> tuple[str, tuple[str, ...]]:
    # With the encoding, the collation and the settings that the dumped database had, not those
    # that happen to be this server's.
    command = [found.path("pg_restore"), "--create", "--schema-only", "--file=-", str(file)]
    text = tools.run(command, tools.plain_environment()).stdout
    new = sql.Identifier(name).as_string(None)
    made = re.search(
        r'^CREATE DATABASE ("(?:[^"]|"")+"|[^ "]+) WITH (TEMPLATE = template0.*);$', text, re.M
    )
    if not made:
        return f"CREATE DATABASE {new} TEMPLATE template0", ()
    properties = text.partition("; Type: DATABASE PROPERTIES;")[2].partition(FIRST_OBJECT.decode())[
        0
    ]
    settings = re.findall(rf"^ALTER DATABASE {re.escape(made[1])} (SET .*);$", properties, re.M)
    return (
        f"CREATE DATABASE {new} WITH {made[2]}",
        tuple(f"ALTER DATABASE {new} {setting}" for setting in settings),
    )


def _fill(found: tools.Tools, file: Path, target: Target, options: list[str]) -> None:
    restore = [found.path("pg_restore"), *options]
    made = " was created and" if target.create else ""
    state = f"Everything was rolled back: the database {target.name}{made} is empty."
    try:
        if found.major >= 17 > target.server:
            error = _through_psql(found, [*restore, "--file=-", str(file)], target)
        else:
            strict = ["--single-transaction", "--exit-on-error", "--no-password"]
            command = [*restore, *strict, target.database.argument, str(file)]
            done = tools.run(command, target.database.environment)
            error = tools.last_words(done) if done.returncode else ""
    except KeyboardInterrupt:
        raise Interrupted(f"The restore was stopped. {state}") from None
    if error:
        raise MigratorError(
            f"The backup was not restored: {error}. {state} Mend the cause and run this again; for"
            " roles that this server does not have there is --no-owner."
        )


def _through_psql(found: tools.Tools, command: list[str], target: Target) -> str:
    """Restore into a server that does not know a setting that its newer pg_restore sets.

    Returns:
        What went wrong, or nothing.
    """
    with tempfile.TemporaryFile() as said:
        psql = subprocess.Popen(
            [
                found.path("psql"),
                "--no-psqlrc",
                "--no-password",
                "--quiet",
                "--set=ON_ERROR_STOP=1",
                target.database.argument,
            ],
            env=target.database.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            preexec_fn=tools.end_with_us,
        )
        restore = subprocess.Popen(
            command,
            env=tools.plain_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            preexec_fn=tools.end_with_us,
        )
        with tools.ending(psql), tools.ending(restore), psql, restore:
            assert psql.stdin and restore.stdout
            _pipe(restore.stdout, psql.stdin, lambda: restore.wait() == 0)
        if restore.returncode == psql.returncode == 0:
            return ""
        said.seek(0)
        words = said.read().decode(errors="replace")
        code = psql.returncode or restore.returncode
        return tools.last_words(subprocess.CompletedProcess(command, code, "", words))


def _pipe(source: IO[bytes], to: IO[bytes], whole: Callable[[], bool]) -> None:
    try:
        to.write(b"BEGIN;\n")
        for line in source:
            if line != SET_UNKNOWN_BEFORE_17:
                to.write(line)
            if line.startswith(FIRST_OBJECT):
                break
        shutil.copyfileobj(source, to)
        if whole():
            to.write(b"COMMIT;\n")  # without it, the end of the input rolls back
        to.close()
    except BrokenPipeError:
        source.close()


def _verified(target: Target, tables: int, started: float) -> Restored:
    def again() -> psycopg.Connection:
        return psycopg.connect(**target.database.parameters)  # type: ignore[arg-type]

    with target.database.connect(state=f"{target.name} was restored, look at it") as connection:
        row = connection.execute(dump.TABLES).fetchone()
    if not row or row[0] != tables:
        raise MigratorError(
            f"The database {target.name} has {row and row[0]} tables after the restore, and the"
            f" backup {tables}: do not use it before you know why."
        )
    engine = create_engine("postgresql+psycopg://", creator=again, poolclass=NullPool)
    with engine.connect() as connected:
        at = ", ".join(plan.current_heads(connected)) or "base"
    return Restored(target.name, tables, at, time.monotonic() - started)
