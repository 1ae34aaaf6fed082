"""What the operations ask PostgreSQL's catalog, as SQL that serves a session and a DO block."""

from collections.abc import Sequence

from migrator.operations.names import literal, unquoted
from migrator.operations.session import Session


def regclass(target: str) -> str:
    """Return SQL for the number of a table, whose quoted name is `target`."""
    return f"{literal(target)}::regclass"


def has_constraint(target: str, name: str) -> str:
    """Return a condition: the table has a constraint of this name."""
    return (
        "EXISTS (SELECT 1 FROM pg_catalog.pg_constraint"
        f" WHERE conrelid = {regclass(target)} AND conname = {literal(name)})"
    )


def is_validated(target: str, name: str) -> str:
    """Return a condition: the constraint holds for the rows that were there before it, too."""
    return f"{has_constraint(target, name)[:-1]} AND convalidated)"


def is_not_null(target: str, name: str) -> str:
    """Return a condition: the column is NOT NULL."""
    return (
        "EXISTS (SELECT 1 FROM pg_catalog.pg_attribute"
        f" WHERE attrelid = {regclass(target)} AND attname = {literal(name)} AND attnotnull)"
    )


def types(session: Session, target: str, columns: Sequence[str]) -> list[str]:
    """Return the types of columns, as SQL writes them; nothing for one that is not there."""
    rows = session.rows(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute"
        f" WHERE attrelid = {regclass(target)} AND attnum > 0 AND NOT attisdropped"
    )
    found = dict(rows)
    return [found.get(unquoted(name), "") for name in columns]


def primary_key(session: Session, target: str) -> list[str]:
    """Return the columns of the table's primary key, in its order; none if it has none."""
    rows = session.rows(
        "SELECT a.attname FROM pg_catalog.pg_index i"
        " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)"
        " JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
        f" WHERE i.indrelid = {regclass(target)} AND i.indisprimary ORDER BY k.place"
    )
    return [name for (name,) in rows]
