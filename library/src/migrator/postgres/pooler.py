"""Poolers such as PgBouncer: whether one is between us and the server, and in which mode.

In session mode a client keeps its server session; in the others, limits and the deploy lock end up
in sessions of other clients.
"""

from contextlib import suppress
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

ROUNDS = 5
STATEMENT_MODE = "transaction blocks not allowed"
PID = "SELECT pg_backend_pid()"


def is_between(raw: Any) -> bool:
    """Tell whether a connection of psycopg, in autocommit mode, goes to a pooler.

    libpq was told another process than the one that answers.
    """
    return bool(raw.info.backend_pid != raw.execute(PID).fetchone()[0])


def mixes_sessions(engine: Engine) -> bool:
    """Tell whether a pooler gives two clients the same session of the server, or one client two.

    Nothing is set in any of them.

    Args:
        engine: whose connections set nothing either.
    """
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    try:
        with alone.connect() as first, engine.connect() as second:
            for each in (first, second):  # it would look for what is prepared in another session
                each.connection.dbapi_connection.prepare_threshold = None  # type: ignore[union-attr]
            ours: set[int] = set()
            for _ in range(ROUNDS):
                ours |= {first.exec_driver_sql(PID).scalar_one() for _ in range(2)}
                other = second.exec_driver_sql(PID).scalar_one()  # stays in its transaction
                if len(ours) > 1 or other in ours:
                    return True
                ours.add(first.exec_driver_sql(PID).scalar_one())
                second.rollback()
            return len(ours) > 1
    except DBAPIError as error:
        # In statement mode PgBouncer refuses BEGIN, and ends the connection.
        if STATEMENT_MODE in str(error.orig):
            return True
        raise


def discard(raw: Any, _record: Any) -> None:
    """Leave nothing set in a session that the pooler gives to somebody else next."""
    from psycopg import Error

    with suppress(Error):
        raw.rollback()
        raw.autocommit = True
        raw.execute("DISCARD ALL")
