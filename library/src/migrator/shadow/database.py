"""Empty databases to try the revisions on, beside the one that is in use, and gone afterwards."""

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

from migrator.config import urls
from migrator.config.context import Context
from migrator.config.target import URL_VARIABLES
from migrator.errors import MigratorError

NAME_LENGTH = 40  # in bytes: PostgreSQL cuts names at 63, and a suffix is added
SUFFIX_LENGTH = 12


@contextmanager
def empty(url: URL) -> Iterator[URL]:
    """Yield the URL of a new, empty database on the server of `url`; it is removed at the end.

    For SQLite it is a file in a temporary folder.

    Raises:
        MigratorError: the server cannot be reached, or the account may not create databases.
    """
    if url.get_backend_name() == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield url.set(database=str(Path(folder) / "scratch.db"))
        return
    start = str(url.database).encode()[:NAME_LENGTH].decode(errors="ignore")
    prefix = f"{start}_scratch_"
    name = f"{prefix}{uuid.uuid4().hex[:SUFFIX_LENGTH]}"
    admin = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    made = url.set(database=name)
    try:
        with admin.connect() as connection:
            # Nobody takes one for left over between its creation and its first connection.
            connection.exec_driver_sql("SELECT pg_advisory_lock(hashtext('migrator scratch'))")
            _remove_left_over(connection, prefix)
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
            in_use = create_engine(made, poolclass=NullPool).connect()
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split()).removesuffix(".")
        shown = urls.shown(url)
        raise MigratorError(
            f"No scratch database can be made beside {shown}: {reason}. Nothing was changed; give"
            " the account the right to (ALTER ROLE ... CREATEDB), or set DATABASE_URL to a server"
            " where it has it."
        ) from None
    try:
        with in_use:
            yield made
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')


def _remove_left_over(connection: Connection, prefix: str) -> None:
    """Remove what a killed command left; one that is in use cannot be dropped.

    Somebody else's `..._scratch_pad` stays.
    """
    query = text("SELECT datname FROM pg_database WHERE starts_with(datname, :prefix)")
    for name in connection.scalars(query, {"prefix": prefix}).all():
        suffix = name.removeprefix(prefix)
        if len(suffix) == SUFFIX_LENGTH and re.fullmatch("[0-9a-f]+", suffix):
            with suppress(DBAPIError):
                connection.exec_driver_sql(f'DROP DATABASE "{name}"')


@contextmanager
def configured(context: Context, url: URL) -> Iterator[Context]:
    """Yield a copy of `context` whose commands work on the database `url`, whatever else is set.

    The environment says it, since that wins over everything: revisions that open a connection of
    their own, or use the application's, must not reach the database in use either.
    """
    variables = URL_VARIABLES
    names = [*variables, *(f"{variable}_FILE" for variable in variables)]
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ |= dict.fromkeys(variables, url.render_as_string(hide_password=False))
    try:
        yield context.fresh()
    finally:
        for variable in variables:
            os.environ.pop(variable, None)
        os.environ.update(before)
