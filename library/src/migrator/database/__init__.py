"""Connections for migrations: session limits from the start, SQLite with real transactions."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from migrator.config.context import Context
from migrator.database import errors
from migrator.errors import UsageError
from migrator.postgres import limits

# The server notices within a minute that the machine of a session has vanished, and lets go of the
# deploy lock; by itself, it would ask after two hours. On a Unix socket they mean nothing. To a
# pooler they are not sent: the connection to us is its own.
LOST = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}


@contextmanager
def connect(context: Context, *, only_looks: bool = False) -> Iterator[Connection]:
    """Yield a connection to the database that `context` names, in no transaction.

    A Connection or Engine in `context.config.attributes["connection"]` is used instead: that is how
    tests, and several commands in one process, share one.

    Args:
        only_looks: without limits, which no pooler lets through: an application that looks where
            the database is has often only such a URL. With an Engine that was given, errors of
            statements are in words too.

    Raises:
        MigratorError: the database cannot be reached, or a statement in it failed.
    """
    given = context.config.attributes.get("connection")
    if isinstance(given, Connection):
        yield given
        return
    if isinstance(given, Engine):
        with _open(given) as connection, _in_words(connection) if only_looks else nullcontext():
            yield connection
        return
    with _open(engine(context, limited=not only_looks)) as connection, _in_words(connection):
        yield connection


@contextmanager
def connect_autocommit(context: Context) -> Iterator[Connection]:
    """Yield a connection beside the one of `connect`, which is never in a transaction.

    Raises:
        MigratorError: as for `connect`.
    """
    alone = engine(context).execution_options(isolation_level="AUTOCOMMIT")
    with _open(alone) as connection, _in_words(connection):
        yield connection


@contextmanager
def _in_words(connection: Connection) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise errors.failed(connection, error) from None


@contextmanager
def _open(engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise errors.error(engine.url, error) from None
    with connection:
        yield connection


def engine(context: Context, *, limited: bool = True) -> Engine:
    """Return an engine whose sessions, if `limited`, carry the limits of the `[migrator]` section.

    The limits travel in the connection's start packet. A `SET` on the connection would open a
    transaction before Alembic's own, and everything would be rolled back at the end.

    Raises:
        UsageError: there is no usable URL, or its driver is not installed.
    """
    url = context.target.url
    chosen = context.settings
    if url.get_backend_name() == "sqlite":
        return _sqlite(create_engine(url, poolclass=NullPool))
    given = url.query.get("options", "")
    options = [given] if isinstance(given, str) else [*given]
    if limited and not chosen.allow_pooler:  # poolers refuse the start packet's options
        values = limits.session_settings(chosen) | LOST
        options += [f"-c {name}={value}" for name, value in values.items()]
    arguments = {
        "connect_timeout": round(chosen.connect_timeout),
        "application_name": "migrate",
        "options": " ".join(filter(None, options)),
        # A firewall forgets a connection that is silent while a large index is built.
        "keepalives_idle": 30,
        "keepalives_interval": 10,
    }
    try:
        made = create_engine(url, poolclass=NullPool, connect_args=arguments)
    except ModuleNotFoundError:
        raise UsageError(
            f"The database URL asks for {url.drivername}, which is not installed here."
        ) from None
    if limited and not chosen.allow_pooler:
        event.listen(made, "connect", _notice_no_answer)
    return limits.noticing_the_end(made, chosen.client_connection_check_interval * limited)


def _notice_no_answer(connection: Any, _record: Any) -> None:
    """Keepalives rest while the last answer has not arrived: the system's own limit is 15 minutes.

    Not in the start packet: a server before 12 refuses the connection for a name it does not know.
    """
    from psycopg import Error

    if connection.info.server_version >= 120000:
        connection.autocommit = True
        with suppress(Error):
            connection.execute("SELECT set_config('tcp_user_timeout', '60s', false)")
        connection.autocommit = False


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
