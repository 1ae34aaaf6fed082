"""The schemas of a history, with that of the version table, which Alembic does not make."""

from sqlalchemy import Connection, text

from migrator.config import histories, version_table
from migrator.postgres.sql.schemas import quoted

EXISTS = text("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = :name)")


def make(connection: Connection) -> None:
    """Make those that are not there; ends the transaction.

    An account that may not create schemas is not asked to, if they are there.
    """
    own = version_table.options().get("version_table_schema")
    for name in sorted(histories.own_schemas() | {own or ""}):
        if name and not connection.scalar(EXISTS, {"name": name}):
            connection.exec_driver_sql(f"CREATE SCHEMA {quoted(name)}")
    connection.commit()
