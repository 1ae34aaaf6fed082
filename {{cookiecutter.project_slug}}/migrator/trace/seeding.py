"""A few rows in every table, whatever its columns are, without knowing what they mean.

Foreign keys and triggers are off meanwhile (`session_replication_role`, which only a superuser
may set). The same number goes into every key, so that rows belong together all the same. Where a
check or a partition wants something else, the constants that it is written with are tried. A
table that takes no row at all is named.
"""

import itertools
import re
import uuid
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from psycopg import Connection, Error, errors, sql

ROWS = 3
TRIES = 200  # for a row, with other values each time
COLUMNS = """
SELECT a.attrelid, a.attname, format_type(coalesce(nullif(t.typbasetype, 0), t.oid),
        CASE WHEN t.typbasetype = 0 THEN a.atttypmod ELSE t.typtypmod END),
    t.typcategory, a.attnotnull OR t.typnotnull, a.attgenerated <> '',
    ARRAY(SELECT enumlabel FROM pg_enum e WHERE e.enumtypid IN (t.oid, t.typbasetype)
        ORDER BY enumsortorder)::text[],
    (SELECT coalesce(json_object_agg(k.conname, pg_get_constraintdef(k.oid)), '{}')
        FROM pg_constraint k WHERE k.contypid = t.oid
        OR k.conrelid = a.attrelid AND k.contype = 'c' AND a.attnum = ANY (k.conkey)),
    coalesce(pg_get_partition_constraintdef(a.attrelid), '')
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
TABLES = """
SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname !~ '^pg_t' AND c.relname <> 'alembic_version' ORDER BY c.oid
"""
CONSTANT = re.compile(r"'((?:[^']|'')*)'|(?<![\w.\"'])(-?\d+(?:\.\d+)?)")
# What a text of each kind of type looks like, in the words of pg_type.typcategory.
BY_CATEGORY = {"B": "true", "A": "{{}}", "I": "10.0.0.{n}", "T": "{n} seconds", "R": "empty"}
BY_TYPE = {
    "bytea": "\\x0{n}",
    "json": "{{}}",
    "jsonb": "{{}}",
    "xml": "<a/>",
    "point": "(1,{n})",
    "line": "{{1,2,{n}}}",
    "lseg": "(0,0),(1,{n})",
    "box": "(0,0),(1,{n})",
    "path": "((0,0),(1,{n}))",
    "polygon": "((0,0),(1,{n}))",
    "circle": "<(0,0),{n}>",
    "macaddr": "08:00:2b:01:02:0{n}",
    "macaddr8": "08:00:2b:01:02:03:04:0{n}",
    "pg_lsn": "0/{n}",
}


class Column:
    """A column to fill, and the values that may fit, the likely ones first."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        _, self.name, self.type, self.category, self.required, self.generated = row[:6]
        self.labels: list[str] = row[6]
        # A partition's own condition has no name, in PostgreSQL's messages neither.
        self.checks: dict[str | None, str] = {**row[7], None: row[8]}

    def values(self, number: int) -> Iterator[str]:
        """Yield texts for row `number`, which the server reads as the column's type."""
        yield self._usual(number)
        constants = CONSTANT.findall(" ".join(self.checks.values()))
        for text, digits in dict.fromkeys(constants):
            constant = text.replace("''", "'") or digits
            yield constant
            if re.fullmatch(r"-?\d+", constant):
                yield str(int(constant) + number)
                yield str(int(constant) - number)

    def _usual(self, number: int) -> str:
        kind = re.sub(r"\(.*\)", "", self.type)
        if self.labels:
            return self.labels[number % len(self.labels)]
        if kind == "uuid":
            return str(uuid.UUID(int=number))
        if self.category == "D":
            return "12:00" if kind.startswith("time ") else f"2026-01-0{number}"
        if kind.startswith("bit"):
            size = re.search(r"\((\d+)\)", self.type)
            return "1" * (int(size[1]) if size else 1)
        pattern = BY_TYPE.get(kind) or BY_CATEGORY.get(self.category, "{n}")
        return pattern.format(n=number)


def seed(connection: Connection[Any], full: Collection[str], empty: Collection[str]) -> list[str]:
    """Put rows into the tables that have none, and return a sentence for each that takes none.

    Args:
        connection: in autocommit mode, of a superuser.
        full: tables (schema.name) in which no value may be NULL.
        empty: tables that are to have no row.
    """
    tables = connection.execute(TABLES).fetchall()
    columns: dict[int, list[Column]] = {oid: [] for oid, _, _ in tables}
    for row in connection.execute(COLUMNS, ([*columns],)):
        columns[row[0]].append(Column(row))
    problems = []
    try:
        connection.execute("SET session_replication_role = replica")
    except errors.InsufficientPrivilege:
        return ["No table has rows: only a superuser can make them without regard to foreign keys."]
    for oid, schema, name in tables:
        table = sql.Identifier(schema, name)
        shown = f"{schema}.{name}"
        query = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {})").format(table)
        found = connection.execute(query).fetchone()
        if shown in empty or (found and found[0]):
            continue
        fill = [column for column in columns[oid] if not column.generated]
        reasons = [
            _insert(connection, table, fill, number, nulls=number == ROWS and shown not in full)
            for number in range(1, ROWS + 1)
        ]
        if all(reasons):
            problems.append(f"{shown.removeprefix('public.')} has no rows: {reasons[0]}.")
    connection.execute("SET session_replication_role = origin")
    _advance_sequences(connection)
    return problems


def _insert(
    connection: Connection[Any],
    table: sql.Composable,
    columns: list[Column],
    number: int,
    *,
    nulls: bool,
) -> str:
    """Insert one row; return why it was not possible, or nothing."""
    filled = [column for column in columns if column.required or not nulls]
    values = {column.name: next(column.values(number)) for column in filled}
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in filled)
    form = "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})"
    if not filled:
        form = "INSERT INTO {0} DEFAULT VALUES"
    others: dict[str | None, Iterator[dict[str, str]]] = {}
    reason = ""
    for _ in range(TRIES):
        casts = sql.SQL(", ").join(
            sql.SQL("{}::text::{}").format(values[column.name], sql.SQL(column.type))
            for column in filled
        )
        try:
            connection.execute(sql.SQL(form).format(table, names, casts))
        except errors.CheckViolation as error:
            check = error.diag.constraint_name
            reason = reason or str(error).splitlines()[0]
            if check not in others:
                others[check] = _others([c for c in filled if check in c.checks], number)
            if (change := next(others[check], None)) is None:
                return reason
            values |= change
        except Error as error:
            return str(error).splitlines()[0]
        else:
            return ""
    return reason


def _others(columns: Sequence[Column], number: int) -> Iterator[dict[str, str]]:
    """Yield other values for the columns of a check."""
    names = [column.name for column in columns]
    choices = (dict.fromkeys(column.values(number)) for column in columns)
    for values in itertools.product(*choices):
        yield dict(zip(names, values, strict=True))


def _advance_sequences(connection: Connection[Any]) -> None:
    """Revisions that insert rows must not meet the numbers that are taken."""
    found = connection.execute(
        "SELECT schemaname, sequencename FROM pg_sequences WHERE max_value > 1000 AND cycle = false"
        " AND increment_by > 0 AND coalesce(last_value, 0) < 1000"
    ).fetchall()
    for schema, name in found:
        text = sql.Identifier(schema, name).as_string(connection)
        connection.execute("SELECT setval(%s, 1000)", (text,))
