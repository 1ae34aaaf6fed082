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
from migrator.config import version_table

__all__ = ["NOT_OURS", "Difference", "Key", "Schema", "diff", "read"]

NOT_OURS: Collection[str] = version_table.NOT_OF_MODELS


def read(connection: Connection, without: Collection[str] = ()) -> Schema:
    """Return the schema of a database, in the transaction that `connection` is in.

    It sees what that transaction has changed. One query is run for each kind of object.

    Args:
        without: names of tables to leave out, in every schema: Alembic's own, for example.
    """
    if connection.dialect.name == "sqlite":
        from migrator.catalog.sqlite import reader as sqlite

        return sqlite.read(connection, without)
    from migrator.catalog.postgres import reader as postgres

    return postgres.read(connection, without)
