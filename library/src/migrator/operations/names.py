"""Names and DDL as SQL writes them, and as PostgreSQL has them in the end: quoted and cut."""

import hashlib
from typing import Any

from sqlalchemy import Column, Dialect, Table, table
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateColumn, ExecutableDDLElement
from sqlalchemy.types import NullType

# Not the session's dialect: its driver wants every percent sign twice.
DIALECT = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
PREPARER = DIALECT.identifier_preparer
NAME_LENGTH = 63


def compiled(element: ExecutableDDLElement) -> str:
    """Return DDL as SQL."""
    _include(getattr(element, "element", None))
    return " ".join(str(element.compile(dialect=DIALECT)).split("\n")).strip()


def column_definition(column: Column[Any], dialect: Dialect) -> str:
    """Return a column as a statement for the server of a session's dialect has it.

    What SQLAlchemy writes of a generated column depends on the server: only 18 has virtual ones.
    """
    own = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
    if column.table is None and column.primary_key:
        column = column._copy()
        column.primary_key = False  # SQLAlchemy asks the table of a key whether it is numbered
    if isinstance(dialect, PGDialect):
        own.supports_virtual_generated_columns = dialect.supports_virtual_generated_columns
    return str(CreateColumn(column).compile(dialect=own))


def _include(item: Any) -> None:
    """Give the table of an index or a constraint the columns of INCLUDE, as it may lack them."""
    options = getattr(item, "dialect_options", {}).get("postgresql", {})
    for each in options.get("include") or ():
        if isinstance(each, str) and each not in item.table.columns:
            item.table.append_column(Column(each, NullType()))


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
    """Return the name that a constraint or index has in the end: by convention, and cut.

    It is empty for a constraint to which PostgreSQL gives a name.
    """
    return clipped(uncut_name(item))


def uncut_name(item: Any) -> str:
    """Return the name of a constraint or index as PostgreSQL gets it, empty if it gets none."""
    if item.name is None:
        return ""
    formatted = PREPARER.format_index if hasattr(item, "unique") else PREPARER.format_constraint
    return unquoted(str(formatted(item) or ""))


def shortened(name: Any) -> str:
    """Return a constraint's name as SQL writes it, cut as SQLAlchemy cuts it when it makes one."""
    return column(clipped(unquoted(str(PREPARER.truncate_and_render_constraint_name(name)))))


def clipped(name: str) -> str:
    """Return a name as PostgreSQL cuts it: SQLAlchemy counts characters, PostgreSQL bytes."""
    return name.encode()[:NAME_LENGTH].decode(errors="ignore")


def cut(name: str) -> str:
    """Return a name that is not too long, and the same one every time."""
    if len(name.encode()) <= NAME_LENGTH:
        return name
    ending = "_" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return name.encode()[: NAME_LENGTH - len(ending)].decode(errors="ignore") + ending


def target_of(item: Any) -> str:
    """Return the quoted name of the table that a constraint or an index belongs to."""
    owner: Table = item.table
    return quoted(owner.name, owner.schema)
