"""The tables of a database, in a form that Alembic's autogenerate reproduces exactly."""

import warnings
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Connection, MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.elements import conv
from sqlalchemy.types import NullType, TypeEngine

from migrator.history.schema_objects import Schema


def reflect(connection: Connection, schema: Schema) -> MetaData:
    """Return the tables of `schema` in the database of `connection`, for Alembic to write."""
    default = sa.inspect(connection).default_schema_name
    known = {(one.schema or default, one.name) for one in schema.objects if one.table}
    metadata = tables(connection, known)
    for table in metadata.tables.values():
        _name(table)
        for column in table.columns:
            _simplify(column, connection.dialect)
    return metadata


def tables(connection: Connection, known: Collection[tuple[str | None, str]]) -> MetaData:
    """Return tables as SQLAlchemy sees them in the database of `connection`.

    Args:
        known: their schemas and names.
    """
    metadata = MetaData()
    default = sa.inspect(connection).default_schema_name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about unknown types
        for name in sorted({str(schema) for schema, _ in known}):

            def listed(table: str, _metadata: MetaData, name: str = name) -> bool:
                return (name, table) in known

            metadata.reflect(connection, schema=None if name == default else name, only=listed)
    return metadata


def unwritable(metadata: MetaData) -> set[str]:
    """Return the full names of tables that Alembic cannot write.

    Those are partitions, inheriting tables, and tables with a column of a type that SQLAlchemy does
    not know.
    """
    return {
        table.fullname
        for table in metadata.tables.values()
        if table.dialect_kwargs.get("postgresql_inherits")
        or any(isinstance(_inner(c.type), NullType | postgresql.DOMAIN) for c in table.columns)
    }


def _name(table: Table) -> None:
    """Mark names as final, so that no naming convention is applied to them again."""
    items: list[Any] = [table, *table.constraints, *table.indexes]
    for item in items:
        for option, value in list(item.dialect_kwargs.items()):
            if not value:  # reflection reports options that are not set, too
                del item.dialect_kwargs[option]
    for item in items[1:]:
        if item.name:
            item.name = conv(item.name)
    for index in list(table.indexes):
        if any(constraint.name == index.name for constraint in table.constraints):
            table.indexes.remove(index)  # reflection reports a unique constraint as an index too


def _simplify(column: Column[Any], dialect: Dialect) -> None:
    """Use SQLAlchemy's generic type if it is equivalent, and SERIAL for a serial column."""
    inner = _inner(column.type)
    if isinstance(inner, sa.Enum):
        inner.create_type = False
    else:
        general = column.type.as_generic(allow_nulltype=True)
        if not isinstance(general, NullType) and _same(general, column.type, dialect):
            column.type = general
    default = getattr(getattr(column.server_default, "arg", None), "text", "")
    numbered = column.primary_key and default.startswith("nextval(")
    if dialect.name == "postgresql" and numbered:
        column.server_default = None
        column.autoincrement = "auto" if len(column.table.primary_key) == 1 else True
    elif not column.primary_key:
        column.autoincrement = "auto"


def _same(one: TypeEngine[Any], other: TypeEngine[Any], dialect: Dialect) -> bool:
    return bool(one.compile(dialect) == other.compile(dialect))


def _inner(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    item = getattr(type_, "item_type", None)
    return item if item is not None else type_
