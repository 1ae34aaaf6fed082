"""What the operations ask PostgreSQL's catalog, as SQL that serves a session and a DO block."""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, table
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import ExecutableDDLElement

from migrator.operations.running import Session

# Not the session's dialect: its driver wants every percent sign twice.
DIALECT = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
PREPARER = DIALECT.identifier_preparer
NAME_LENGTH = 63


def compiled(element: ExecutableDDLElement) -> str:
    """Return DDL as SQL."""
    return " ".join(str(element.compile(dialect=DIALECT)).split("\n")).strip()


def quoted(name: str, schema: str | None = None) -> str:
    """Return the name of a table or an index as SQL writes it, only in quotes if it has to be."""
    return str(PREPARER.format_table(table(name, schema=schema)))


def column(name: str) -> str:
    """Return the name of a column as SQL writes it."""
    return str(PREPARER.quote(name))


def literal(text: str) -> str:
    """Return a string as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def unquoted(name: str) -> str:
    """Return an identifier as the catalog has it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def final_name(item: Any) -> str:
    """Return the name that a constraint or index has in the end: by convention, and cut."""
    formatted = PREPARER.format_index if hasattr(item, "unique") else PREPARER.format_constraint
    return unquoted(str(formatted(item)))


def shortened(name: Any) -> str:
    """Return a constraint's name as SQL writes it, cut as SQLAlchemy cuts it when it makes one."""
    return str(PREPARER.truncate_and_render_constraint_name(name))


def cut(name: str) -> str:
    """Return a name that is not too long, and the same one every time."""
    if len(name.encode()) <= NAME_LENGTH:
        return name
    ending = "_" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return name.encode()[: NAME_LENGTH - len(ending)].decode(errors="ignore") + ending


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


def primary_key(session: Session, target: str) -> list[str]:
    """Return the columns of the table's primary key, in its order; none if it has none."""
    rows = session.rows(
        "SELECT a.attname FROM pg_catalog.pg_index i"
        " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)"
        " JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
        f" WHERE i.indrelid = {regclass(target)} AND i.indisprimary ORDER BY k.place"
    )
    return [name for (name,) in rows]


@dataclass(frozen=True)
class FoundIndex:
    """An index that is there; `columns` has None for an expression, `builder` a process."""

    valid: bool
    same_table: bool
    unique: bool
    columns: tuple[str | None, ...]
    builder: int | None


def find_index(session: Session, target: str, name: str) -> FoundIndex | None:
    """Look for an index by name, in the schema of the table `target`, where it would be."""
    rows = session.rows(
        f"SELECT i.indisvalid, i.indrelid = {regclass(target)}, i.indisunique,"
        " ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (n, place)"
        " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n"
        " WHERE k.place <= i.indnkeyatts ORDER BY k.place), p.pid"
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"
        " LEFT JOIN pg_catalog.pg_stat_progress_create_index p"
        " ON p.index_relid = c.oid AND p.pid <> pg_backend_pid()"
        f" WHERE c.relname = {literal(name)} AND c.relnamespace ="
        f" (SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = {regclass(target)})"
    )
    if not rows:
        return None
    valid, same_table, unique, columns, builder = rows[0]
    return FoundIndex(valid, same_table, unique, tuple(columns), builder)


def target_of(item: Any) -> str:
    """Return the quoted name of the table that a constraint or an index belongs to."""
    owner: Table = item.table
    return quoted(owner.name, owner.schema)
