"""Connections for migrations: session limits from the start, SQLite with real transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from migrator import settings
from migrator.errors import MigratorError, UsageError


@contextmanager
def connect(config: Config) -> Iterator[Connection]:
    """Yield a connection to the database that `config` names, in no transaction.

    A Connection or Engine in `config.attributes["connection"]` is used instead: that is how
    tests, and several commands in one process, share one.

    Raises:
        MigratorError: the database cannot be reached, or a statement in it failed.
    """
    given = config.attributes.get("connection")
    if isinstance(given, Connection):
        yield given
        return
    if isinstance(given, Engine):
        with given.connect() as connection:
            yield connection
        return
    with _open(engine(config)) as connection:
        try:
            yield connection
        except DBAPIError as error:
            reason = " ".join(str(error.orig).split()).removesuffix(".")
            statement = f" The statement was: {error.statement}" if error.statement else ""
            raise MigratorError(
                f"The database said: {reason}. What was not committed is rolled back.{statement}"
            ) from None


@contextmanager
def connect_autocommit(config: Config) -> Iterator[Connection]:
    """Yield a connection beside the one of `connect`, which is never in a transaction.

    Raises:
        MigratorError: the database cannot be reached.
    """
    with _open(engine(config).execution_options(isolation_level="AUTOCOMMIT")) as connection:
        yield connection


@contextmanager
def _open(engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise MigratorError(_unreachable(engine.url, error)) from None
    with connection:
        yield connection


def engine(config: Config) -> Engine:
    """Return an engine whose sessions carry the limits of the `[migrator]` section.

    The limits travel in the connection's start packet. A `SET` on the connection would open a
    transaction before Alembic's own, and everything would be rolled back at the end.

    Raises:
        UsageError: there is no usable URL, or its driver is not installed.
    """
    url = settings.database_url(config)
    limits = settings.load(config)
    if url.get_backend_name() == "sqlite":
        return _sqlite(create_engine(url, poolclass=NullPool))
    milliseconds = {
        name: round(getattr(limits, name) * 1000)
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    }
    options = [f"-c {name}={value}" for name, value in milliseconds.items() if value]
    given = url.query.get("options", "")
    arguments = {
        "connect_timeout": round(limits.connect_timeout),
        "application_name": "migrate",
        "options": " ".join([*([given] if isinstance(given, str) else given), *options]),
    }
    try:
        return create_engine(url, poolclass=NullPool, connect_args=arguments)
    except ModuleNotFoundError:
        raise UsageError(
            f"The database URL asks for {url.drivername}, which is not installed here."
        ) from None


def _sqlite(engine: Engine) -> Engine:
    """Make DDL on SQLite roll back with its transaction.

    The driver by itself commits before each DDL statement, so that a failed revision would stay
    half-applied; the recipe is SQLAlchemy's, from the pysqlite dialect's documentation.
    """

    @event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _unreachable(url: URL, error: DBAPIError) -> str:
    reason = " ".join(str(error.orig).split()).removesuffix(".")
    if url.password:
        reason = reason.replace(str(url.password), "***")
    return (
        f"The database {url.render_as_string(hide_password=True)} cannot be reached: {reason}."
        " Nothing was changed. Check that it runs and that DATABASE_URL is right."
    )
