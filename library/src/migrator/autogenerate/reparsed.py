"""Definitions that differ only because PostgreSQL has parsed its own output again.

It writes `b IN (1, 2)` as `b = ANY (ARRAY[1, 2])`, and that, read again, with more casts; then it
settles. A revision made from a dump has a later reading than the model has.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from migrator.catalog import Key, Schema
from migrator.operations import names
from migrator.postgres import sql

READINGS = 2
PATH = "SELECT set_config('search_path', 'pg_catalog', true)"
CHECK = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{}'"
INDEX = "SELECT pg_get_indexdef(oid) FROM pg_class WHERE relkind = 'i' AND relname = '{}'"


def settled(connection: Connection, existing: Schema, models: Schema) -> Schema:
    """Return the schema of the models, with the definitions of `existing` where they are the same.

    Args:
        connection: to a database whose tables are the models'.
    """
    found = {}
    for key, properties in models.objects.items():
        old = existing.objects.get(key, {}).get("definition")
        new = properties.get("definition")
        if old and old != new and key.kind in ("constraint", "index"):
            wanted = _body(key, old, key.name[-1])
            if wanted in _readings(connection, key, _body(key, str(new), key.name[-1])):
                found[key] = {**properties, "definition": old}
    return Schema({**models.objects, **found}) if found else models


def _body(key: Key, definition: str, name: str) -> str:
    if key.kind == "constraint":
        return definition
    return sql.index_definition(definition, name, key.name[-2])


def _readings(connection: Connection, key: Key, body: str) -> Iterator[str]:
    target = names.quoted(key.name[-2], key.name[-3])
    savepoint = connection.begin_nested()
    try:
        _scalar(connection, PATH)
        for number in range(READINGS):
            name = f"migrator_reading_{number}"
            if key.kind == "constraint":
                make, read = f"ALTER TABLE {target} ADD CONSTRAINT {name} {body}", CHECK
            else:
                make, read = f"CREATE INDEX {name} ON {target} {body}", INDEX
            _scalar(connection, make)
            body = _body(key, str(_scalar(connection, read.format(name))), name)
            yield body
    except DBAPIError:  # a second primary key, for example
        return
    finally:
        savepoint.rollback()


def _scalar(connection: Connection, statement: str) -> Any:
    result = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    return result.scalar() if result.returns_rows else None
