"""What the server knows about the transaction that is running: its locks, files and counters."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from migrator.errors import MigratorError
from migrator.postgres.lock_modes import STOPS_WRITES
from migrator.trace.schemas import Schemas

if TYPE_CHECKING:  # psycopg does not come with SQLite
    from psycopg.pq.abc import PGconn

ROW_LOCKS = "RowShareLock"

# A row that is locked has the transaction (or a later one: a savepoint's) in xmax.
LOCKED_ROWS = """
SELECT count(*) FROM ONLY {table} WHERE xmax <> '0'::xid
    AND age(xmax) <= age(pg_current_xact_id()::xid)
"""


@dataclass(frozen=True)
class State:
    """One moment of a session.

    `logged` is the last entry of the event log, `unexplained` the last that no step explains,
    `counters` are sequential scans, inserted rows, updated or deleted ones, and those read.
    """

    transaction: str = ""
    logged: int = -1
    unexplained: int = 0
    roles: int = 0
    locks: frozenset[tuple[int, str]] = frozenset()
    counters: dict[int, tuple[int, ...]] = field(default_factory=dict)
    schemas: Schemas = field(default_factory=Schemas)

    @property
    def strong(self) -> frozenset[tuple[int, str]]:
        """The locks that writers wait for."""
        return frozenset(lock for lock in self.locks if lock[1] in STOPS_WRITES)


def query(session: "PGconn", statement: str) -> Any:
    """Return the one JSON value of a query, past psycopg's cursors, which are followed.

    Raises:
        MigratorError: the server refuses it.
    """
    result = session.exec_(statement.encode())
    if result.get_value(0, 0) is None:
        said = session.error_message.decode("utf-8", "replace").strip()
        raise MigratorError(f"The shadow database cannot be observed: {said}")
    return json.loads(result.get_value(0, 0) or b"")


def grown(before: State, after: State, counter: int) -> dict[int, int]:
    """Return by how much one of the counters has grown, for the tables where it has."""
    found = {}
    for oid, now in after.counters.items():
        then = before.counters[oid][counter] if oid in before.counters else 0
        if now[counter] > then:
            found[oid] = now[counter] - then
    return found


def locked_rows(session: "PGconn", state: State, read: Iterable[int]) -> dict[int, int]:
    """Return how many rows the transaction has locked in tables that it has read, if any."""
    found = {}
    for oid in read:
        if (oid, ROW_LOCKS) in state.locks:
            table = query(session, f"SELECT to_json({oid}::regclass::text)")
            found[oid] = int(query(session, LOCKED_ROWS.format(table=table)))
    return {oid: count for oid, count in found.items() if count}


def locked_tables(state: State, modes: Iterable[str]) -> set[int]:
    """Return the tables that are locked in one of the modes."""
    wanted, tables = set(modes), state.schemas.tables
    return {oid for oid, mode in state.locks if mode in wanted and oid in tables}
