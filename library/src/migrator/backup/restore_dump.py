"""Restore a dump into an empty PostgreSQL database."""

import time
from collections.abc import Callable
from pathlib import Path

from migrator.backup import database_creation, dump, libpq_database, pg_restore, programs
from migrator.backup.storage import Restored
from migrator.config.context import Context
from migrator.console import note
from migrator.database import admit
from migrator.errors import MigratorError, RefusedError, UsageError
from migrator.postgres.sql import pg_dump_output as pg_dump

# Objects that users created: those that initdb creates have lower object identifiers.
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


def restore(
    context: Context,
    file: Path,
    into: str | None,
    confirm: Callable[[str], None],
    *,
    owners: bool,
) -> Restored:
    """Restore `file`; see `migrator.backup.restore.run`."""
    _require_custom_format(file)
    maintenance = _maintenance_database(context)
    with maintenance.connect() as connection:
        server = connection.info.server_version // 10000
        encrypted = connection.pgconn.ssl_in_use
        maintenance = maintenance.where(connection)
        name = (
            into
            or libpq_database.database(context).parameters.get("dbname")
            or connection.info.dbname
        )
        known = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
    found, tables = _reader(programs.find(context, server, encrypted=encrypted), file)
    database = maintenance.named(name)
    target = pg_restore.RestoreTarget(name, database, server)
    script = dump.schema_of(found, file)
    creation, settings = database_creation.read(script, name, server, owners=owners)
    if known:
        _refuse_content(name, database)
    else:
        database_creation.require_createdb(maintenance, creation, name)
    if into or not known:
        create = None if known else creation
        target = pg_restore.RestoreTarget(name, database, server, create, settings)
    confirm(name)
    started = time.monotonic()
    if target.create:
        _execute(maintenance, target.create)
    pg_restore.restore(
        found,
        file,
        target,
        [] if owners else ["--no-owner", "--no-privileges"],
        foreign=pg_dump.without_servers_options(script) != script,
    )
    for statement in target.set:
        try:
            _execute(maintenance, statement)
        except MigratorError as error:
            note(f"Warning: a setting of the database was not restored ({statement}). {error}")
    return pg_restore.verify(target, tables, started)


def _maintenance_database(context: Context) -> libpq_database.LibpqDatabase:
    """Return a database to connect to, even if the one of `context` does not exist."""
    named = libpq_database.database(context)
    try:
        with named.connect() as connection:
            admit(context, connection, context.target.url)
            return named
    except MigratorError as error:
        other = named.named("postgres")
        try:
            with other.connect() as connection:
                admit(context, connection, context.target.url)
                return other
        except MigratorError:
            raise error from None


def _execute(database: libpq_database.LibpqDatabase, statement: str) -> None:
    with database.connect() as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute(statement.encode())


def _require_custom_format(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            magic = opened.read(5)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    if magic != b"PGDMP":
        raise UsageError(
            f"{file} is not a dump in pg_dump's custom format; nothing was changed. Use psql to"
            " restore a plain SQL file."
        )


def _reader(candidates: list[programs.Programs], file: Path) -> tuple[programs.Programs, int]:
    reason = ""
    for found in candidates:
        try:
            tables = dump.tables_in(found, file)
        except MigratorError as error:
            if "unsupported version" not in str(error):
                raise _damaged(file, error) from None
            reason = reason or f"{found.path('pg_restore')} is version {found.major}: {error}"
            continue
        try:
            dump.read_through(found, file)
        except MigratorError as error:
            raise _damaged(file, error) from None
        return found, tables
    raise MigratorError(
        f"{file} was written by a newer pg_dump, and no pg_restore here can read it ({reason});"
        " nothing was changed. Install the client programs of that PostgreSQL version, or set"
        " pg_bin to their folder."
    )


def _damaged(file: Path, error: MigratorError) -> MigratorError:
    return MigratorError(
        f"{file} is damaged and cannot be restored ({error}); nothing was changed. Restore an"
        " older backup."
    )


def _refuse_content(name: str, database: libpq_database.LibpqDatabase) -> None:
    with database.connect() as connection:
        rows = connection.execute(CONTENT).fetchall()
    if not rows:
        return
    parts = [
        f"{what}: {count} ({', '.join(names)}{', ...' if count > len(names) else ''})"
        for what, count, names in rows
    ]
    raise RefusedError(
        f"The database {name} is not empty: {'; '.join(parts)}. A backup is restored only into an"
        " empty database, and nothing was changed. Name a new database with into=NEW_NAME"
        " (--into NEW_NAME)."
    )
