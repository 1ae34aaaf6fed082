"""How many rows all sessions together have written, by the server's statistics."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from psycopg import Connection
from psycopg.pq import TransactionStatus

from migrator.errors import counted
from migrator.postgres import sql
from migrator.trace.event_log import SCHEMA
from migrator.trace.traced_statement import Step

SINCE = 150000  # before, a session reports at times of its own choice
REPORT = "SELECT pg_stat_force_next_flush()"
WRITTEN = f"""
SELECT c.oid::bigint, CASE nspname WHEN 'public' THEN '' ELSE nspname || '.' END || relname,
    pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid)
    + pg_stat_get_tuples_deleted(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'm') AND nspname !~ '^pg_[ct]'
    AND nspname NOT IN ('information_schema', '{SCHEMA}')
"""
OF_SOME = " AND c.oid = ANY (%s)"
# What runs outside a transaction and writes no rows.
WITHOUT_ROWS = ("CREATE", "DROP", "ALTER", "REINDEX", "VACUUM", "ANALYZE", "CLUSTER", "REFRESH")


class RowStatistics:
    """The statistics of a database; `connection` is in autocommit mode."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._works = connection.info.server_version >= SINCE
        self._start: dict[int, tuple[str, int]] | None = None
        self._owed: Counter[int] = Counter()

    def forget(self) -> None:
        """Leave out what is written until the next revision begins."""
        self._start = None

    def seeded(self, tables: Collection[int]) -> None:
        """Leave out what our own session has written to some tables."""
        if self._start is not None:
            self._connection.execute(REPORT)
            self._start |= self._read(tables)

    def begin(self, session: Any) -> bool:
        """Read what was written before a revision, also by the session of Alembic.

        Returns:
            Whether that session has reported all that it has done.
        """
        if not self._works:
            return False
        idle: bool = session.transaction_status == TransactionStatus.IDLE
        session.exec_(REPORT.encode())
        if self._start is None:
            self._connection.execute(REPORT)
            self._start = self._read()
        return idle

    def unexplained(self, steps: Sequence[Step], session: Any, apart: str) -> list[str]:
        """Return how many rows of which tables were written since `begin` by none of the steps.

        Nothing can be said if one of them failed, or ended a transaction.

        Args:
            steps: all of the revision.
            session: that of Alembic, which reports first.
            apart: the table of Alembic.
        """
        is_known = all(
            not step.error and (step.watched or sql.first_word(step.sql) in WITHOUT_ROWS)
            for step in steps
        )
        start, self._start = self._start, None
        if start is None or not is_known:
            return []
        session.exec_(REPORT.encode())
        for step in steps:
            self._owed.update(step.inserted)
            self._owed.update(step.rows)
        found = []
        now = self._read()
        for oid, (name, count) in sorted(now.items() - start.items()):
            _, before = start.get(oid, ("", 0))
            more = count - before - self._owed[oid]
            self._owed[oid] = max(-more, 0)  # a session that reports later
            if more > 0 and name.rpartition(".")[2] != apart:
                found.append(f"{counted(more, 'row')} of {name}")
        self._start = now
        return found

    def _read(self, tables: Collection[int] | None = None) -> dict[int, tuple[str, int]]:
        if tables is None:
            found = self._connection.execute(WRITTEN)
        else:
            found = self._connection.execute(WRITTEN + OF_SOME, [[*tables]])
        return {oid: (name, count) for oid, name, count in found}
