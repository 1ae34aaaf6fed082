"""The deploy lock on PostgreSQL: an advisory lock of a session that is never in a transaction.

It is polled with `pg_try_advisory_lock`: a session that blocks in `pg_advisory_lock` holds a
snapshot while it waits, and CREATE INDEX CONCURRENTLY in the deploy that has the lock would wait
for that snapshot for ever.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from migrator import database
from migrator.config.context import Context
from migrator.revisions.deploy_lock_wait import Holder, Say, wait

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


@contextmanager
def held(context: Context, patience: float, say: Say) -> Iterator[Connection]:
    """Hold the lock; see `deploy_lock.only_deployer`."""
    with database.connect_autocommit(context) as connection:
        wait(
            lambda: bool(connection.scalar(text(f"SELECT pg_try_advisory_lock({KEY})"))),
            lambda: _holder(connection),
            patience,
            say,
        )
        connection.execute(NAME, {"name": BACKUP})
        yield connection


def backup_is_over(connection: Connection) -> None:
    """Let those who wait for the lock that `connection` has count their time from now on."""
    connection.execute(NAME, {"name": "migrate"})


def _holder(connection: Connection) -> Holder:
    row = connection.execute(text(HOLDER)).first()
    if row is None:
        return Holder("it has just ended, or its session is hidden from this user")
    name = row.application_name
    return Holder(
        f"process {row.pid} ({name}, from {row.client}, connected for {row.age})",
        backs_up=name == BACKUP,
    )
