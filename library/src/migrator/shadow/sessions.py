"""Sessions of a shadow database that are used one after the other, each as if it were new."""

from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import PoolResetState, QueuePool

# One that is always open, and one to work with; what is needed at the same time is closed after.
KEPT = 2


def engine(url: URL) -> Engine:
    """Return an engine whose sessions keep nothing of those who used them.

    A new session costs the server as much as dozens of statements: it reads the catalog anew.

    Args:
        url: a database on a server.
    """
    # psycopg would prepare what it reads often, which fails after a change of its columns.
    options = {"prepare_threshold": None} if url.get_driver_name() == "psycopg" else {}
    made = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=KEPT,
        max_overflow=-1,
        pool_reset_on_return=None,
        connect_args=options,
    )
    event.listen(made, "reset", _forget)
    return made


def _forget(connection: Any, _record: Any, state: PoolResetState) -> None:
    """Take back what a revision has left in its session: settings, locks, temporary tables."""
    if state.terminate_only or connection.closed:
        return
    connection.rollback()
    before, connection.autocommit = connection.autocommit, True  # not in a transaction
    with connection.cursor() as cursor:
        cursor.execute("DISCARD ALL")
    connection.autocommit = before
