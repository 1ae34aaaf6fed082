"""Databases for the tests: one built by the migrations, and a copy of it for each test.

They are created on the server that DATABASE_URL or alembic.ini names, with names of their own; the
development database is not changed. A server that is not for development is refused.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from app.database import async_engine, engine, url_for
from app.settings import get_settings
from migrator.config.context import Context
from migrator.database import connect
from migrator.errors import RefusedError
from tests.databases import shadow_database

PROJECT = Path(__file__).resolve().parent.parent

NewDatabase = Callable[[URL | None], AbstractContextManager[URL]]


def config_for(engine: Engine) -> Config:
    """Return the development configuration for commands on the database of `engine`."""
    config = Config(PROJECT / "alembic.ini")
    config.attributes["connection"] = engine
    return config


@pytest.fixture(scope="session")
def server() -> URL:
    """A URL on the server, for creating databases."""
    context = Context.of(Config(PROJECT / "alembic.ini"))
    try:
        with connect(context):  # which refuses a server that is not for development
            return context.target.url
    except RefusedError as error:
        pytest.exit(str(error), returncode=error.exit_code)


@pytest.fixture(scope="session")
def migrated_database(server: URL) -> Iterator[URL]:
    """A database at head, built once by the migrations and used only as a template."""
    with shadow_database(server) as url:
        engine = create_engine(url, poolclass=NullPool)
        command.upgrade(config_for(engine), "head")
        yield url


@pytest.fixture
def empty_engine(server: URL) -> Iterator[Engine]:
    """An engine on an empty database."""
    with shadow_database(server) as url:
        yield create_engine(url, poolclass=NullPool)


@pytest.fixture
def database(server: URL, migrated_database: URL) -> Iterator[URL]:
    """A database at head for one test."""
    with shadow_database(server, template=migrated_database) as url:
        yield url


@pytest.fixture
def session(database: URL) -> Iterator[Session]:
    """A session on a database at head for one test."""
    with Session(create_engine(database, poolclass=NullPool)) as session:
        yield session


@pytest.fixture
def async_sessions(database: URL) -> async_sessionmaker[AsyncSession]:
    """Asynchronous sessions on a database at head for one test, in whatever event loop it has."""
    url = url_for(database.render_as_string(hide_password=False), asynchronous=True)
    return async_sessionmaker(create_async_engine(url, poolclass=NullPool))


@pytest.fixture
def application(database: URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[URL]:
    """Give the application a database at head for one test, as a deployment would."""
    monkeypatch.setenv("DATABASE_URL", database.render_as_string(hide_password=False))
    cached = (get_settings, engine, async_engine)
    for function in cached:
        function.cache_clear()
    yield database
    engine().dispose()
    for function in cached:
        function.cache_clear()


@pytest.fixture
def alembic_config() -> Config:
    """The configuration that pytest-alembic tests."""
    return Config(PROJECT / "alembic.ini")


@pytest.fixture
def alembic_engine(empty_engine: Engine) -> Engine:
    """The empty database that pytest-alembic tests on."""
    return empty_engine
