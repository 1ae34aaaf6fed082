"""Bring a dump back into an empty PostgreSQL database."""

import time
from collections.abc import Callable
from pathlib import Path

from psycopg import sql

from migrator.backup import dump, filling, tools
from migrator.backup.files import Restored
from migrator.config.context import Context
from migrator.console import note
from migrator.errors import MigratorError, RefusedError, UsageError
from migrator.postgres.sql import dump as pg_dump

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


def load(
    context: Context,
    file: Path,
    into: str | None,
    confirm: Callable[[str], None],
    *,
    owners: bool,
) -> Restored:
    """Restore `file`; see `backup.restore`."""
    _refuse_other_formats(file)
    entrance = _entrance(context)
    with entrance.connect() as connection:
        server = connection.info.server_version // 10000
        name = into or tools.database(context).parameters.get("dbname") or connection.info.dbname
        known = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
    found, tables = _reader(tools.find(context, server), file)
    database = tools.database(context, name)
    target = filling.Target(name, database, server)
    if known:
        _refuse_content(name, database)
    else:
        target = filling.Target(name, database, server, *_as_it_was(found, file, name))
    confirm(name)
    started = time.monotonic()
    if target.create:
        _execute(entrance, target.create)
    filling.fill(found, file, target, [] if owners else ["--no-owner", "--no-privileges"])
    for statement in target.set:
        try:
            _execute(entrance, statement)
        except MigratorError as error:
            note(f"A setting of the database was not restored ({statement}). {error}")
    return filling.verified(target, tables, started)


def _entrance(context: Context) -> tools.Database:
    """Return a database to talk to the server from, also when the one of `context` is gone."""
    named = tools.database(context)
    try:
        with named.connect():
            return named
    except MigratorError as error:
        other = tools.database(context, "postgres")
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
    made = pg_dump.database(text)
    if not made:
        return f"CREATE DATABASE {new} TEMPLATE template0", ()
    rest = text.partition("; Type: DATABASE PROPERTIES;")[2]
    properties = rest.partition(filling.FIRST_OBJECT.decode())[0]
    settings = pg_dump.database_settings(properties, made[0])
    return (
        f"CREATE DATABASE {new} WITH {made[1]}",
        tuple(f"ALTER DATABASE {new} {setting}" for setting in settings),
    )
