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

    It is read as migrations read it, so that what they accept works here too.
    """
    url = normalise(text)  # psycopg serves both; SQLite needs a second driver
    if asynchronous and url.get_backend_name() == "sqlite":
        return url.set(drivername="sqlite+aiosqlite")
    return url


@cache
def engine() -> Engine:
    """Return the synchronous engine; it connects at first use."""
    secret = get_settings().database_url.get_secret_value()
    return _with_foreign_keys(create_engine(url_for(secret, asynchronous=False)))


@cache
def async_engine() -> AsyncEngine:
    """Return the asynchronous engine; it connects at first use."""
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
    """Return where the database is, once it is at the schema that this code expects.

    For the start of the application: it should not serve before its tables are there.

    Args:
        seconds: how long to wait for that; 0 looks once.
        allow_ahead: whether a schema that a newer release has migrated is fine, as it is for an
            old process that starts again while a release rolls out.

    Raises:
        migrator.errors.PendingError: it is not there when the time is up.
        migrator.errors.UnreachableError: it never will be reached: a wrong password, say.
    """
    from alembic.config import Config  # slow to import, and not every process waits

    from migrator.config.context import Context
    from migrator.revisions.wait import until_expected

    config = Config(PROJECT / "alembic_prod.ini", attributes={"connection": engine()})
    return until_expected(Context.of(config, {"allow_ahead": allow_ahead}), seconds)


def _with_foreign_keys(engine: Engine) -> Engine:
    """Make SQLite enforce foreign keys, which it does only for connections that ask for it."""
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def enforce(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA foreign_keys = ON")

    return engine
