"""Transactions that a revision ends past SQLAlchemy, with the connection of the driver.

`op.get_bind().connection.commit()`, as code for COPY has it, raises no event of SQLAlchemy's.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event

PAST = "statements run with the driver's connection"
IN_TRANSACTION = 2  # of libpq's states of a transaction: there is one, and it has not failed
HAS_CHANGED = "SELECT txid_current_if_assigned() IS NOT NULL"


def follow(
    connection: Connection, committed: Callable[[bool], None], undone: Callable[[bool], None]
) -> None:
    """Call back before each end of a transaction that SQLAlchemy does not know of.

    Args:
        committed: called with whether there was a change to be committed.
        undone: called with whether there was a change, which is rolled back.
    """
    driver: Any = connection.connection.dbapi_connection
    known: list[str] = []  # the end that SQLAlchemy has announced
    event.listen(connection, "commit", lambda _: known.append("commit"))
    event.listen(connection, "rollback", lambda _: known.append("rollback"))

    def hooked(end: Callable[[], None], found: Callable[[bool], None]) -> Callable[[], None]:
        def run() -> None:
            if known:
                known.clear()
            elif not driver.closed and driver.info.transaction_status == IN_TRANSACTION:
                found(driver.execute(HAS_CHANGED).fetchone()[0])
            end()

        return run

    driver.commit = hooked(driver.commit, committed)
    driver.rollback = hooked(driver.rollback, undone)
