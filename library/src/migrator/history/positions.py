"""Which revision each database is at: that of development, and the one of the environment."""

import os
from collections.abc import Iterator
from pathlib import Path

from alembic.config import Config

from migrator import database, shadow
from migrator.config.context import Context
from migrator.config.target import URL_VARIABLES, database_url
from migrator.database.development_only import Place
from migrator.diagrams.history_page import Database
from migrator.errors import MigratorError, UsageError, one_line
from migrator.proof.drift import PRODUCTION
from migrator.revisions import position


def read(context: Context) -> Iterator[Database]:
    """Yield where each database is; one that cannot be reached has a note instead."""
    try:
        url = database_url(context.config, ())
    except UsageError:  # this ini file names none
        pass
    else:
        with shadow.configured(context, url) as own:
            yield _position("development", own)
    variables = [each for name in URL_VARIABLES for each in (name, f"{name}_FILE")]
    if variable := next((name for name in variables if os.environ.get(name)), None):
        production = Path(context.folder, PRODUCTION)
        of_deploys = Context.of(Config(str(production))) if production.exists() else context
        yield _position(variable, of_deploys)


def _position(name: str, context: Context) -> Database:
    try:
        url = context.target.url
        if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
            return Database(name, (), "does not exist yet")
        with database.connect(context, only_looks=True) as connection:
            place = Place.of(connection.connection.driver_connection, url)
            where = Path(place.database).name if url.get_backend_name() == "sqlite" else str(place)
            return Database(f"{name} ({where})", position.current_heads(connection))
    except MigratorError as error:
        return Database(name, (), one_line(error))
