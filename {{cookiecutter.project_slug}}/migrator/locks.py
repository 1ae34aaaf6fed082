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
from pathlib import Path

from alembic.config import Config
from sqlalchemy import Connection, text

from migrator import database, settings
from migrator.errors import LockTimeout
from migrator.report import Report

POLL = (0.1, 0.4)  # seconds between tries, at random so that waiters do not try in step
REPORT = 10.0  # seconds between two lines that say who is waited for

# One history in one schema of one database: advisory locks are each database's own.
KEY = "hashtextextended('migrate/' || coalesce(current_schema(), '') || '/alembic_version', 0)"
HOLDER = f"""
SELECT a.pid, a.application_name, coalesce(a.client_addr::text, 'this machine') AS client,
       date_trunc('second', now() - a.backend_start) AS age
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32 | l.objid::bigint) = {KEY}
"""


@contextmanager
def only_deployer(config: Config, report: Report) -> Iterator[Connection | None]:
    """Hold the deploy lock of the database that `config` names.

    It ends with the process, however that ends.

    Yields:
        The connection that has the lock, in autocommit mode; None on SQLite.

    Raises:
        LockTimeout: somebody else still has it after `deploy_lock_timeout` seconds.
    """
    patience = settings.load(config).deploy_lock_timeout
    if settings.dialect_name(config) == "sqlite":
        path = settings.database_url(config).database
        with _file(Path(f"{path}.deploy-lock"), patience, report):
            yield None
        return
    with database.connect_autocommit(config) as connection:
        _wait(
            lambda: bool(connection.scalar(text(f"SELECT pg_try_advisory_lock({KEY})"))),
            lambda: _holder(connection),
            patience,
            report,
        )
        yield connection


def _wait(
    get: Callable[[], bool], holder: Callable[[], str], patience: float, report: Report
) -> None:
    started = time.monotonic()
    said = -REPORT
    while not get():
        waited = time.monotonic() - started
        if waited >= patience > 0:
            raise LockTimeout(
                f"Another deploy has had the lock for {waited:.0f} s and still has it:"
                f" {holder()}. Nothing was changed. Look whether it works or hangs; to wait longer,"
                " set deploy_lock_timeout in the ini file."
            )
        if waited - said >= REPORT:
            report.waiting("lock", f"Waiting for another deploy to end: {holder()}.")
            said = waited
        time.sleep(random.uniform(*POLL))


def _holder(connection: Connection) -> str:
    row = connection.execute(text(HOLDER)).first()
    if row is None:
        return "it has just ended, or its session is hidden from this user"
    return f"process {row.pid} ({row.application_name}, from {row.client}, for {row.age})"


@contextmanager
def _file(path: Path, patience: float, report: Report) -> Iterator[None]:
    import fcntl  # POSIX only, as is everything that runs a deploy

    with path.open("a+", encoding="utf-8") as file:

        def get() -> bool:
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            return False

        _wait(get, lambda: f"a process that has {path} open", patience, report)
        yield
