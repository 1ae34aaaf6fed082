"""Engines for SQLite, with real transactions."""

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from migrator.config.context import Context


def engine(context: Context) -> Engine:
    """Return the engine of the target; see `at`."""
    return at(context.target.url)


def at(url: URL) -> Engine:
    """Return an engine on which DDL rolls back with its transaction.

    The driver by itself commits before each DDL statement, so that a failed revision would stay
    half-applied; the recipe is SQLAlchemy's, from the pysqlite dialect's documentation.
    """
    made = create_engine(url, poolclass=NullPool)

    @event.listens_for(made, "connect")
    def leave_transactions_to_us(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(made, "begin")
    def begin(connection: Connection) -> None:
        # Enforced ones would delete rows of other tables when a table is rebuilt, and within a
        # transaction this changes nothing. (Applications turn them on for all engines.)
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("BEGIN")

    return made
