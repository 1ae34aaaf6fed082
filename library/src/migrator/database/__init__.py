"""Connections for migrations, to whichever database it is."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from migrator.config.context import Context
from migrator.database import errors
from migrator.postgres import engine as postgres
from migrator.sqlite import engine as sqlite


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
    """Return an engine for the database that `context` names.

    Args:
        limited: with the limits of the `[migrator]` section, which PostgreSQL's sessions can have.

    Raises:
        UsageError: there is no usable URL, or its driver is not installed.
    """
    if context.target.dialect == "sqlite":
        return sqlite.engine(context)
    return postgres.engine(context, limited=limited)
