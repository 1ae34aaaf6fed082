"""How many rows all sessions together have written, by the server's statistics."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection

from migrator.errors import counted
from migrator.postgres import sql
from migrator.trace.event_log import SCHEMA
from migrator.trace.traced_statement import Step

SINCE = 150000  # before, a session reports at times of its own choice
REPORT = "SELECT pg_stat_force_next_flush()"
# One text, because psycopg takes its time for many rows.
WRITTEN = f"""
SELECT '{{' || coalesce(string_agg('"' || c.oid || '": ' || pg_stat_get_tuples_inserted(c.oid)
    + pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid), ', '), '') || '}}'
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'm') AND nspname !~ '^pg_[ct]'
    AND nspname NOT IN ('information_schema', '{SCHEMA}')
"""
NAMES = """
SELECT CASE nspname WHEN 'public' THEN '' ELSE nspname || '.' END || relname, relname
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = %s
"""
# What runs outside a transaction and writes no rows.
WITHOUT_ROWS = ("CREATE", "DROP", "ALTER", "REINDEX", "VACUUM", "ANALYZE", "CLUSTER", "REFRESH")


class RowStatistics:
    """The statistics of a database; `connection` is in autocommit mode."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self.works = connection.info.server_version >= SINCE
        self._start: dict[str, int] | None = None
        self._owed: Counter[int] = Counter()
        self._apart: set[int] = set()

    def forget(self) -> None:
        """Leave out what is written until the next revision begins."""
        self._start = None

    def seeded(self, written: Mapping[int, int] | None) -> None:
        """Leave out the rows that our own session has written, by table; None: that is unknown."""
        if written is None:
            self.forget()
        elif self._start is not None:
            self._connection.execute(REPORT)
            for oid, count in written.items():
                self._start[str(oid)] = self._start.get(str(oid), 0) + count

    def begin(self) -> None:
        """Read what was written before a revision; the session of Alembic has reported that."""
        if self.works and self._start is None:
            self._connection.execute(REPORT)
            self._start = self._read()

    def unexplained(self, steps: Sequence[Step], apart: str) -> list[str]:
        """Return how many rows of which tables were written since `begin` by none of the steps.

        The session of Alembic has reported them. Nothing can be said if one of them failed, or
        ended a transaction.

        Args:
            steps: all of the revision.
            apart: the table of Alembic.
        """
        is_known = all(
            not step.error and (step.watched or sql.first_word(step.sql) in WITHOUT_ROWS)
            for step in steps
        )
        start, self._start = self._start, None
        if start is None or not is_known:
            return []
        for step in steps:
            self._owed.update(step.inserted)
            self._owed.update(step.rows)
        found = []
        now = self._read()
        for key, count in sorted(now.items() - start.items()):
            oid = int(key)
            more = count - start.get(key, 0) - self._owed[oid]
            self._owed[oid] = max(-more, 0)  # a session that reports later
            if more > 0:
                found += [f"{counted(more, 'row')} of {shown}" for shown in self._shown(oid, apart)]
        self._start = now
        return found

    def _shown(self, oid: int, apart: str) -> list[str]:
        if oid in self._apart:
            return []
        found = self._connection.execute(NAMES, [oid]).fetchall()
        if found and found[0][1] == apart:
            self._apart.add(oid)
        return [shown for shown, name in found if name != apart]

    def _read(self) -> dict[str, int]:
        """Return by table (an oid) how many rows were written."""
        found = self._connection.execute(WRITTEN).fetchone()
        return {**json.loads(found[0])} if found else {}
