"""Rows that break a constraint: how many, and the query that finds them.

What a failed revision would have added is rolled back with it. So the revision is run once more on
a twin, a copy of the schema without a row, where nothing can be broken; its catalog has every new
constraint in full, whatever form the revision has added it in. Each is looked for in the data.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from migrator.rehearsal.result import Violation

# Constraints, unique indexes without one, and NOT NULL, which is no constraint before 18.
CONSTRAINTS = """
SELECT conrelid::regclass::text AS table, quote_ident(conname) AS name, contype::text AS kind,
  pg_get_expr(conbin, conrelid) AS condition, '' AS filter,
  nullif(confrelid, 0)::regclass::text AS other,
  (SELECT array_agg(quote_ident(attname) ORDER BY n) FROM unnest(conkey) WITH ORDINALITY k (num, n)
    JOIN pg_attribute ON attrelid = conrelid AND attnum = num) AS columns,
  (SELECT array_agg(quote_ident(attname) ORDER BY n) FROM unnest(confkey) WITH ORDINALITY k (num, n)
    JOIN pg_attribute ON attrelid = confrelid AND attnum = num) AS others,
  convalidated AS valid
FROM pg_constraint WHERE contype IN ('c', 'f') AND conrelid >= 16384 AND conparentid = 0
UNION ALL
SELECT indrelid::regclass::text, quote_ident(relname), 'u', NULL,
  coalesce(pg_get_expr(indpred, indrelid), ''), NULL,
  (SELECT array_agg(pg_get_indexdef(indexrelid, n, false) ORDER BY n)
    FROM generate_series(1, indnkeyatts) n), NULL, indisvalid
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indisunique AND indrelid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace
  AND NOT relispartition
UNION ALL
SELECT attrelid::regclass::text, quote_ident(attname), 'n', NULL, '', NULL,
  ARRAY[quote_ident(attname)], NULL, true
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE attnotnull AND attnum > 0 AND attrelid >= 16384 AND c.relkind IN ('r', 'p')
  AND NOT attisdropped AND NOT c.relispartition AND c.relnamespace <> 'pg_toast'::regnamespace
"""
COUNTED = "SELECT count(*) FROM ({query}) AS broken"


@dataclass(frozen=True)
class Constraint:
    """A constraint as the catalog has it: names and expressions as they stand in SQL.

    One that was there without being `valid` is another one when it is.
    """

    table: str
    name: str
    kind: str
    condition: str | None
    filter: str
    other: str | None
    columns: tuple[str, ...]
    others: tuple[str, ...]
    valid: bool

    @property
    def described(self) -> str:
        """It in words."""
        kinds = {"c": "the CHECK constraint", "f": "the foreign key", "u": "the unique index",
                 "n": "NOT NULL of the column"}  # fmt: skip
        return f"{kinds[self.kind]} {self.name}"

    @property
    def query(self) -> str:
        """The query that finds the rows which break it, or the keys that several rows have."""
        columns = ", ".join(self.columns)
        if self.kind == "c":
            return f"SELECT * FROM {self.table} WHERE NOT ({self.condition})"
        if self.kind == "n":
            return f"SELECT * FROM {self.table} WHERE {columns} IS NULL"
        if self.kind == "f":
            filled = " AND ".join(f"a.{column} IS NOT NULL" for column in self.columns)
            same = " AND ".join(
                f"b.{theirs} = a.{ours}"
                for ours, theirs in zip(self.columns, self.others, strict=True)
            )
            return (
                f"SELECT * FROM {self.table} a WHERE {filled}"
                f" AND NOT EXISTS (SELECT FROM {self.other} b WHERE {same})"
            )
        filled = " AND ".join(f"({column}) IS NOT NULL" for column in self.columns)
        where = f"{filled} AND ({self.filter})" if self.filter else filled
        return (
            f"SELECT {columns}, count(*) FROM {self.table} WHERE {where}"
            f" GROUP BY {columns} HAVING count(*) > 1"
        )

    @property
    def counting(self) -> str:
        """The query that counts the rows."""
        if self.kind == "u":
            return f"SELECT coalesce(sum(count), 0)::bigint FROM ({self.query}) AS broken"
        return COUNTED.format(query=self.query)


def constraints(connection: Connection) -> set[Constraint]:
    """Return every constraint of a database."""
    rows = connection.execute(text(CONSTRAINTS)).all()
    connection.rollback()
    return {
        Constraint(
            row.table,
            row.name,
            row.kind,
            row.condition,
            row.filter,
            row.other,
            tuple(row.columns or ()),
            tuple(row.others or ()),
            row.valid,
        )
        for row in rows
    }


def find(connection: Connection, new: set[Constraint]) -> Iterator[Violation]:
    """Yield those of `new` that rows of the database break, or that cannot be looked for in it."""
    for each in sorted(new, key=lambda one: (one.table, one.name, one.valid)):
        rows = None
        with suppress(DBAPIError):  # a table or a column that the revision itself would have made
            rows = int(connection.scalar(text(each.counting.replace(":", r"\:"))) or 0)
        connection.rollback()
        if rows:
            yield Violation(each.described, each.table, rows, each.query)
