"""Create shadow databases on the server of the database, and drop them afterwards."""

import os
import re
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from migrator import database
from migrator.config import urls
from migrator.config.context import Context
from migrator.config.target import URL_VARIABLES
from migrator.errors import MigratorError, one_line
from migrator.shadow.fence import MARKER

NAME_LENGTH = 40  # in bytes: PostgreSQL truncates names to 63, and a suffix is added
SUFFIX_LENGTH = 12


@contextmanager
def empty(context: Context, url: URL | None = None) -> Iterator[URL]:
    """Yield the URL of a new, empty database on the server of `url`; it is dropped at the end.

    For SQLite it is a file in a temporary folder.

    Args:
        url: a database on the server; by default that of `context`.

    Raises:
        MigratorError: the server cannot be reached, or the role may not create databases.
        RefusedError: it is not a development server.
    """
    url = url or context.target.url
    if url.get_backend_name() == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield url.set(database=str(Path(folder) / "shadow.db"))
        return
    start = str(url.database).encode()[:NAME_LENGTH].decode(errors="ignore")
    prefix = f"{start}_shadow_"
    name = f"{prefix}{uuid.uuid4().hex[:SUFFIX_LENGTH]}"
    admin = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    made = url.set(database=name)
    try:
        with admin.connect() as connection:
            driver_connection = connection.connection.driver_connection
            database.admit(context, driver_connection, url, "Shadow databases beside")
            # Held until the first connection, so that another command does not take the new
            # database for an abandoned one and drop it.
            connection.exec_driver_sql("SELECT pg_advisory_lock(hashtext('migrator shadow'))")
            _drop_abandoned(connection, prefix)
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
            connection.exec_driver_sql(f"COMMENT ON DATABASE \"{name}\" IS '{MARKER}'")
            in_use = create_engine(made, poolclass=NullPool).connect()
    except DBAPIError as error:
        reason = one_line(error).removesuffix(".")
        shown = urls.shown(url)
        raise MigratorError(
            f"No shadow database can be created on the server of {shown}: {reason}. Nothing was"
            " changed; give the role the right to create databases (ALTER ROLE ... CREATEDB), or"
            " set DATABASE_URL to a server where it has that right."
        ) from None
    try:
        with in_use:
            yield made
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')


def _drop_abandoned(connection: Connection, prefix: str) -> None:
    """Drop the shadow databases of killed commands; a database in use cannot be dropped.

    A database such as `..._shadow_copy`, without our kind of suffix, is kept.
    """
    query = text("SELECT datname FROM pg_database WHERE starts_with(datname, :prefix)")
    for name in connection.scalars(query, {"prefix": prefix}).all():
        suffix = name.removeprefix(prefix)
        if len(suffix) == SUFFIX_LENGTH and re.fullmatch("[0-9a-f]+", suffix):
            with suppress(DBAPIError):
                connection.exec_driver_sql(f'DROP DATABASE "{name}"')


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
