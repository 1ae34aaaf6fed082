"""Reads a PostgreSQL database with one query for each kind of object."""

from collections.abc import Collection, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from sqlalchemy import Connection

from migrator.catalog import postgres
from migrator.catalog.postgres.kind import Kind
from migrator.catalog.schema import Key, Schema, clean
from migrator.postgres import sql

PATH = "SELECT set_config('search_path', %s, true)"


def kinds() -> Iterator[Kind]:
    """Yield the kinds of all modules beside this one."""
    for module in iter_modules(postgres.__path__, f"{postgres.__name__}."):
        yield from getattr(import_module(module.name), "KINDS", ())


def read(connection: Connection, without: Collection[str], schemas: Collection[str] = ()) -> Schema:
    """Return the schema; see `catalog.read`.

    The search path is empty meanwhile, so that every name is written with its schema, and what it
    was afterwards, in this transaction.
    """
    objects: dict[Key, dict[str, Any]] = {}
    version = int((connection.dialect.server_version_info or (0,))[0])
    before = connection.exec_driver_sql("SELECT current_setting('search_path')").scalar_one()
    connection.exec_driver_sql(PATH, ("pg_catalog",))
    for kind in _present(connection):
        if schemas and not kind.in_schemas:
            continue
        for row in _rows(connection, kind.written(version, schemas)):
            name = tuple(row.pop("name"))
            owner = sql.qualified(row.get("owned_by") or "")[0]  # the table of that column
            if not any(part in without for part in (*name[1:2], owner)):
                objects[Key(kind.name, name)] = clean(row)
    # Not if a query has failed: its transaction takes the setting along.
    connection.exec_driver_sql(PATH, (before,))
    return Schema(objects)


def _present(connection: Connection) -> list[Kind]:
    """Return the kinds that the database has objects of, and perhaps some more."""
    every = list(kinds())
    query = f"SELECT ARRAY[{', '.join(kind.exists for kind in every)}]"
    found = connection.exec_driver_sql(query).scalar_one()
    return [kind for kind, exists in zip(every, found, strict=True) if exists]


def _rows(connection: Connection, query: str) -> list[dict[str, Any]]:
    options = {"no_parameters": True}  # percent signs in a query are what they are
    result = connection.exec_driver_sql(query, execution_options=options)
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result.cursor.fetchall()]
