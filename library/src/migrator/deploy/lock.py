"""One deployer at a time: replicas that start together, or two pipelines, must not race.

PostgreSQL: an advisory lock of the session, on a connection of its own that is never in a
transaction. It is polled with `pg_try_advisory_lock`: a session that blocks in
`pg_advisory_lock` holds a snapshot while it waits, and CREATE INDEX CONCURRENTLY in the deploy
that has the lock would wait for that snapshot for ever. SQLite: a lock on a file beside it.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from migrator import database
from migrator.config.context import Context
from migrator.deploy.report import Report
from migrator.errors import LockTimeout

POLL = (0.1, 0.4)  # seconds between tries, at random so that waiters do not try in step
LOOK = 1.0  # seconds between two looks at who has the lock: each takes the lock table's own locks
REPORT = 10.0  # seconds between two lines that say who is waited for

# What the holder's session is called until it applies: all that it does before is its backup.
BACKUP = "migrate:backup"
NAME = text("SELECT set_config('application_name', :name, false)")

# One history in one schema of one database: advisory locks are each database's own.
KEY = "hashtextextended('migrate/' || coalesce(current_schema(), '') || '/alembic_version', 0)"
HOLDER = f"""
SELECT a.pid, a.application_name, coalesce(host(a.client_addr), 'this machine') AS client,
       date_trunc('second', now() - a.backend_start) AS age
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32 | l.objid::bigint) = {KEY}
"""


@dataclass(frozen=True)
class Holder:
    """Who has the lock, in words, and whether it is still backing up."""

    who: str
    backs_up: bool = False


@contextmanager
def only_deployer(context: Context, report: Report) -> Iterator[Connection | None]:
    """Hold the deploy lock of the database that `context` names.

    It ends with the process, however that ends. Others see the holder as one that backs up, until
    it calls `backup_is_over`.

    Yields:
        The connection that has the lock, in autocommit mode; None on SQLite.

    Raises:
        LockTimeout: somebody else still has it after `deploy_lock_timeout` seconds, those of its
            backup not counted.
    """
    patience = context.settings.deploy_lock_timeout
    if context.target.dialect == "sqlite":
        path = context.target.url.database
        with _file(Path(f"{path}.deploy-lock"), patience, report):
            yield None
        return
    with database.connect_autocommit(context) as connection:
        _wait(
            lambda: bool(connection.scalar(text(f"SELECT pg_try_advisory_lock({KEY})"))),
            lambda: _holder(connection),
            patience,
            report,
        )
        connection.execute(NAME, {"name": BACKUP})
        yield connection


def backup_is_over(connection: Connection) -> None:
    """Let those who wait for the lock that `connection` has count their time from now on."""
    connection.execute(NAME, {"name": "migrate"})


def _wait(
    get: Callable[[], bool], look: Callable[[], Holder], patience: float, report: Report
) -> None:
    before, looked, said = time.monotonic(), float("-inf"), float("-inf")
    waited = backup = 0.0
    while not get():
        now = time.monotonic()
        if now - looked >= LOOK:
            holder, looked = look(), now
        if holder.backs_up:
            backup += now - before
        else:
            waited += now - before
        before = now
        if waited >= patience > 0:
            beside = f" (and {backup:.0f} s during its backup)" if backup >= 1 else ""
            raise LockTimeout(
                f"Another deploy still has the lock after {waited:.0f} s of waiting{beside}:"
                f" {holder.who}. Nothing was changed. Look whether it works or hangs; to wait"
                " longer, set deploy_lock_timeout in the ini file."
            )
        if now - said >= REPORT:
            what = ", which is backing up" if holder.backs_up else " to end"
            report.waiting("lock", f"Waiting for another deploy{what}: {holder.who}.")
            said = now
        time.sleep(random.uniform(*POLL))


def _holder(connection: Connection) -> Holder:
    row = connection.execute(text(HOLDER)).first()
    if row is None:
        return Holder("it has just ended, or its session is hidden from this user")
    name = row.application_name
    return Holder(
        f"process {row.pid} ({name}, from {row.client}, connected for {row.age})",
        backs_up=name == BACKUP,
    )


@contextmanager
def _file(path: Path, patience: float, report: Report) -> Iterator[None]:
    import fcntl  # POSIX only, as is everything that runs a deploy

    with path.open("a+", encoding="utf-8") as file:

        def get() -> bool:
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            return False

        _wait(get, lambda: Holder(f"a process that has {path} open"), patience, report)
        yield
