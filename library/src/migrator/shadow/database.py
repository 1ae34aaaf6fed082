"""Create shadow databases on the server of the database, and drop them afterwards."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from migrator import database
from migrator.config import urls
from migrator.config.context import Context
from migrator.config.target import URL_VARIABLES, database_url, database_url_of, has_devserver
from migrator.errors import MigratorError, one_line
from migrator.shadow import abandoned, made_outside, sessions
from migrator.shadow.fence import MARKER, outside
from migrator.sqlite import engine as sqlite

NAME_LENGTH = 40  # in bytes: PostgreSQL truncates names to 63, and a suffix is added
SUFFIX_LENGTH = 12


class Kept(NamedTuple):
    """The sessions of a shadow database, and the database that it was created from.

    `connection` is always open, so that no other command takes it for an abandoned one.
    """

    admin: URL
    engine: Engine
    connection: Connection


_in_use: dict[str, Kept] = {}


def server(context: Context) -> URL:
    """Return a database on the server for shadow databases.

    It is the one of `shadow_url`; without that the development server of the ini file, whatever
    DATABASE_URL names; without one, the server of the database.
    """
    if context.settings.shadow_url:
        return database_url_of(context.config, context.settings.shadow_url)
    return database_url(context.config, () if has_devserver(context.config) else URL_VARIABLES)


@contextmanager
def empty(context: Context, url: URL | None = None) -> Iterator[URL]:
    """Yield the URL of a new, empty database on the server of `url`; it is dropped at the end.

    For SQLite it is a file in a temporary folder.

    Args:
        url: a database on the server; by default that of `server`.

    Raises:
        MigratorError: the server cannot be reached, or the role may not create databases.
        RefusedError: it is not a development server.
    """
    url = url or server(context)
    if url.get_backend_name() == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield url.set(database=str(Path(folder) / "shadow.db"))
        return
    start = str(url.database).encode()[:NAME_LENGTH].decode(errors="ignore")
    with _created(url, f"{start}_shadow_", "template0", context) as made:
        yield made


@contextmanager
def another(url: URL) -> Iterator[URL]:
    """Yield the URL of a new, empty database beside a shadow database.

    Raises:
        MigratorError: as for `empty`.
    """
    if url.get_backend_name() == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield url.set(database=str(Path(folder) / "shadow.db"))
        return
    name = str(url.database)
    with _created(_in_use[name].admin, name[:-SUFFIX_LENGTH], "template0") as made:
        yield made


@contextmanager
def copy(url: URL) -> Iterator[URL]:
    """Yield the URL of a copy of a shadow database, to which only `empty` is connected.

    Raises:
        MigratorError: as for `empty`.
    """
    if url.get_backend_name() == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "copy.db"
            if Path(str(url.database)).exists():
                shutil.copy(str(url.database), target)
            yield url.set(database=str(target))
        return
    name = str(url.database)
    with _created(_in_use[name].admin, name[:-SUFFIX_LENGTH], name) as made:
        yield made


@contextmanager
def reading(url: URL) -> Iterator[Connection]:
    """Yield the connection that keeps a shadow database in use; what it does is rolled back.

    A new one would have to read the whole catalog again; for SQLite, it is a new one.

    Raises:
        KeyError: `url` is not of a shadow database.
    """
    if url.get_backend_name() == "sqlite":
        with sqlite.at(url).connect() as connection:
            yield connection
        return
    connection = _in_use[str(url.database)].connection
    with outside():  # it is older than the fence
        try:
            yield connection
        finally:
            connection.rollback()


@contextmanager
def connected(url: URL) -> Iterator[Connection]:
    """Yield a connection to a shadow database, as if it were a new one.

    Its session is used again, which is much cheaper, but nothing is left in it.

    Raises:
        KeyError: `url` is not of a shadow database.
    """
    on_sqlite = url.get_backend_name() == "sqlite"
    engine = sqlite.at(url) if on_sqlite else _in_use[str(url.database)].engine
    # What env.py listens to on its engine ends with it.
    with engine.execution_options().connect() as connection:
        yield connection


@contextmanager
def _created(url: URL, prefix: str, template: str, context: Context | None = None) -> Iterator[URL]:
    name = f"{prefix}{uuid.uuid4().hex[:SUFFIX_LENGTH]}"
    admin = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    made = url.set(database=name)
    try:
        with outside(), admin.connect() as connection:
            if context is not None:
                driver_connection = connection.connection.driver_connection
                database.admit(context, driver_connection, url, "Shadow databases beside")
            # Held until the first connection, so that another command does not take the new
            # database, or the template that nobody uses meanwhile, for an abandoned one.
            connection.exec_driver_sql("SELECT pg_advisory_lock(hashtext('migrator shadow'))")
            abandoned.drop(connection, prefix, SUFFIX_LENGTH)
            made_outside.remove(connection)
            with _unused(template):
                connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            connection.exec_driver_sql(f"COMMENT ON DATABASE \"{name}\" IS '{MARKER}'")
            engine = sessions.engine(made)
            _in_use[name] = Kept(url, engine, engine.connect())
    except DBAPIError as error:
        reason = one_line(error).removesuffix(".")
        shown = urls.shown(url)
        raise MigratorError(
            f"No shadow database can be created on the server of {shown}: {reason}. Nothing was"
            " changed; give the role the right to create databases (ALTER ROLE ... CREATEDB), or"
            " set DATABASE_URL to a server where it has that right."
        ) from None
    try:
        yield made
    finally:
        _closed(_in_use.pop(name))
        with outside(), admin.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
            made_outside.remove(connection)


@contextmanager
def _unused(template: str) -> Iterator[None]:
    """Leave a shadow database for a moment: one that is in use cannot be copied."""
    if template not in _in_use:
        yield
        return
    kept = _in_use[template]
    _closed(kept)
    try:
        yield
    finally:
        _in_use[template] = Kept(kept.admin, kept.engine, kept.engine.connect())


def _closed(kept: Kept) -> None:
    kept.connection.close()
    kept.engine.dispose()


@contextmanager
def configured(context: Context, url: URL) -> Iterator[Context]:
    """Yield a copy of `context` whose commands work on the database `url`.

    The URL is set in the environment, which takes precedence over everything, and in the
    configuration, where an env.py of another kind looks: revisions that open a connection of their
    own, or use the application's, are to reach this database; `fence` makes sure of it.
    """
    variables = URL_VARIABLES
    names = [*variables, *(f"{variable}_FILE" for variable in variables)]
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    shown = url.render_as_string(hide_password=False)
    os.environ |= dict.fromkeys(variables, shown)
    try:
        copy = context.fresh()
        copy.config.set_main_option("sqlalchemy.url", shown.replace("%", "%%"))
        yield copy
    finally:
        for variable in variables:
            os.environ.pop(variable, None)
        os.environ.update(before)
