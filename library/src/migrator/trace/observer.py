"""Looks at what a session has done, and at no more than can have changed since the last time."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from migrator.postgres import sql
from migrator.trace import queries
from migrator.trace.catalog import ForeignKey, Schemas, State, query
from migrator.trace.event_log import STEP

if TYPE_CHECKING:  # psycopg does not come with SQLite
    from psycopg.pq.abc import PGconn

# They exchange the files of tables, and no event trigger tells.
FILES = ("TRUNCATE", "CLUSTER", "VACUUM", "REINDEX", "REFRESH")
# With these locks only, a table is used as it is.
USED = ("AccessShareLock", "RowShareLock", "RowExclusiveLock")
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
        self._version: tuple[int, str] | None = None
        self._exchanged = "never"
        self._counted: set[int] | None = None
        # Whose transaction `last` is the state of, if nothing has run in it since.
        self._unchanged: PGconn | None = None

    def changed(self) -> None:
        """Something runs that is not looked at, or a transaction begins or ends."""
        self._unchanged = None

    def before(self, session: "PGconn", step: str) -> State:
        """Return the state before `step`, without asking again for what has just been seen."""
        if session is not self._unchanged:
            return self.look(session, step=step)
        query(session, f"SET {STEP} = '{step}'; SELECT to_json(1)")
        return self.last

    def begin(self) -> None:
        """What the session has not reported yet, may have been done by anything until now."""
        self.changed()
        self._counted = None

    def look(self, session: "PGconn", *, step: str = "", after: str = "") -> State:
        """Return the state of a session, in the transaction that it is in.

        Args:
            step: what the session does from now on, for the event log.
            after: the statement that has just run.

        Raises:
            MigratorError: the database cannot be read.
        """
        others = self._schemas.tables if self._counted is None else self._counted
        found = query(session, f"SET {STEP} = '{step}'; {queries.moment(others, log=self.log)}")
        locks = frozenset((oid, mode) for oid, mode in found["locks"])
        state = State(found["transaction"], found["logged"], found["roles"], locks)
        counted = {oid for oid, *_ in found["counters"]}
        # In the transactions of a procedure, there were more locks than can be seen.
        unseen = bool(after) and state.transaction != self.last.transaction
        self._counted = None if unseen else (self._counted or set()) | counted
        several = ";" in after and len(sql.split(after)) > 1
        word = sql.first_word(after) if after else ""
        again = several or word in FILES or (word in CODE and bool(state.strong))
        if again:
            self._exchanged = state.transaction
        # What was exchanged is there again when the transaction has been rolled back.
        version = state.logged, self._exchanged if state.transaction == self._exchanged else ""
        if again or version != self._version or not self.log:
            same = state.transaction == self.last.transaction and self._version is not None
            same = same and state.logged >= self.last.logged  # nothing was rolled back
            if same and self.log and after and not several and not sql.begins(after, *ANYWHERE):
                touched = {oid for oid, mode in state.locks if mode not in USED}
                changed = _of(query(session, queries.schemas(touched, log=True)))
                self._schemas = self._schemas.replaced(touched, changed)
            else:
                self._schemas = _of(query(session, queries.schemas(None, log=self.log)))
            self._version = version
        counters = _counters(found["counters"], self._schemas.tables)
        self.last = replace(state, schemas=self._schemas, counters=counters)
        self._unchanged = session
        return self.last


def _counters(
    found: Iterable[tuple[int, ...]], tables: Mapping[int, int]
) -> dict[int, tuple[int, ...]]:
    """Return the counters of tables, with the rows that were found by their indexes."""
    counters = {}
    by_index: Counter[int] = Counter()
    for oid, *counts, returned, fetched in found:
        if tables.get(oid) == oid:
            counters[oid] = (*counts, returned + fetched)
        elif oid in tables:
            by_index[tables[oid]] += fetched
    return {oid: (*counts, read + by_index[oid]) for oid, (*counts, read) in counters.items()}


def _of(found: Any) -> Schemas:
    relations = found["relations"]
    return Schemas(
        {oid: name for oid, name, *_ in relations},
        {oid: file for oid, _, file, *_ in relations},
        {oid: table for oid, *_, table, _ in relations},
        {oid: width for oid, *_, width in relations},
        {oid: ForeignKey(*rest) for oid, *rest in found["foreign_keys"]},
        {(kind, oid, number): (whose, name) for kind, oid, number, whose, name in found["names"]},
    )
