"""Shadow databases that a killed command has left: the next one drops them."""

import re
from contextlib import suppress

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

# Without those in use, for whose sessions to end PostgreSQL would wait five seconds.
UNUSED = text(
    "SELECT datname FROM pg_database d WHERE starts_with(datname, :prefix)"
    " AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname)"
)


def drop(connection: Connection, prefix: str, length: int) -> None:
    """Drop those that nobody is connected to.

    A database such as `..._shadow_copy`, without our kind of suffix, is kept.

    Args:
        connection: to the server, in autocommit.
        prefix: what their names begin with.
        length: of the rest of their names.
    """
    for name in connection.scalars(UNUSED, {"prefix": prefix}).all():
        suffix = name.removeprefix(prefix)
        if len(suffix) == length and re.fullmatch("[0-9a-f]+", suffix):
            with suppress(DBAPIError):
                connection.exec_driver_sql(f'DROP DATABASE "{name}"')
