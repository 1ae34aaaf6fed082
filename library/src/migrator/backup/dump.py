"""Back up a PostgreSQL database with pg_dump, and verify the dump."""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from migrator.backup import libpq_database, processes, programs, storage
from migrator.config.context import Context
from migrator.console import quantities, remark
from migrator.database import errors
from migrator.errors import LockTimeout, MigratorError, UnreachableError
from migrator.postgres.sql.schemas import quoted

# A compressed dump takes a fifth to a twentieth of the size of the database with its indexes. This
# estimate is for the first backup only; if the disk fills up later, pg_dump fails and says so.
SIZE_RATIO = 10

# The tables that pg_dump dumps: no system, temporary or extension tables.
TABLES = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                  AND d.objid = c.oid AND d.deptype = 'e')
"""
# How libpq, whose messages are English here, begins to say that its connection has ended, or that
# there is none. The snapshot goes with the connection that has exported it.
LOST = re.compile(
    "server closed the connection|connection to server|no connection to the server|SSL SYSCALL"
    "|could not (connect to|receive data from|send data to) server|SSL connection has been closed"
)
HOLDERS = """
SELECT DISTINCT
  format('process %s (%s) has a lock on %s', pid, application_name, relation::regclass)
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND l.locktype = 'relation'
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 3
"""


def dump(
    context: Context, at: str, output: Path | None, schema: str = ""
) -> tuple[Path, int, storage.Storage, str]:
    """Make and verify a dump; see `backup.take`.

    Returns:
        The path of the dump, the number of tables in it, where backups of this database are kept,
        and the name of the database, which only the server knows if a service file has it.
    """
    source = libpq_database.database(context)
    with source.connect() as connection:
        info, name = connection.info, connection.info.dbname
        server = info.server_version // 10000
        found = programs.find(context, server, encrypted=connection.pgconn.ssl_in_use)[0]
        programs.require_version(found, server)
        own = kept(context, name, info.host, info.port)
        if output is None:
            own.remove_abandoned()
        with storage.new_file([output] if output else own.new(at)) as (part, path):
            size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            own.require_space(size[0] // SIZE_RATIO if size else 0, part.parent)
            where = source.where(connection)
            expected = _dump(context, found, where, connection, part, schema)
            _verify(found, part, expected)
    return path, expected, own, name


def kept(context: Context, name: str, host: str, port: int | str) -> storage.Storage:
    """Return where the backups of the database `name` on a server are kept."""
    where = host if str(port) == "5432" else f"{host}_{port}"
    return storage.of_database(context, name, where, ".dump")


def _dump(
    context: Context,
    found: programs.Programs,
    source: libpq_database.LibpqDatabase,
    connection: psycopg.Connection,
    part: Path,
    schema: str,
) -> int:
    timeout = context.settings.deploy_lock_timeout
    connection.execute("SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0")
    # Count the tables in the snapshot that is dumped: another session may create tables meanwhile.
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    query = f"SELECT pg_export_snapshot(), ({TABLES} AND n.nspname = coalesce(%s, n.nspname))"
    row = connection.execute(query.encode(), (schema or None,)).fetchone()
    snapshot, expected = row or ("", 0)
    command = [
        found.path("pg_dump"),
        "--format=custom",
        "--compress=1",  # a higher level takes 2.5 times as long and saves 3 %
        "--no-password",
        f"--lock-wait-timeout={round(timeout * 1000)}",
        f"--snapshot={snapshot}",
        # That of the account or of PGCLIENTENCODING may not have every character.
        f"--encoding={connection.info.parameter_status('server_encoding')}",
        f"--file={part}",
        *([f"--schema={quoted(schema)}"] if schema else ()),
        source.argument,
    ]

    def heartbeat() -> None:
        waits = []
        with suppress(psycopg.OperationalError):  # pg_dump has a connection of its own
            waits = [row[0] for row in connection.execute(HOLDERS)]
        size = quantities.size(part.stat().st_size)
        remark(f"Backing up: {size} written{'; ' if waits else ''}{', '.join(waits)}.")

    started = time.monotonic()
    run = processes.run(command, source.environment, heartbeat)
    if run.returncode:
        if "LOCK TABLE" in run.stderr and time.monotonic() - started >= timeout > 0:
            raise _locked(connection, timeout)
        reason = f"pg_dump failed ({processes.error_output(run)})"
        failed = storage.failed(reason)
        with suppress(psycopg.Error):  # without the snapshot's session there is no snapshot
            connection.execute("SELECT 1")
        if connection.closed or LOST.search(run.stderr):
            lost = UnreachableError(str(failed), permanent=errors.is_permanent(run.stderr))
            lost.reason = reason
            raise lost
        raise failed
    connection.close()  # the snapshot is not needed any more, and what it keeps from VACUUM is
    return int(expected)


def tables_in(found: programs.Programs, dump: Path) -> int:
    """Return the number of tables in a dump.

    Raises:
        MigratorError: the dump is damaged, or newer than pg_restore; the message is what
            pg_restore printed.
    """
    run = processes.run(
        [found.path("pg_restore"), "--list", str(dump)], processes.plain_environment()
    )
    if run.returncode:
        raise MigratorError(processes.error_output(run))
    return len(re.findall(r"^\d+; 1259 \d+ TABLE ", run.stdout, re.MULTILINE))


def version_of(found: programs.Programs, dump: Path) -> str:
    """Return the version of the server that a dump is of; empty if this one cannot read it."""
    run = processes.run(
        [found.path("pg_restore"), "--list", str(dump)], processes.plain_environment()
    )
    said = re.search(r"^;\s+Dumped from database version: (\S+)", run.stdout, re.MULTILINE)
    return said[1] if said else ""


def read_through(found: programs.Programs, dump: Path) -> None:
    """Read and decompress the whole dump, as a restore would.

    Raises:
        MigratorError: the dump is damaged; the message is what pg_restore printed.
    """
    # --list reads only the table of contents, which is complete in a truncated file.
    command = [found.path("pg_restore"), f"--file={os.devnull}", str(dump)]
    started = time.monotonic()

    def heartbeat() -> None:
        remark(f"Reading the backup back for {time.monotonic() - started:.0f} s.")

    run = processes.run(command, processes.plain_environment(), heartbeat)
    if run.returncode:
        raise MigratorError(processes.error_output(run))


def _verify(found: programs.Programs, dump: Path, expected: int) -> None:
    try:
        tables = tables_in(found, dump)
        read_through(found, dump)
    except MigratorError as error:
        raise storage.failed(f"the dump cannot be read back ({error})") from None
    if tables != expected:
        raise storage.failed(f"the dump has {tables} tables and the database has {expected}")


def _locked(connection: psycopg.Connection, timeout: float) -> LockTimeout:
    holders = ", ".join(row[0] for row in connection.execute(HOLDERS)) or "which has just ended"
    return LockTimeout(
        f"No backup was made: pg_dump waited {timeout:g} s (deploy_lock_timeout) for a lock held"
        f" by another session ({holders}); nothing was changed. Run this again when that session"
        " has ended."
    )


def schema_of(found: programs.Programs, dump: Path) -> str:
    """Return the script that creates the database of a dump and its objects, without rows."""
    command = [found.path("pg_restore"), "--create", "--schema-only", "--file=-", str(dump)]
    return processes.run(command, processes.plain_environment()).stdout
