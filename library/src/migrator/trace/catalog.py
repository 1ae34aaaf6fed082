"""What the server knows about the transaction that is running: its locks, files and counters."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from migrator.errors import MigratorError
from migrator.trace.names import Names

if TYPE_CHECKING:  # psycopg does not come with SQLite
    from psycopg.pq.abc import PGconn

# By what they stop in other sessions; the other modes stop only changes of the schema.
STOPS_READS = frozenset({"AccessExclusiveLock"})
STOPS_WRITES = STOPS_READS | {"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock"}
V = TypeVar("V")
ROW_LOCKS = "RowShareLock"

# A row that is locked has the transaction (or a later one: a savepoint's) in xmax.
LOCKED_ROWS = """
SELECT count(*) FROM ONLY {table} WHERE xmax <> '0'::xid
    AND age(xmax) <= age(pg_current_xact_id()::xid)
"""


@dataclass(frozen=True)
class ForeignKey:
    """A validated foreign key of a table; `filled` if its columns have a default."""

    table: int
    definition: str
    columns: list[int]
    filled: bool


@dataclass(frozen=True)
class Schemas:
    """What is there. Relations are known by their oids, which outlive renames.

    `files` are the files that tables and indexes are kept in, `tables` the table of each
    relation, `widths` the numbers of their last columns, `used` what code goes by.
    """

    names: dict[int, str] = field(default_factory=dict)
    files: dict[int, int | None] = field(default_factory=dict)
    tables: dict[int, int] = field(default_factory=dict)
    widths: dict[int, int] = field(default_factory=dict)
    foreign_keys: dict[int, ForeignKey] = field(default_factory=dict)
    used: Names = field(default_factory=dict)

    def replaced(self, touched: Collection[int], by: "Schemas") -> "Schemas":
        """Return these, with the tables that are `touched`, and all types, from another reading."""
        gone = {oid for oid, table in self.tables.items() if oid in touched or table in touched}
        keys = {oid: key for oid, key in self.foreign_keys.items() if key.table not in touched}
        used = {key: name for key, name in self.used.items()
                if key[0] != "value" and key[1] not in touched}  # fmt: skip
        return Schemas(
            _without(self.names, gone) | by.names,
            _without(self.files, gone) | by.files,
            _without(self.tables, gone) | by.tables,
            _without(self.widths, gone) | by.widths,
            keys | by.foreign_keys,
            used | by.used,
        )


def _without(every: dict[int, V], gone: Collection[int]) -> dict[int, V]:
    return {oid: value for oid, value in every.items() if oid not in gone}


@dataclass(frozen=True)
class State:
    """One moment of a session.

    `counters` are sequential scans, inserted rows, updated or deleted ones, and those read.
    """

    transaction: str = ""
    logged: int = -1
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


def rewritten(before: Schemas, after: Schemas) -> set[int]:
    """Return the tables that are kept in other files than before, or whose indexes are."""
    changed = {
        before.tables[oid]
        for oid, file in before.files.items()
        if oid in after.files and after.files[oid] != file
    }
    return changed & after.names.keys()


def grown(before: State, after: State, counter: int) -> dict[int, int]:
    """Return by how much one of the counters has grown, for the tables where it has."""
    found = {}
    for oid, now in after.counters.items():
        then = before.counters[oid][counter] if oid in before.counters else 0
        if now[counter] > then:
            found[oid] = now[counter] - then
    return found


def validated(before: Schemas, after: Schemas) -> set[int]:
    """Return the tables that were read from end to end because of a foreign key.

    Its query may use an index, so that no counter of scans grows. It is left out for a column that
    is new and NULL, and for a key that is made again because the type of its column changes.
    """
    known = {(key.table, key.definition) for key in before.foreign_keys.values()}
    return {
        key.table
        for oid, key in after.foreign_keys.items()
        if oid not in before.foreign_keys and (key.table, key.definition) not in known
        if key.filled or min(key.columns) <= before.widths.get(key.table, 0)
    }


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
    return {oid for oid, mode in state.locks if mode in wanted and tables.get(oid) == oid}
