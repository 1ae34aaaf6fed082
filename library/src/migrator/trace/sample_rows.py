"""A few rows in every table, whatever its columns are, without knowing what they mean.

Foreign keys and triggers are off meanwhile (`session_replication_role`, which only a superuser
may set). The same number goes into every key, so that rows belong together all the same. Where a
check or a partition wants something else, the constants that it is written with are tried. A
table that takes no row at all is named.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection, errors, sql

from migrator.config import version_table
from migrator.trace.insertion import insert
from migrator.trace.sample_values import COLUMNS, EDGE, Column

ROWS = 3
TAKEN = 30_000  # beyond the numbers in our rows, and a smallint still
_TABLES = """
SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname !~ '^pg_[mt]' AND c.relname <> %s ORDER BY c.oid
"""


def tables() -> tuple[str, tuple[str]]:
    """Return a query for all tables but Alembic's own, with its parameter."""
    return _TABLES, (version_table.name(),)


@dataclass
class Seeded:
    """What became of it: a sentence for each table that takes no row, and the others.

    `ours` are the tables (oids) that have got rows now, `counts` how many rows each has.
    """

    problems: list[str] = field(default_factory=list)
    ours: set[int] = field(default_factory=set)
    counts: dict[int, int] = field(default_factory=dict)


def seed(
    connection: Connection[Any],
    full: Collection[str],
    empty: Collection[str],
    only: Collection[str] | None = None,
    *,
    edges: bool = False,
) -> Seeded:
    """Put rows into the tables that have none.

    Args:
        connection: in autocommit mode, of a superuser.
        full: tables (schema.name) in which no value may be NULL.
        empty: tables that are to have no row.
        only: tables that are to have rows, if not all of them.
        edges: one more row, with values at the edge of their types.
    """
    listed = [
        (oid, schema, name)
        for oid, schema, name in connection.execute(*tables()).fetchall()
        if only is None or f"{schema}.{name}" in only
    ]
    columns: dict[int, list[Column]] = {oid: [] for oid, _, _ in listed}
    for row in connection.execute(COLUMNS, {"tables": [*columns]}):
        columns[row[0]].append(Column(row))
    seeded = Seeded()
    try:
        connection.execute("SET session_replication_role = replica")
    except errors.InsufficientPrivilege:
        reason = "only a superuser can make them without regard to foreign keys"
        return Seeded([f"No table has rows: {reason}."])
    for oid, schema, name in listed:
        table = sql.Identifier(schema, name)
        shown = f"{schema}.{name}"
        found = connection.execute(sql.SQL("SELECT count(*) FROM ONLY {}").format(table)).fetchone()
        seeded.counts[oid] = found[0] if found else 0
        if shown in empty or seeded.counts[oid]:
            continue
        fill = [column for column in columns[oid] if not column.generated]
        reasons = [
            insert(connection, table, fill, number, nulls=number == ROWS and shown not in full)
            for number in range(1, (EDGE if edges else ROWS) + 1)
        ]
        seeded.ours.add(oid)
        seeded.counts[oid] = reasons.count("")
        if all(reasons):
            seeded.problems.append(f"{shown.removeprefix('public.')} has no rows: {reasons[0]}.")
    connection.execute("SET session_replication_role = origin")
    _advance_sequences(connection)
    return seeded


def _advance_sequences(connection: Connection[Any]) -> None:
    """Revisions that insert rows must not meet the numbers that are taken."""
    found = connection.execute(
        "SELECT schemaname, sequencename FROM pg_sequences WHERE max_value > %(taken)s"
        " AND cycle = false AND increment_by > 0 AND coalesce(last_value, 0) < %(taken)s",
        {"taken": TAKEN},
    ).fetchall()
    for schema, name in found:
        text = sql.Identifier(schema, name).as_string(connection)
        connection.execute("SELECT setval(%s, %s)", (text, TAKEN))
