"""Connections for migrations, to whichever database it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError

from migrator.config import urls
from migrator.config.context import Context
from migrator.database import development_only, errors
from migrator.postgres import after_connect, pooler
from migrator.postgres import engine as postgres
from migrator.sqlite import engine as sqlite


@contextmanager
def connect(
    context: Context, *, only_looks: bool = False, anywhere: bool = False
) -> Iterator[Connection]:
    """Yield a connection to the database that `context` names, in no transaction.

    A Connection or Engine in `context.config.attributes["connection"]` is used instead: that is how
    tests, and several commands in one process, share one.

    Args:
        only_looks: without limits, which no pooler lets through: an application that looks where
            the database is has often only such a URL. With an Engine that was given, errors of
            statements are in words too. It may look anywhere.
        anywhere: as for `engine`.

    Raises:
        MigratorError: the database cannot be reached, or a statement in it failed.
        RefusedError: as for `engine`.
    """
    given = context.config.attributes.get("connection")
    if isinstance(given, Connection):
        yield given
        return
    if isinstance(given, Engine):
        with _open(given) as connection, _in_words(connection) if only_looks else nullcontext():
            yield connection
        return
    made = engine(context, limited=not only_looks, anywhere=anywhere or only_looks)
    with _open(made) as connection, _in_words(connection):
        yield connection


@contextmanager
def connect_autocommit(context: Context, *, anywhere: bool = False) -> Iterator[Connection]:
    """Yield a connection beside the one of `connect`, which is never in a transaction.

    Raises:
        MigratorError: as for `connect`.
    """
    alone = engine(context, anywhere=anywhere).execution_options(isolation_level="AUTOCOMMIT")
    with _open(alone) as connection, _in_words(connection):
        yield connection


def lives(connection: Connection) -> bool:
    """Tell whether a connection in autocommit mode is still there."""
    try:
        connection.scalar(text("SELECT 1"))
    except SQLAlchemyError:  # also that it was found dead before
        return False
    return True


@contextmanager
def _in_words(connection: Connection) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PendingRollbackError) as error:
        cause = errors.cause(error)
        if isinstance(cause, DBAPIError):
            raise errors.failed(connection, cause) from None
        if connection.invalidated:  # an earlier statement has found that, and its error was caught
            raise errors.lost(connection, "it was closed") from None
        raise


@contextmanager
def _open(engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise errors.error(engine.url, error) from None
    with connection:
        yield connection


def engine(context: Context, *, limited: bool = True, anywhere: bool = False) -> Engine:
    """Return an engine for the database that `context` names.

    With an ini file of development, its connections say once where they go, and refuse a server
    that is not for development: DATABASE_URL wins over that file, too.

    Args:
        limited: with the limits of the `[migrator]` section, which PostgreSQL's sessions can have.
        anywhere: for what only reads: on any server, and without a word.

    Raises:
        UsageError: there is no usable URL, or its driver is not installed.
        RefusedError: on connecting, see above.
    """
    if context.target.dialect == "sqlite":
        made = sqlite.engine(context)
    else:
        made = postgres.engine(context, limited=limited)
        if limited and context.settings.allow_pooler and (given := postgres.given(context)):
            event.listen(made, "connect", _requires_session_mode(context))
            event.listen(made, "connect", after_connect.options(given))
            event.listen(made, "close", pooler.discard)
    if not anywhere:

        @event.listens_for(made, "connect")
        def connected(connection: Any, _record: Any) -> None:
            try:
                admit(context, connection, made.url)
            except BaseException:
                connection.close()
                raise

    return made


def _requires_session_mode(context: Context) -> Callable[[Any, Any], None]:
    """Return the listener that refuses to set anything in a session that others get, too."""

    def connected(_raw: Any, _record: Any) -> None:
        attributes = context.config.attributes
        if not attributes.get(postgres.SESSION_MODE):
            if pooler.mixes_sessions(engine(context, limited=False)):
                raise errors.not_in_session_mode(urls.shown(context.target.url))
            attributes[postgres.SESSION_MODE] = True

    return connected


def admit(context: Context, driver_connection: Any, url: URL, what: str = "Database") -> None:
    """Say where a connection goes that is to write, if this is not for deploys.

    Args:
        driver_connection: the driver's own.
        url: what it was made with.
        what: is there, in words.

    Raises:
        RefusedError: the ini file is for development, and the server is not.
    """
    if context.settings.production:
        return
    if url.get_backend_name() == "sqlite":
        development_only.announce(f"{what} file {url.database}")
        return
    place = development_only.Place.of(driver_connection, url)
    development_only.refuse_elsewhere(context, place)
    development_only.announce(f"{what} {place}")
