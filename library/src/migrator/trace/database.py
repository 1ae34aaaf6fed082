"""The shadow database: its sessions, its rows, and what is in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from migrator.trace import catalog, sample_rows
from migrator.trace.event_log import EventLog
from migrator.trace.observer import Observer
from migrator.trace.queries import FUNCTIONS
from migrator.trace.row_statistics import RowStatistics
from migrator.trace.traced_statement import Step
from migrator.trace.unfit_rows import EVERY, Rows

PATIENCE = 60  # seconds for one statement, which has three rows to work on
SESSION = {
    "statement_timeout": PATIENCE * 1000,
    # With three rows the planner would read every table from end to end.
    "enable_seqscan": "off",
    "enable_indexonlyscan": "off",
    "jit": "off",  # the costs of plans without them are high
    # In UTC, a timestamp becomes one with a time zone without a new file.
    "timezone": "Etc/GMT-1",
}


@dataclass
class _Filled:
    """The tables that were looked at; `ours` have our rows, `counts` says how many each has."""

    ours: set[int] = field(default_factory=set)
    counts: dict[int, int] = field(default_factory=dict)


class Database:
    """The database at `url`; revisions run on connections of `engine`."""

    def __init__(self, url: URL) -> None:
        self.engine = create_engine(url, poolclass=NullPool)
        own = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: psycopg.Connection[Any] = psycopg.connect(own, autocommit=True)
        for name, value in SESSION.items():  # for all sessions, whoever opens them
            self._connection.execute(
                sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                    sql.Identifier(str(url.database)), sql.Identifier(name), sql.Literal(value)
                )
            )
        self.log = EventLog(self._connection, FUNCTIONS)
        self.statistics = RowStatistics(self._connection)
        self.observer = Observer(log=self.log.works)
        self._filled = _Filled()

    def close(self) -> None:
        """Close our own session."""
        self._connection.close()

    def begin(self, session: Any) -> None:
        """A revision begins on `session` (of libpq), which `seed` and `schemas` have preceded."""
        self.observer.begin()
        self.log.forget(self.observer.last.logged)
        self.statistics.begin(session)

    def elsewhere(self, steps: Sequence[Step], session: Any, version_table: str) -> list[str]:
        """Return what the server has seen since `begin`, and none of the steps explains."""
        written = self.statistics.unexplained(steps, session, version_table)
        return [*self.log.unexplained(self.observer.last.logged), *written]

    def changed(self, steps: Iterable[Step]) -> None:
        """Count the rows of the tables again that a revision has written to."""
        for step in steps:
            for oid in {*step.rows, *step.inserted, *step.rewritten}:
                self._filled.counts.pop(oid, None)

    def seed(self, rows: Rows) -> list[str]:
        """Put rows into the tables that are new or have lost theirs.

        Returns:
            Sentences about what could not be done.
        """
        filled = self._filled
        there = self._connection.execute(*sample_rows.tables()).fetchall()
        known = filled.counts.keys()
        new = {f"{schema}.{name}": oid for oid, schema, name in there if oid not in known}
        if not new:
            return []
        self.statistics.forget()
        empty = new.keys() if EVERY in rows.empty else rows.empty
        full = new.keys() if EVERY in rows.full else rows.full
        seeded = sample_rows.seed(self._connection, full, empty, new.keys())
        filled.ours |= seeded.ours
        filled.counts |= dict.fromkeys(new.values(), 0) | seeded.counts
        return seeded.problems

    def clear(self, table: str) -> None:
        """Remove the rows of a table (schema.name), so that `seed` fills it again; `*` is all."""
        self.statistics.forget()
        for oid, schema, name in self._connection.execute(*sample_rows.tables()).fetchall():
            if oid in self._filled.ours and table in (EVERY, f"{schema}.{name}"):
                with self._connection.transaction():
                    # Without foreign keys and triggers.
                    self._connection.execute("SET LOCAL session_replication_role = replica")
                    self._connection.execute(
                        sql.SQL("DELETE FROM ONLY {}").format(sql.Identifier(schema, name))
                    )
                del self._filled.counts[oid]

    def many(self) -> dict[int, int]:
        """Return by table how many rows, changed by one statement, are a bulk."""
        counts, ours = self._filled.counts, self._filled.ours
        many = {oid: max(count, sample_rows.ROWS) for oid, count in counts.items() if count}
        # The keys of our rows are far apart: who changes two of them at once goes for all.
        return many | {oid: 2 for oid in many if oid in ours}

    def rows(self) -> dict[int, int]:
        """Return by table how many rows it has."""
        return {**self._filled.counts}

    def schemas(self) -> catalog.Schemas:
        """Return what is there now."""
        return self.observer.look(self._connection.pgconn).schemas
