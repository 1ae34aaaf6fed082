"""Which lines of the migration log, and which databases, a deploy has verified."""

import sqlalchemy as sa
from sqlalchemy import Connection

from migrator.postgres.unfinished import Unfinished
from migrator.revisions import log_table
from migrator.revisions.log_table import TABLE

# In the column `verified`: a deploy failed before anybody had verified the database.
NEVER = "never"


def unverified(connection: Connection) -> list[Unfinished] | None:
    """Return what was unfinished before the oldest line that nobody has verified yet.

    Lines that an older version wrote count as verified. Ends the transaction that reads.

    Returns:
        None if there is no such line.
    """
    found = None
    if log_table.has(connection, "verified") and log_table.exists(connection):
        query = sa.select(TABLE.c.unfinished_before).where(TABLE.c.verified.is_(None))
        found = connection.execute(query.order_by(TABLE.c.id).limit(1)).first()
    connection.rollback()
    return None if found is None else [Unfinished.of(each) for each in found[0] or ()]


def never_verified(connection: Connection) -> bool:
    """Tell whether no deploy has ever verified the database: it is new, or another tool's."""
    if not log_table.exists(connection):
        return True
    marked = sa.select(TABLE.c.id).where(TABLE.c.verified == NEVER).limit(1)
    return log_table.has(connection, "failure") and connection.execute(marked).first() is not None


def settle(connection: Connection, how: str) -> None:
    """Write down how the lines so far came to count as verified, and commit that.

    The table alone says that a database was verified which another tool had brought there.
    """
    log_table.complete(connection)
    open_lines = TABLE.c.verified.is_(None) | (TABLE.c.verified == NEVER)
    connection.execute(TABLE.update().where(open_lines).values(verified=how))
    connection.commit()
