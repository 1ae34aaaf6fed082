"""The fence around a shadow database: behind it no connection to another database is used."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import Pool

from migrator.errors import RefusedError
from migrator.shadow import driver

# The comment on each shadow database: a pooler may lead another database by the same name.
MARKER = "A shadow database of migrator"
MARKED = (
    "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
    " WHERE datname = current_database()"
)
SQLITE = ("sqlite3", "aiosqlite")
KEY = "migrator_shadow"


class ShadowError(RefusedError):
    """Alembic did not work on the shadow database, whose proofs would be worth nothing."""


@dataclass
class _Fence:
    url: URL
    refused: list[ShadowError] = field(default_factory=list)


_fences: list[_Fence] = []
_outside: list[None] = []


@contextmanager
def fence(url: URL) -> Iterator[None]:
    """Refuse, before it is used, each connection that is not to the shadow database.

    It is for an env.py or a revision that takes its URL from elsewhere, and sees what goes through
    SQLAlchemy or psycopg. SQLite in memory is no
    database of anybody. Fences can be nested; then all of their databases are allowed.

    Args:
        url: the shadow database; another one, if there is to be no connection at all.

    Raises:
        ShadowError: there was such a connection, whatever the caller made of the error.
    """
    if not _fences:
        event.listen(Pool, "checkout", _checkout)
        event.listen(Engine, "before_cursor_execute", _execute)
        driver.listen(_connected)
    _fences.append(_Fence(url))
    try:
        yield
    finally:
        refused = _fences.pop().refused
        if not _fences:
            event.remove(Pool, "checkout", _checkout)
            event.remove(Engine, "before_cursor_execute", _execute)
            driver.remove()
        if refused:
            raise refused[0]


@contextmanager
def outside() -> Iterator[None]:
    """Allow the connections of this program itself, which create and drop shadow databases."""
    _outside.append(None)
    try:
        yield
    finally:
        _outside.pop()


def is_theirs() -> bool:
    """Tell whether the next connection is not one of this program itself; see `outside`."""
    return not _outside


def _checkout(connection: Any, record: Any, _proxy: Any) -> None:
    if _outside or _allowed(record.info):
        return
    for each in reversed(_fences):
        if not (other := _other(connection, each.url)):
            record.info[KEY] = each.url.database
            return
    _refuse(other)


def _execute(connection: Connection, *_: Any) -> None:
    if not _outside and not _allowed(connection.info):  # it is older than the fence
        _refuse(str(connection.engine.url.database))


def _connected(session: Any) -> None:
    """Look at a new connection of psycopg, by the session of libpq."""
    if _outside:
        return
    name = session.db.decode()
    found = session.exec_(MARKED.encode()) if any(name == f.url.database for f in _fences) else None
    if found is None or found.ntuples != 1 or found.get_value(0, 0) != MARKER.encode():
        session.finish()
        _refuse(name if found is None else f"{name} of another server")


def _allowed(info: Any) -> bool:
    return KEY in info and any(info[KEY] == each.url.database for each in _fences)


def _refuse(other: str) -> None:
    refused = _fences[-1].refused
    refused.append(_error(other))
    raise refused[-1]


def _other(connection: Any, url: URL) -> str:
    """Return the name of the database of a connection; empty if it is the shadow database."""
    driver = getattr(connection, "driver_connection", connection)
    sqlite = url.get_backend_name() == "sqlite"
    if type(driver).__module__.partition(".")[0] in SQLITE:
        files = [row[2] for row in _query(connection, "PRAGMA database_list") if row[2]]
        own = os.path.realpath(str(url.database)) if sqlite else ""
        return next((file for file in files if os.path.realpath(file) != own), "")
    found = getattr(getattr(driver, "info", None), "dbname", url.database)
    if sqlite or found != url.database:
        return str(found)
    marker = _query(connection, MARKED)
    connection.rollback()
    return "" if marker and marker[0][0] == MARKER else f"{found} of another server"


def _query(connection: Any, statement: str) -> Any:
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
        return cursor.fetchall()
    finally:
        cursor.close()


def _error(other: str) -> ShadowError:
    return ShadowError(
        f"env.py, or a revision, connects to the database {other} instead of the shadow database"
        " that this command works on. The connection was refused, and nothing was run there. Let"
        ' env.py use config.attributes["connection"] if there is one, or else sqlalchemy.url of its'
        " config, at the time when it runs."
    )
