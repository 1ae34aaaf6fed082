"""The shadow database: its sessions, its rows, and what is in it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus
from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from migrator.trace import sample_rows
from migrator.trace.cursors import Unwatched
from migrator.trace.event_log import EventLog
from migrator.trace.observer import Observer
from migrator.trace.queries import FUNCTIONS
from migrator.trace.rejected_rows import EVERY, Rows
from migrator.trace.row_statistics import REPORT, RowStatistics
from migrator.trace.schemas import Schemas
from migrator.trace.traced_statement import Step

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
    """The tables that were looked at; `ours` have our rows, `counts` says how many each has.

    `seen` are these and what is no table with rows of its own, `since` is when that was.
    """

    seen: set[int] = field(default_factory=set)
    ours: set[int] = field(default_factory=set)
    counts: dict[int, int] = field(default_factory=dict)
    since: str = sample_rows.EVER


class Database:
    """The database at `url`; revisions run on connections of `engine`."""

    def __init__(self, url: URL) -> None:
        self.engine = create_engine(url, poolclass=NullPool)
        own = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: psycopg.Connection[Any] = psycopg.connect(
            own, autocommit=True, cursor_factory=Unwatched
        )
        # What is read again and again is planned once.
        self._connection.execute("SET plan_cache_mode = force_generic_plan")
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
        self._added: set[int] = set()  # the tables to which revisions have added rows

    def close(self) -> None:
        """Close our own session."""
        self._connection.close()

    def begin(self, session: Any) -> None:
        """A revision begins on `session` (of libpq), which `seed` and `schemas` have preceded."""
        reported = self._report(session)
        self.statistics.begin()
        self.observer.begin(reported=reported)
        self.log.forget(self.observer.last)

    def elsewhere(self, steps: Sequence[Step], session: Any, version_table: str) -> list[str]:
        """Return what the server has seen since `begin`, and none of the steps explains."""
        self._report(session)
        written = self.statistics.unexplained(steps, version_table)
        return [*self.log.unexplained(self.observer.last), *written]

    def changed(self, steps: Iterable[Step]) -> None:
        """Count the rows of the tables again that a revision has written to."""
        for step in steps:
            self._added.update(step.inserted)
            self._forget({*step.rows, *step.inserted, *step.rewritten})

    def seed(self, rows: Rows, tables: Collection[int]) -> list[str]:
        """Put rows into those of the tables that are new or have lost theirs.

        Returns:
            Sentences about what could not be done.
        """
        filled = self._filled
        unseen = [oid for oid in tables if oid not in filled.seen]
        if not unseen:
            return []
        filled.seen.update(unseen)
        listed = sample_rows.tables(self._connection, unseen)
        if not listed:
            return []
        names = {each.shown for each in listed}
        # They are counted from the beginning where rows are gone.
        since = sample_rows.EVER if filled.ours.intersection(unseen) else filled.since
        seeded = sample_rows.seed(
            self._connection,
            listed,
            names if EVERY in rows.full else rows.full,
            names if EVERY in rows.empty else rows.empty,
            since=since,
        )
        filled.ours |= seeded.ours
        filled.counts |= dict.fromkeys((each.oid for each in listed), 0) | seeded.counts
        filled.since = seeded.since
        self.statistics.seeded(seeded.written if seeded.exact else None)
        return seeded.problems

    def clear(self, table: str, rows: Rows) -> None:
        """Remove our rows of a table (schema.name), so that `seed` fills it again; `*` is all.

        From tables that are to be empty, copies of ours that revisions have made go, too.
        """
        self.statistics.forget()
        for each in sample_rows.tables(self._connection):
            emptied = each.shown in rows.empty
            if (emptied or each.oid in self._filled.ours) and table in (EVERY, each.shown):
                with self._connection.transaction():
                    # Without foreign keys and triggers.
                    self._connection.execute("SET LOCAL session_replication_role = replica")
                    others = each.oid in self._added and not emptied
                    sample_rows.remove(self._connection, each, others=others)
                self._forget([each.oid])

    def many(self) -> dict[int, int]:
        """Return by table how many rows, changed by one statement, are a bulk."""
        counts, ours = self._filled.counts, self._filled.ours
        many = {oid: max(count, sample_rows.ROWS) for oid, count in counts.items() if count}
        # The keys of our rows are far apart: who changes two of them at once goes for all.
        return many | {oid: 2 for oid in many if oid in ours}

    def rows(self) -> dict[int, int]:
        """Return by table how many rows it has."""
        return {**self._filled.counts}

    def schemas(self) -> Schemas:
        """Return what is there now."""
        return self.observer.look(self._connection.pgconn).schemas

    def _report(self, session: Any) -> bool:
        """Let a session report what it has written; return whether it has."""
        if self.statistics.works and self.observer.reported is not session:
            idle = session.transaction_status == TransactionStatus.IDLE
            session.exec_(REPORT.encode())
            self.observer.reported = session if idle else None
        return self.observer.reported is session

    def _forget(self, tables: Iterable[int]) -> None:
        for oid in tables:
            self._filled.counts.pop(oid, None)
            self._filled.seen.discard(oid)
