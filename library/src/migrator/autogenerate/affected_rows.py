"""How many rows a change would not leave as they are, where there is a database with rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from migrator.autogenerate import conversions
from migrator.autogenerate.column_comparison import Change
from migrator.operations import names
from migrator.postgres import converted_values
from migrator.shadow.fence import outside
from migrator.sqlite import values_kept
from migrator.sqlite.sql import quoted as sqlite_quoted

# In the attributes of Alembic's configuration: the URL of the developer's database, if the
# comparison runs on another one, which has no rows.
URL = "rows_url"
SECONDS = 5.0


def count(
    context: MigrationContext, op: ops.AlterColumnOp, change: Change, using: str | None
) -> str:
    """Return how many rows would change, in words; nothing if that cannot be told."""
    table = names.quoted(op.table_name, op.schema)
    try:
        with _connection(context) as connection:
            found = converted_values.count(
                connection, table, conversions.of(change, using), SECONDS
            )
    except DBAPIError:  # the database cannot be reached
        return ""
    return f"{found} in the development database" if found and found.rows else ""


def count_misfits(context: MigrationContext, table: str, column: str, kind: str) -> int:
    """Return how many values of a column of SQLite do not fit another type."""
    url = context.config.attributes.get(URL) if context.config else None
    if url is None or not url.database or not Path(url.database).exists():
        return 0
    engine = sa.create_engine(url, poolclass=NullPool)
    try:
        with outside(), engine.connect() as connection:
            return values_kept.count_lost(connection, sqlite_quoted(table), column, kind)
    except DBAPIError:  # it is behind, or no database
        return 0


@contextmanager
def _connection(context: MigrationContext) -> Iterator[sa.Connection]:
    url = context.config.attributes.get(URL) if context.config else None
    if url is None:
        assert context.connection is not None
        yield context.connection
        return
    engine = sa.create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 2})
    with outside(), engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        yield connection
        transaction.rollback()
