"""Where the types of reflected columns are not those of the database."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, MetaData
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.engine import Connection
from sqlalchemy.exc import CompileError, DBAPIError
from sqlalchemy.types import NullType, TypeEngine

from migrator.catalog import Key, Schema

PATH = "SELECT set_config('search_path', 'pg_catalog', true)"
TYPES = """
SELECT format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = 'pg_temp.migrator_types'::regclass AND attnum > 0 ORDER BY attnum
"""


def unlike(connection: Connection, metadata: MetaData, schema: Schema) -> dict[Column[Any], str]:
    """Return the columns that SQLAlchemy would give another type, with the type they have.

    It takes some types for others (`name` for a text), and knows others only as unknown. What it
    makes of each is tried on a temporary table.
    """
    default = connection.dialect.default_schema_name
    wrong: dict[Column[Any], str] = {}
    compiled: dict[str, list[tuple[Column[Any], str]]] = {}
    for table in metadata.tables.values():
        for column in table.columns:
            name = (str(table.schema or default), table.name, column.name)
            said = schema.objects.get(Key("column", name), {})  # nothing, on SQLite
            has = " COLLATE ".join(filter(None, [said.get("type", ""), said.get("collation")]))
            text = _compiled(column.type, connection)
            foreign = not str(said.get("collation", "pg_catalog.")).startswith("pg_catalog.")
            if text is None or foreign:
                wrong[column] = has
            else:
                compiled.setdefault(text, []).append((column, has))
    if connection.dialect.name != "postgresql" or not compiled:
        return wrong
    real = _written(connection, list(compiled))
    for text, columns in compiled.items():
        for column, has in columns:
            if real[text] != has.partition(" COLLATE ")[0] or (
                " COLLATE " in has and " COLLATE " not in text
            ):
                wrong[column] = has
    return wrong


def _compiled(kind: TypeEngine[Any], connection: Connection) -> str | None:
    inner = getattr(kind, "item_type", kind)
    if isinstance(inner, NullType) or (isinstance(inner, DOMAIN) and inner is not kind):
        return None
    if isinstance(kind, DOMAIN):
        general = kind.data_type.as_generic(allow_nulltype=True)
        if isinstance(general, NullType | sa.ARRAY | DOMAIN):
            return None
    try:
        return str(kind.compile(connection.dialect))
    except CompileError:
        return None


def _written(connection: Connection, types: list[str]) -> dict[str, str]:
    """Return how the catalog writes types; nothing for those that there are not."""
    savepoint = connection.begin_nested()
    try:
        columns = ", ".join(f"c{number} {text}" for number, text in enumerate(types))
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE migrator_types ({columns})")
        connection.exec_driver_sql(PATH)
        return dict(zip(types, connection.scalars(sa.text(TYPES)), strict=True))
    except DBAPIError:
        savepoint.rollback()
        if len(types) == 1:
            return {types[0]: ""}
        return {text: found for one in types for text, found in _written(connection, [one]).items()}
    finally:
        if savepoint.is_active:
            savepoint.rollback()
