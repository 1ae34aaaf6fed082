"""What may stand in a column, as far as the catalog tells: its type, its checks, its partition."""

import uuid
from collections.abc import Iterator
from typing import Any

from migrator.postgres import sql

COLUMNS = """
WITH keys (relation, number) AS (
    SELECT conrelid, unnest(conkey) FROM pg_constraint
    WHERE contype = 'f' AND conrelid = ANY (%(tables)s)
    UNION SELECT confrelid, unnest(confkey) FROM pg_constraint
    WHERE contype = 'f' AND confrelid = ANY (%(tables)s))
SELECT a.attrelid, a.attname, format_type(coalesce(nullif(t.typbasetype, 0), t.oid),
        CASE WHEN t.typbasetype = 0 THEN a.atttypmod ELSE t.typtypmod END),
    t.typcategory, a.attnotnull OR t.typnotnull, a.attgenerated <> '',
    ARRAY(SELECT enumlabel FROM pg_enum e WHERE e.enumtypid IN (t.oid, t.typbasetype)
        ORDER BY enumsortorder)::text[],
    (SELECT coalesce(json_object_agg(k.conname, pg_get_constraintdef(k.oid)), '{}')
        FROM pg_constraint k WHERE k.contypid = t.oid
        OR k.conrelid = a.attrelid AND k.contype = 'c' AND a.attnum = ANY (k.conkey)),
    coalesce(pg_get_partition_constraintdef(a.attrelid), ''),
    EXISTS (SELECT FROM pg_index x WHERE x.indrelid = a.attrelid AND a.attnum = ANY (x.indkey))
    OR (a.attrelid, a.attnum) IN (SELECT relation, number FROM keys)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = ANY (%(tables)s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
# Between the keys of two rows, so that a batch of some thousand keys meets one row only. A third
# row still fits into a smallint.
FAR = 10_001
WHOLE = ("smallint", "integer", "bigint")
# What a text of each kind of type looks like, in the words of pg_type.typcategory.
BY_CATEGORY = {"B": "true", "A": "{}", "I": "10.0.0.{n}", "T": "{n} seconds", "R": "empty"}
BY_TYPE = {
    "bytea": "\\x0{n}",
    "json": "{}",
    "jsonb": "{}",
    "xml": "<a/>",
    "point": "(1,{n})",
    "line": "{1,2,{n}}",
    "lseg": "(0,0),(1,{n})",
    "box": "(0,0),(1,{n})",
    "path": "((0,0),(1,{n}))",
    "polygon": "((0,0),(1,{n}))",
    "circle": "<(0,0),{n}>",
    "macaddr": "08:00:2b:01:02:0{n}",
    "macaddr8": "08:00:2b:01:02:03:04:0{n}",
    "pg_lsn": "0/{n}",
}
# The row with values at the edge of their types, in columns that nothing refers to.
EDGE = 4
LONGEST = 200  # of a text that a condition on its length may want
EDGES = {
    "smallint": "32767",
    "integer": "2147483647",
    "bigint": "9223372036854775807",
    "numeric": "12345678901234567890.0123456789",
    "text": "完成 'it''s' \\ \"x\" 100% :name",
    "date": "9999-12-31",
    "timestamp without time zone": "2026-02-03 04:05:06.789012",
    "timestamp with time zone": "2026-02-03 04:05:06.789012+00",
    "time without time zone": "23:59:59.999999",
    "interval": "1 day 02:03:04.5",
    "bytea": "\\x00ff27",
    "json": '{"a": [1, null, "ü"]}',
    "jsonb": '{"a": [1, null, "ü"]}',
}


class Column:
    """A column to fill, and the values that may fit, the likely ones first."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        _, self.name, self.type, self.category, self.required, self.generated = row[:6]
        self.labels: list[str] = row[6]
        # A partition's own condition has no name, in PostgreSQL's messages neither.
        self.checks: dict[str | None, str] = {**row[7], None: row[8]}
        self.keyed: bool = row[9]

    def values(self, number: int, *, far: bool) -> Iterator[str]:
        """Yield texts for row `number`, which the server reads as the column's type.

        Args:
            far: whole numbers are to be far apart, from row to row.
        """
        if number == EDGE and not self.keyed and far and (edge := self._edge()):
            yield edge
        if far and self.type in WHOLE:
            yield str((number - 1) * FAR + 1)
        yield self._usual(number)
        for constant in sql.constants(" ".join(self.checks.values())):
            yield constant
            if constant.removeprefix("-").isdecimal():
                yield str(int(constant) + number)
                yield str(int(constant) - number)
                if self.category == "S" and 0 < int(constant) <= LONGEST:  # a length, perhaps
                    yield str(number)[-1] * int(constant)

    def _edge(self) -> str:
        """Return a value at the edge of the type; nothing where there is none."""
        kind = sql.base_type(self.type)
        if "(" in self.type and kind in ("character varying", "character"):
            return "é" * sql.length(self.type)
        if kind == "numeric" and "(" in self.type:
            whole, digits = sql.digits(self.type)
            return "9" * whole + ("." + "9" * digits if digits else "")
        return EDGES.get(kind, "")

    def _usual(self, number: int) -> str:
        kind = sql.base_type(self.type)
        if self.labels:
            return self.labels[number % len(self.labels)]
        if kind == "uuid":
            return str(uuid.UUID(int=number))
        if self.category == "D":
            return "12:00" if kind.startswith("time ") else f"2026-01-0{number}"
        if kind.startswith("bit"):
            return "1" * sql.length(self.type)
        pattern = BY_TYPE.get(kind) or BY_CATEGORY.get(self.category, "{n}")
        return pattern.replace("{n}", str(number))
