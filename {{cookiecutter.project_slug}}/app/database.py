"""Sessions for the application, synchronous and asynchronous, from one DATABASE_URL."""

from functools import cache
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, sessionmaker

from app.settings import PROJECT, get_settings
from migrator.config.urls import normalise


def url_for(text: str, *, asynchronous: bool) -> URL:
    """Return a database URL with the driver for synchronous or asynchronous use.

    It accepts the same URLs as migrations do.
    """
    url = normalise(text)  # psycopg is both; SQLite needs a second driver
    if asynchronous and url.get_backend_name() == "sqlite":
        return url.set(drivername="sqlite+aiosqlite")
    return url


@cache
def engine() -> Engine:
    """Return the synchronous engine; it connects on first use."""
    secret = get_settings().database_url.get_secret_value()
    return _with_foreign_keys(create_engine(url_for(secret, asynchronous=False)))


@cache
def async_engine() -> AsyncEngine:
    """Return the asynchronous engine; it connects on first use."""
    secret = get_settings().database_url.get_secret_value()
    made = create_async_engine(url_for(secret, asynchronous=True))
    _with_foreign_keys(made.sync_engine)
    return made


def session() -> Session:
    """Return a session: `with session() as s, s.begin(): ...`."""
    return sessionmaker(engine())()


def async_session() -> AsyncSession:
    """Return an asynchronous session: `async with async_session() as s, s.begin(): ...`."""
    return async_sessionmaker(async_engine(), expire_on_commit=False)()


def wait_for_schema(seconds: float = 0, *, allow_ahead: bool = True) -> str:
    """Wait until the database has the schema that this code expects, and describe its state.

    Call it when the application starts, before it serves requests.

    Args:
        seconds: how long to wait; 0 does not wait.
        allow_ahead: whether to accept a schema that a newer release has migrated, as for an old
            process that restarts during a rollout.

    Raises:
        migrator.errors.PendingError: the schema was not migrated in time.
        migrator.errors.UnreachableError: the server cannot be reached, and a retry cannot help
            (a wrong password, for example).
    """
    from alembic.config import Config  # slow to import, and not every process waits

    from migrator.config.context import Context
    from migrator.revisions.wait import until_expected

    config = Config(PROJECT / "alembic_prod.ini", attributes={"connection": engine()})
    return until_expected(Context.of(config, {"allow_ahead": allow_ahead}), seconds)


def _with_foreign_keys(engine: Engine) -> Engine:
    """Make SQLite enforce foreign keys, which has to be enabled for each connection."""
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def enforce(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA foreign_keys = ON")

    return engine
