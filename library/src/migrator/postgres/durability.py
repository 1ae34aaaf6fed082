"""A commit that holds locks does not wait for a standby; a later one, without locks, does.

It waits for a limited time.
A COMMIT that waits for a synchronous standby keeps its locks, no timeout of PostgreSQL's ends the
wait, and everybody who needs the table waits behind it.
"""

import threading
from typing import Any

from sqlalchemy import Connection

from migrator.errors import one_line

LEVEL = "migrator.synchronous_commit"  # in Connection.info: what the session had before
ALONE = ("off", "local")  # levels that wait for no standby
STANDBYS = "SELECT current_setting('synchronous_standby_names') <> ''"
# A transaction that writes nothing waits for nobody. This writes a message that nobody reads.
CONFIRM = (
    "BEGIN; SET LOCAL synchronous_commit = {level};"
    " SELECT pg_logical_emit_message(true, 'migrate', ''); COMMIT"
)


def commit_locally(connection: Connection) -> None:
    """Let later commits wait for the disk of this server, and for no standby.

    Call it outside of a transaction; a second call does nothing.
    """
    if LEVEL in connection.info:
        return
    raw = _driver(connection)
    connection.info[LEVEL] = raw.execute("SHOW synchronous_commit").fetchone()[0]
    raw.execute("SELECT set_config('synchronous_commit', 'local', false)")
    if not raw.autocommit:
        raw.commit()


def unconfirmed(connection: Connection, seconds: float, level: str = "") -> str:
    """Wait until the standbys have what was committed; call it outside of a transaction.

    Args:
        seconds: how long; 0 is no limit.
        level: what a standby has to do; by default what it had to before `commit_locally`.

    Returns:
        A sentence, without its end, if no standby has confirmed it; otherwise nothing.
    """
    from psycopg import Error  # SQLite's projects do without

    level = level or connection.info.get(LEVEL, ALONE[0])
    raw = _driver(connection)
    before = raw.autocommit
    raw.autocommit = True
    try:
        if level in ALONE or not raw.execute(STANDBYS).fetchone()[0]:
            return ""
        if _in_time(raw, CONFIRM.format(level=level), seconds):
            return ""
    except Error as error:
        connection.invalidate()
        return f"whether a standby has confirmed its commit is not known: {one_line(error)}"
    finally:
        if not raw.closed:
            raw.autocommit = before
    return (
        f"no synchronous standby has confirmed its commit within {seconds:g} s (standby_timeout):"
        " it is committed on this server, and a failover now would lose it"
    )


def _in_time(raw: Any, statement: str, seconds: float) -> bool:
    late = threading.Event()

    def cancel() -> None:
        late.set()
        raw.cancel()  # ends the wait, and the COMMIT succeeds

    timer = threading.Timer(seconds, cancel)
    if seconds:
        timer.start()
    try:
        raw.execute(statement)
    finally:
        timer.cancel()
        if seconds:
            timer.join()
    return not late.is_set()


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection
