"""Engines of an env.py of another kind connect to the database that a command hands over."""

from typing import Any

from alembic import context as alembic_context
from sqlalchemy import Connection, Engine, TwoPhaseTransaction, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import Pool

from migrator import shadow

KEY = "migrator_redirected"
# What says in a call of a driver where to connect; the rest (options, timeouts) stays.
PLACE = {"host", "hostaddr", "port", "user", "password", "passfile", "database", "dbname", "dsn"}
SQLITE = ("sqlite3", "aiosqlite")
PLACE |= {"service", "ssl", "sslmode", "sslrootcert", "sslcert", "sslkey"}


def listen() -> None:
    """Look at each new connection from now on; they change only where there is one to use."""
    if not event.contains(Engine, "do_connect", _connect):
        event.listen(Engine, "do_connect", _connect)
        # Ahead of the fence, which refuses what an engine has left in its pool.
        event.listen(Pool, "checkout", _checkout, insert=True)
        event.listen(Pool, "checkin", _checkin)


def same_path(own: Any, handed_over: Connection) -> None:
    """Give the search path of env.py's own connection to the one that is used instead."""
    if not isinstance(own, Connection) or own is handed_over:
        return
    if own.dialect.name == handed_over.dialect.name == "postgresql":
        began = own.get_transaction()
        path = own.exec_driver_sql("SHOW search_path").scalar_one()
        if began is None:
            own.commit()
        elif not isinstance(began, TwoPhaseTransaction):
            own.connection.commit()  # schemas that env.py has made; it may end what it has begun
        handed_over.exec_driver_sql("SELECT set_config('search_path', %s, false)", (path,))
        handed_over.commit()


def _wanted() -> URL | None:
    """Return where all connections go now; None if that is env.py's business."""
    running = getattr(alembic_context, "_proxy", None)
    if running is None or "configure" not in vars(running) or not shadow.is_theirs():
        return None
    given = running.config.attributes.get("connection")
    return given.engine.url if isinstance(given, Connection) else None


def _connect(dialect: Any, record: Any, arguments: Any, named: dict[str, Any]) -> Any:
    url = _wanted()
    if url is None or url.get_backend_name() != dialect.name:
        return None
    if dialect.name == "sqlite" and _in_memory(arguments):
        return None
    record.info[KEY] = url
    if dialect.driver != url.get_driver_name():  # it does not know the parameters of another one
        host = {name: url.query[name] for name in ("host", "port") if name in url.query}
        url = url.set(drivername=f"{dialect.name}+{dialect.driver}", query=host)
    positional, place = dialect.create_connect_args(url)
    return dialect.connect(
        *positional, **{k: v for k, v in named.items() if k not in PLACE} | place
    )


def _in_memory(arguments: Any) -> bool:
    """Tell whether the driver of SQLite is to open a database in memory, which is nobody's."""
    return not arguments or arguments[0] in ("", ":memory:") or "mode=memory" in str(arguments[0])


def _checkout(connection: Any, record: Any, _proxy: Any) -> None:
    """Let a pool replace a connection that it has kept from before.

    One to SQLite that was made before is refused by the fence if it leads to another file.
    """
    url, own = _wanted(), record.info.get(KEY)
    module = type(getattr(connection, "driver_connection", connection)).__module__
    backend = url.get_backend_name() if url is not None else ""
    if own is None and (backend == "sqlite" or module.partition(".")[0] in SQLITE):
        return
    if own != url:
        raise DisconnectionError


def _checkin(_connection: Any, record: Any) -> None:
    """Keep no connection: a shadow database is copied and dropped when env.py has ended."""
    if KEY in record.info:
        record.invalidate()
