"""How many rows all sessions together have written, by the server's statistics."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from migrator.errors import counted
from migrator.postgres import sql
from migrator.trace.event_log import SCHEMA
from migrator.trace.traced_statement import Step

SINCE = 150000  # before, a session reports at times of its own choice
REPORT = "SELECT pg_stat_force_next_flush()"
WRITTEN = f"""
SELECT relid::bigint, CASE schemaname WHEN 'public' THEN '' ELSE schemaname || '.' END || relname,
    n_tup_ins + n_tup_upd + n_tup_del
FROM pg_stat_user_tables WHERE schemaname <> '{SCHEMA}'
"""
# What runs outside a transaction and writes no rows.
WITHOUT_ROWS = ("CREATE", "DROP", "ALTER", "REINDEX", "VACUUM", "ANALYZE", "CLUSTER", "REFRESH")


class RowStatistics:
    """The statistics of a database; `connection` is in autocommit mode."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._works = connection.info.server_version >= SINCE
        self._start: dict[int, int] = {}
        self._owed: Counter[int] = Counter()

    def forget(self, session: Any) -> None:
        """Leave out what has been written so far, also by the session of Alembic."""
        if self._works:
            session.exec_(REPORT.encode())
            self._connection.execute(REPORT)
            self._start = {oid: count for oid, (_, count) in self._read().items()}

    def unexplained(self, steps: Sequence[Step], session: Any, apart: str) -> list[str]:
        """Return how many rows of which tables were written since `forget` by none of the steps.

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
        if not (self._works and is_known):
            return []
        session.exec_(REPORT.encode())
        for step in steps:
            self._owed.update(step.inserted)
            self._owed.update(step.rows)
        found = []
        for oid, (name, count) in self._read().items():
            grown = count - self._start.get(oid, 0)
            more = grown - self._owed[oid]
            self._owed[oid] = max(-more, 0)  # a session that reports later
            if more > 0 and name.rpartition(".")[2] != apart:
                found.append(f"{counted(more, 'row')} of {name}")
        return found

    def _read(self) -> dict[int, tuple[str, int]]:
        found = self._connection.execute(WRITTEN).fetchall()
        return {oid: (name, count) for oid, name, count in found}
