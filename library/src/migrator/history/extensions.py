"""Extensions, which come from a server: what a schema needs, and what a server has."""

from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from migrator import shadow
from migrator.config.context import Context
from migrator.errors import MigratorError, RefusedError
from migrator.history.schema_objects import Schema


def missing(server: URL, wanted: Schema) -> list[str]:
    """Return the extensions of a schema that a server does not have; none on SQLite."""
    names = {one.name for one in wanted.objects if one.kind == "EXTENSION"}
    if not names:
        return []
    with create_engine(server, poolclass=NullPool).connect() as connection:
        available = connection.exec_driver_sql("SELECT name FROM pg_available_extensions")
        return sorted(names - {*available.scalars()})


def refuse_missing(server: URL, wanted: Schema) -> None:
    """Refuse a server for shadow databases that does not have what the schema needs.

    Raises:
        RefusedError: it does not.
    """
    if lacking := missing(server, wanted):
        raise RefusedError(
            f"The server for shadow databases does not have the extensions {', '.join(lacking)},"
            " which the database has, so no revision can be proved there; nothing was changed."
            " Name a server that has them (--shadow URL), or leave them, and what needs them, to"
            ' somebody else: an entry in accepted_drift.toml with between = "database" for each,'
            f' for example object = "extension {lacking[0]}".'
        )


def missing_in_development(context: Context, wanted: Schema) -> list[str]:
    """Return the extensions that the development server does not have; none if it is not there."""
    if not any(one.kind == "EXTENSION" for one in wanted.objects):
        return []
    try:
        return missing(shadow.server(context), wanted)
    except (MigratorError, SQLAlchemyError):
        return []
