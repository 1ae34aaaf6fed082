"""A few rows in every table, whatever its columns are, without knowing what they mean.

Foreign keys and triggers are off meanwhile (`session_replication_role`, which only a superuser
may set). The same number goes into every key, so that rows belong together all the same. Where a
check or a partition wants something else, the constants that it is written with are tried. A
table that takes no row at all is named.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from psycopg import Connection, errors, sql

from migrator.config import version_table
from migrator.trace.sample_insertion import cast, insert, insert_at_once
from migrator.trace.sample_values import COLUMNS, EDGE, Column

ROWS = 3
TAKEN = 30_000  # beyond the numbers in our rows, and a smallint still
TABLES = """
SELECT c.oid, n.nspname, c.relname, pg_relation_size(c.oid) = 0, c.relhasrules OR c.relhastriggers
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname !~ '^pg_[mt]' AND c.relname <> %s {} ORDER BY c.oid
"""
# Revisions that insert rows must not meet the numbers that are taken. Of sequences that were seen
# before, only those that are as they were then (the transactions until `since`) are left alone.
ADVANCE = """
WITH new AS MATERIALIZED (
    SELECT seqrelid FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid
    WHERE seqmax > %(taken)s AND seqmin <= %(taken)s AND NOT seqcycle AND seqincrement > 0
        AND c.relpersistence <> 't' AND age(pg_sequence.xmin) <= age(%(since)s::xid))
SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text,
    count(setval(seqrelid::regclass, %(taken)s))
FROM new WHERE coalesce(pg_sequence_last_value(seqrelid), 0) < %(taken)s
"""
EVER = "0"
KEY = """
SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
WHERE indisprimary AND indrelid = %s
"""


class Listed(NamedTuple):
    """A table; `new` if it has never had a row, `active` if more may happen with its rows."""

    oid: int
    schema: str
    name: str
    new: bool
    active: bool

    @property
    def shown(self) -> str:
        """The name, always with its schema."""
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        """The name in SQL."""
        return sql.Identifier(self.schema, self.name)


def tables(connection: Connection[Any], only: Collection[int] | None = None) -> list[Listed]:
    """Return all tables but Alembic's own, or `only` some."""
    found = "" if only is None else "AND c.oid = ANY (%s)"
    parameters = [version_table.name(), *([] if only is None else [[*only]])]
    return [Listed(*row) for row in connection.execute(TABLES.format(found), parameters)]


@dataclass
class Seeded:
    """What became of it: a sentence for each table that takes no row, and the others.

    `ours` are the tables (oids) that have got rows now, `counts` how many rows each has,
    `written` how many were tried; there may have been others unless that is `exact`. `since` is for
    the next time.
    """

    problems: list[str] = field(default_factory=list)
    ours: set[int] = field(default_factory=set)
    counts: dict[int, int] = field(default_factory=dict)
    written: dict[int, int] = field(default_factory=dict)
    exact: bool = True
    since: str = EVER


def seed(
    connection: Connection[Any],
    listed: Collection[Listed],
    full: Collection[str],
    empty: Collection[str],
    *,
    edges: bool = False,
    since: str = EVER,
) -> Seeded:
    """Put rows into the tables that have none.

    Args:
        connection: in autocommit mode, of a superuser; foreign keys and triggers stay off there,
            because the server plans every query anew when that changes.
        listed: the tables.
        full: those (schema.name) in which no value may be NULL.
        empty: those that are to have no row.
        edges: one more row, with values at the edge of their types.
        since: when rows were put into tables of this database before.
    """
    columns: dict[int, list[Column]] = {each.oid: [] for each in listed}
    for row in connection.execute(COLUMNS, {"tables": [*columns]}):
        columns[row[0]].append(Column(row))
    seeded = Seeded()
    try:
        connection.execute("SET session_replication_role = replica")
    except errors.InsufficientPrivilege:
        reason = "only a superuser can make them without regard to foreign keys"
        return Seeded([f"No table has rows: {reason}."])
    for each in listed:
        oid, shown = each.oid, each.shown
        seeded.counts[oid] = 0 if each.new else _count(connection, each)
        if shown in empty or seeded.counts[oid]:
            continue
        fill = [column for column in columns[oid] if not column.generated]
        numbers = range(1, (EDGE if edges else ROWS) + 1)
        rows = {number: number == ROWS and shown not in full for number in numbers}
        reasons = [""] * len(rows)
        if insert_at_once(connection, each.identifier, fill, rows):
            seeded.written[oid] = len(rows)
        else:
            seeded.exact = False
            reasons = [
                insert(connection, each.identifier, fill, number, nulls=nulls)
                for number, nulls in rows.items()
            ]
        seeded.exact = seeded.exact and not each.active
        seeded.ours.add(oid)
        seeded.counts[oid] = reasons.count("")
        if all(reasons):
            seeded.problems.append(f"{shown.removeprefix('public.')} has no rows: {reasons[0]}.")
    found = connection.execute(ADVANCE, {"taken": TAKEN, "since": since}).fetchone()
    seeded.since = str(found[0]) if found else EVER
    return seeded


def remove(connection: Connection[Any], table: Listed, *, others: bool) -> None:
    """Remove the rows that `seed` has put into a table.

    Args:
        others: there may be rows of somebody else, which stay if ours can be told by their keys.
    """
    key = [name for (name,) in connection.execute(KEY, [table.oid])] if others else []
    rows = connection.execute(COLUMNS, {"tables": [table.oid]}) if key else ()
    columns = [column for column in map(Column, rows) if column.name in key]
    values = [
        sql.SQL(", ").join(cast(each, next(each.values(number, far=True))) for each in columns)
        for number in range(1, EDGE + 1)
    ]
    statement = sql.SQL("DELETE FROM ONLY {}").format(table.identifier)
    if columns:
        statement += sql.SQL(" WHERE ROW ({}) IN ({})").format(
            sql.SQL(", ").join(sql.Identifier(each.name) for each in columns),
            sql.SQL(", ").join(sql.SQL("ROW ({})").format(each) for each in values),
        )
    connection.execute(statement)


def _count(connection: Connection[Any], table: Listed) -> int:
    count = sql.SQL("SELECT count(*) FROM ONLY {}").format(table.identifier)
    found = connection.execute(count).fetchone()
    return int(found[0]) if found else 0
