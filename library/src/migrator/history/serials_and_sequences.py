"""Which sequences SERIAL makes with their columns, and how models describe the others."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, MetaData

from migrator.autogenerate.definitions import LARGEST
from migrator.catalog import Key, Schema
from migrator.postgres import sql

WHOLE = {"smallint": "SmallInteger", "integer": "Integer"}
OPTIONS = {"start": "start", "increment": "increment", "minimum": "minvalue", "maximum": "maxvalue"}


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
    tables = {(str(each.schema or default), each.name) for each in metadata.tables.values()}
    return {
        key: ", ".join(_options(key, said, default))
        for key, said in schema.objects.items()
        if key.kind == "sequence"
        and "of_identity" not in said
        and (owner := sql.identifiers(str(said.get("owned_by", "")))) not in made
        # Not that of a table that has a model already.
        and (not owner or owner[:2] in tables)
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
