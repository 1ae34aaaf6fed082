"""Load a dump into an empty database in one transaction, and verify the result."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from migrator.backup import dump, libpq_database, processes, programs
from migrator.backup.storage import Restored
from migrator.config.invocation import option
from migrator.errors import Interrupted, MigratorError
from migrator.postgres.sql import pg_dump_output as pg_dump
from migrator.revisions import position

SET_UNKNOWN_BEFORE_17 = b"SET transaction_timeout = 0;\n"
FIRST_ROWS = b"-- Data for Name: "


@dataclass(frozen=True)
class RestoreTarget:
    """The database to restore into; `create` and `set` are the SQL to create a new one."""

    name: str
    database: libpq_database.LibpqDatabase
    server: int
    create: str | None = None
    set: tuple[str, ...] = ()


def restore(
    found: programs.Programs,
    file: Path,
    target: RestoreTarget,
    options: list[str],
    *,
    foreign: bool,
) -> None:
    """Restore `file` into `target` in one transaction.

    Args:
        options: further options of pg_restore.
        foreign: the dump has what only the server that was dumped understands.

    Raises:
        MigratorError: the restore failed and was rolled back.
        Interrupted: Ctrl-C or SIGTERM; the restore was rolled back.
    """
    restore = [found.path("pg_restore"), *options]
    made = " was created and" if target.create else ""
    state = f"It was rolled back: the database {target.name}{made} is empty."
    try:
        if foreign or found.major >= 17 > target.server:
            error = _through_psql(found, [*restore, "--file=-", str(file)], target)
        else:
            strict = ["--single-transaction", "--exit-on-error", "--no-password"]
            command = [*restore, *strict, target.database.argument, str(file)]
            done = processes.run(command, target.database.environment)
            error = processes.error_output(done) if done.returncode else ""
    except KeyboardInterrupt:
        raise Interrupted(f"The restore was interrupted. {state}") from None
    if error:
        raise MigratorError(
            f"The restore failed: {error}. {state} Fix the cause and run this again; use"
            f" {option('--no-owner')} if roles of the backup do not exist on this server."
        )


def _through_psql(found: programs.Programs, command: list[str], target: RestoreTarget) -> str:
    """Restore into a server that does not know all that the script says; see `_understood`.

    Returns:
        The error message; empty if the restore succeeded.
    """
    with tempfile.TemporaryFile() as output:
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
            stderr=output,
            preexec_fn=processes.end_with_parent,
        )
        restore = subprocess.Popen(
            command,
            env=processes.plain_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            preexec_fn=processes.end_with_parent,
        )
        with (
            processes.terminated_on_error(psql),
            processes.terminated_on_error(restore),
            psql,
            restore,
        ):
            assert psql.stdin and restore.stdout
            _pipe(restore.stdout, psql.stdin, lambda: restore.wait() == 0)
        if restore.returncode == psql.returncode == 0:
            return ""
        output.seek(0)
        text = output.read().decode(errors="replace")
        code = psql.returncode or restore.returncode
        return processes.error_output(subprocess.CompletedProcess(command, code, "", text))


def _understood(line: bytes) -> bytes:
    if line == SET_UNKNOWN_BEFORE_17:
        return b""
    return pg_dump.without_servers_options(line.decode("latin-1")).encode("latin-1")


def _pipe(source: IO[bytes], to: IO[bytes], complete: Callable[[], bool]) -> None:
    try:
        to.write(b"BEGIN;\n")
        for line in source:
            to.write(_understood(line))
            if line.startswith(FIRST_ROWS):
                break
        shutil.copyfileobj(source, to)
        if complete():
            to.write(b"COMMIT;\n")  # without it, the end of the input rolls the transaction back
        to.close()
    except BrokenPipeError:
        source.close()


def verify(target: RestoreTarget, tables: int, started: float) -> Restored:
    """Return what was restored into `target`.

    Args:
        tables: the number of tables in the dump.
        started: when the restore started, by the monotonic clock.

    Raises:
        MigratorError: the database has another number of tables.
    """

    with target.database.connect(
        state=f"{target.name} was restored but not verified"
    ) as connection:
        row = connection.execute(dump.TABLES).fetchone()
    if not row or row[0] != tables:
        raise MigratorError(
            f"The database {target.name} has {row and row[0]} tables after the restore, but the"
            f" backup has {tables}: do not use the database before you know the reason."
        )
    engine = create_engine(
        "postgresql+psycopg://", creator=target.database.open, poolclass=NullPool
    )
    with engine.connect() as connected:
        at = ", ".join(position.current_heads(connected)) or "base"
    return Restored(target.name, tables, at, time.monotonic() - started)
