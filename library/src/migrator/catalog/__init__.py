"""A database's catalog: one description of its schema, and the difference between two.

schema       the description, a plain value with a stable text
differences  what differs between two
postgres     reads PostgreSQL 13 to 18, one file for each kind of object
sqlite       reads SQLite
"""

from collections.abc import Collection

from sqlalchemy import Connection

from migrator.catalog.differences import Difference, diff
from migrator.catalog.schema import Key, Schema
from migrator.config import histories, version_table

__all__ = ["NOT_OURS", "Difference", "Key", "Schema", "diff", "read"]

NOT_OURS: Collection[str] = version_table.NOT_OF_MODELS


def read(
    connection: Connection, without: Collection[str] = (), schemas: Collection[str] = ()
) -> Schema:
    """Return the schema of a database, in the transaction that `connection` is in.

    It sees what that transaction has changed. One query is run for each kind of object. What
    another history of the project owns is left out: see `config.histories`.

    Args:
        without: names of tables to leave out, in every schema: Alembic's own, for example.
        schemas: what is in these schemas of PostgreSQL, and nothing else; by default everything.
    """
    if connection.dialect.name == "sqlite":
        from migrator.catalog.sqlite import reader as sqlite

        return sqlite.read(connection, without)
    from migrator.catalog.postgres import reader as postgres

    found = postgres.read(connection, without, schemas or histories.own_schemas())
    others = histories.others_schemas()
    return Schema({k: v for k, v in found.objects.items() if _schema_of(k) not in others})


def _schema_of(key: Key) -> str:
    return key.name[0] if len(key.name) > 1 or key.kind == "schema" else ""
