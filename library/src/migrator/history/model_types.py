"""Where the types and defaults of reflected columns are not those of the database."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKeyConstraint, MetaData
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.engine import Connection
from sqlalchemy.exc import CompileError, DBAPIError
from sqlalchemy.schema import sort_tables_and_constraints
from sqlalchemy.types import NullType, TypeEngine

from migrator.autogenerate.definitions import LARGEST
from migrator.catalog import Key, Schema
from migrator.postgres import sql

PATH = "SELECT set_config('search_path', 'pg_catalog', true)"
TYPES = """
SELECT format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = 'pg_temp.migrator_types'::regclass AND attnum > 0 ORDER BY attnum
"""
WHOLE = {"smallint": "SmallInteger", "integer": "Integer"}
OPTIONS = {"start": "start", "increment": "increment", "minimum": "minvalue", "maximum": "maxvalue"}


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


def serials(metadata: MetaData, schema: Schema, default: str | None) -> set[Column[Any]]:
    """Return the columns that SERIAL makes as they are, each with a sequence that no other uses."""
    used = Counter(
        name
        for said in schema.objects.values()
        for name in sql.sequences(str(said.get("default", "")))
    )
    return {
        column
        for table in metadata.tables.values()
        if (column := table.autoincrement_column) is not None
        if _is_serial(column, (str(table.schema or default), table.name), schema, used)
    }


def _is_serial(
    column: Column[Any],
    owner: tuple[str, str],
    schema: Schema,
    used: Mapping[tuple[str, ...], int],
) -> bool:
    said = schema.objects.get(Key("column", (*owner, column.name)), {})
    key = Key("sequence", (owner[0], f"{owner[1]}_{column.name}_seq"))
    sequence = schema.objects.get(key, {})
    return (
        sql.sequence(str(said.get("default"))) == key.name
        and used[key.name] == 1
        and sql.identifiers(str(sequence.get("owned_by"))) == (*owner, column.name)
        and sequence["type"] == said["type"]
        and not [*_unusual(sequence)]
    )


def would_be_serial(column: Column[Any]) -> bool:
    """Return whether SQLAlchemy would make the column a SERIAL."""
    return (
        column.primary_key
        and len(column.table.primary_key) == 1
        and column.server_default is None
        and not column.foreign_keys
        and isinstance(column.type, sa.Integer)
    )


def sequences(
    metadata: MetaData, schema: Schema, default: str | None, serial: set[Column[Any]]
) -> dict[Key, str]:
    """Return the sequences that neither SERIAL nor an identity makes, as arguments of Sequence."""
    made = {(str(each.table.schema or default), each.table.name, each.name) for each in serial}
    return {
        key: ", ".join(_options(key, said, default))
        for key, said in schema.objects.items()
        if key.kind == "sequence"
        and "of_identity" not in said
        and sql.identifiers(str(said.get("owned_by", ""))) not in made
    }


def _options(key: Key, said: Mapping[str, Any], default: str | None) -> Iterator[str]:
    yield repr(key.name[-1])
    if key.name[0] != default:
        yield f"schema={key.name[0]!r}"
    if said["type"] in WHOLE:
        yield f"data_type={WHOLE[said['type']]}"
    yield from _unusual(said)


def _unusual(said: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options of a sequence that are not the usual ones of its type."""
    up, largest = said["increment"] > 0, LARGEST[said["type"]]
    lowest, highest = (1, largest) if up else (-largest - 1, -1)
    first = said["minimum"] if up else said["maximum"]
    usual = {"increment": 1, "minimum": lowest, "maximum": highest, "start": first}
    for name, argument in OPTIONS.items():
        if said[name] != usual[name]:
            yield f"{argument}={said[name]}"
    if said.get("cycle"):
        yield "cycle=True"


def cycles(metadata: MetaData) -> Iterator[ForeignKeyConstraint]:
    """Yield the foreign keys that can be created only after all tables."""
    parts = sort_tables_and_constraints(metadata.tables.values())  # type: ignore[no-untyped-call]
    for table, constraints in parts:
        if table is None:
            yield from constraints
