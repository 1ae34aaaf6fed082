"""What the server knows about the transaction that is running: its locks, files and counters."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# By what they stop in other sessions; the other modes stop only changes of the schema.
STOPS_READS = frozenset({"AccessExclusiveLock"})
STOPS_WRITES = STOPS_READS | {"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock"}

RELATIONS = """
SELECT c.oid, CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname,
    pg_relation_filenode(c.oid), coalesce(i.indrelid, c.oid), c.relnatts
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'm', 'i', 'I')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_t'
"""
LOCKS = """
SELECT relation, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
COUNTERS = "SELECT relid, seq_scan, n_tup_ins, n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
# The last: its columns can have values as soon as they are there.
FOREIGN_KEYS = """
SELECT oid, conrelid, (confrelid, conkey, confkey, confupdtype, confdeltype)::text, conkey,
    EXISTS (SELECT FROM pg_attribute a WHERE attrelid = conrelid AND attnum = ANY (conkey)
        AND atthasdef)
FROM pg_constraint WHERE contype = 'f' AND convalidated
"""


@dataclass(frozen=True)
class ForeignKey:
    """A validated foreign key of a table; `filled` if its columns have a default."""

    table: int
    definition: str
    columns: list[int]
    filled: bool


@dataclass(frozen=True)
class State:
    """One moment of a session. Relations are known by their oids, which outlive renames.

    `files` are the files that tables and indexes are kept in, `tables` the table of each
    relation, `widths` the numbers of their last columns, `counters` sequential scans, inserted
    rows, and updated or deleted ones.
    """

    names: dict[int, str] = field(default_factory=dict)
    files: dict[int, int | None] = field(default_factory=dict)
    tables: dict[int, int] = field(default_factory=dict)
    widths: dict[int, int] = field(default_factory=dict)
    locks: frozenset[tuple[int, str]] = frozenset()
    counters: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    foreign_keys: dict[int, ForeignKey] = field(default_factory=dict)


def look(connection: Any) -> State:
    """Return the state of a psycopg connection's session, in the transaction that it is in."""
    with connection.cursor() as cursor:
        relations = cursor.execute(RELATIONS).fetchall()
        locks = cursor.execute(LOCKS).fetchall()
        counters = cursor.execute(COUNTERS).fetchall()
        foreign_keys = cursor.execute(FOREIGN_KEYS).fetchall()
    return State(
        {oid: name for oid, name, *_ in relations},
        {oid: file for oid, _, file, *_ in relations},
        {oid: table for oid, *_, table, _ in relations},
        {oid: width for oid, *_, width in relations},
        frozenset((oid, mode) for oid, mode in locks),
        {oid: (scans, inserted, changed) for oid, scans, inserted, changed in counters},
        {oid: ForeignKey(*rest) for oid, *rest in foreign_keys},
    )


def rewritten(before: State, after: State) -> set[int]:
    """Return the tables that are kept in other files than before, or whose indexes are."""
    changed = {
        before.tables[oid]
        for oid, file in before.files.items()
        if oid in after.files and after.files[oid] != file
    }
    return changed & after.names.keys()


def grown(before: State, after: State, counter: int) -> dict[int, int]:
    """Return by how much one of the counters has grown, for the tables where it has."""
    return {
        oid: now[counter] - before.counters.get(oid, (0, 0, 0))[counter]
        for oid, now in after.counters.items()
        if now[counter] > before.counters.get(oid, (0, 0, 0))[counter]
    }


def validated(before: State, after: State) -> set[int]:
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


def locked_tables(state: State, modes: Iterable[str]) -> set[int]:
    """Return the tables that are locked in one of the modes."""
    wanted = set(modes)
    return {oid for oid, mode in state.locks if mode in wanted and state.tables.get(oid) == oid}
