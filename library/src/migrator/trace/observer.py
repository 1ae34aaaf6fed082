"""Looks at what a session has done, and at no more than can have changed since the last time."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from migrator.postgres import sql
from migrator.trace import queries, schemas
from migrator.trace.event_log import STEP
from migrator.trace.schemas import Schemas
from migrator.trace.transaction_state import State, query

if TYPE_CHECKING:  # psycopg does not come with SQLite
    from psycopg.pq.abc import PGconn

# They exchange the files of tables, and no event trigger tells.
FILES = ("TRUNCATE", "CLUSTER", "VACUUM", "REINDEX", "REFRESH")
# Any code may run here.
CODE = ("DO", "CALL", "SELECT", "WITH")
# Else what a statement changes are tables that it locks, which are new or not, and types.
ANYWHERE = (*CODE, "ALTER SCHEMA", "ALTER EXTENSION")


class Observer:
    """Reads one shadow database; `log` if there is an event log, `last` the last state."""

    def __init__(self, *, log: bool) -> None:
        self.log = log
        self.last = State()
        self._schemas = Schemas()
        # Of each relation that there was, its table.
        self._owners: dict[int, int] = {}
        self._version: tuple[int, str] | None = None
        self._exchanged = "never"
        self._counted: set[int] | None = None
        # Whose transaction `last` is the state of, if nothing has run in it since.
        self._unchanged: PGconn | None = None
        # What has told the statistics all that it did, and done nothing since.
        self.reported: PGconn | None = None

    def changed(self) -> None:
        """Something runs that is not looked at, or a transaction begins or ends."""
        self._unchanged = self.reported = None

    def before(self, session: "PGconn", step: str, first: str) -> State:
        """Return the state before `step`, without asking again for what has just been seen.

        Args:
            first: a statement that comes first, and returns nothing.
        """
        if session is not self._unchanged:
            return self.look(session, first=first, step=step)
        query(session, f"SET {STEP} = '{step}'; SELECT to_json(1)")
        return self.last

    def begin(self, *, reported: bool) -> None:
        """A revision begins. What its session has not `reported` is still in its counters."""
        self.changed()
        self._counted = set() if reported else None

    def look(self, session: "PGconn", *, first: str = "", step: str = "", after: str = "") -> State:
        """Return the state of a session, in the transaction that it is in.

        Args:
            first: see `before`.
            step: what the session does from now on, for the event log.
            after: the statement that has just run.

        Raises:
            MigratorError: the database cannot be read.
        """
        others = self._owners if self._counted is None else self._counted
        several = ";" in after and len(sql.split(after)) > 1
        partly = self.log and bool(after) and not several and not sql.begins(after, *ANYWHERE)
        since = self.last.logged if partly else None
        moment = queries.moment(others, log=self.log, since=since)
        found = query(session, f"{first}SET {STEP} = '{step}'; {moment}")
        locks = frozenset((oid, mode) for oid, mode in found["locks"])
        state = State(
            found["transaction"], found["logged"], found["unexplained"], found["roles"], locks
        )
        counted = {oid for oid, *_ in found["counters"]}
        # In the transactions of a procedure, there were more locks than can be seen.
        unseen = bool(after) and state.transaction != self.last.transaction
        self._counted = None if unseen else (self._counted or set()) | counted
        word = sql.first_word(after) if after else ""
        again = several or word in FILES or (word in CODE and bool(state.strong))
        if again:
            self._exchanged = state.transaction
        # What was exchanged is there again when the transaction has been rolled back.
        version = state.logged, self._exchanged if state.transaction == self._exchanged else ""
        if again or version != self._version or not self.log:
            same = state.transaction == self.last.transaction and self._version is not None
            same = same and state.logged >= self.last.logged  # nothing was rolled back
            touched: set[int] | None = None
            if same and partly:
                touched = {
                    self._owners.get(oid, oid) for oid, mode in locks if mode not in queries.USED
                }
            self._read(session, touched, found["schemas"])
            self._version = version
        counters = self._counters(found["counters"])
        self.last = replace(state, schemas=self._schemas, counters=counters)
        self._unchanged = session
        return self.last

    def _read(self, session: "PGconn", touched: set[int] | None, read: Any) -> None:
        """Read the tables that are touched again, or everything, unless they have been `read`."""
        if touched is None or not read:
            read = query(session, queries.schemas(touched, log=self.log))
        found = schemas.of(read)
        self._schemas = self._schemas.replaced(touched, found)
        for oid, table in found.tables.items():
            self._owners.update(dict.fromkeys(table.files, oid))

    def _counters(self, found: Iterable[tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
        """Return the counters of tables, with the rows that were found by their indexes."""
        counters, tables = {}, self._schemas.tables
        by_index: Counter[int] = Counter()
        for oid, *counts, returned, fetched in found:
            owner = self._owners.get(oid, oid)
            if owner in tables and oid == owner:
                counters[oid] = (*counts, returned + fetched)
            elif owner in tables and oid in tables[owner].files:
                by_index[owner] += fetched
        return {oid: (*counts, read + by_index[oid]) for oid, (*counts, read) in counters.items()}
