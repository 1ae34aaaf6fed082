"""The database that is named: read only, where it is and what differs from the history."""

from dataclasses import dataclass, field

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from migrator import catalog, shadow
from migrator.catalog import Difference, Schema
from migrator.config import urls, version_table
from migrator.database import errors


@dataclass
class Database:
    """What was read of it.

    Args:
        shown: its URL, without secrets.
        at: the revisions in its version table.
        unknown: those among them that the project does not have.
        differing: what differs from the history at these revisions.
    """

    url: URL
    shown: str
    at: tuple[str, ...]
    schema: Schema
    unknown: tuple[str, ...] = ()
    differing: list[Difference] = field(default_factory=list)

    @property
    def differences(self) -> list[str]:
        """What differs, as sentences."""
        return [each.describe("the database", "the history") for each in self.differing]


def read(url: URL) -> Database:
    """Read the database at `url`, in one transaction that may not write.

    Raises:
        MigratorError: it cannot be reached, or may not be read.
    """
    engine = create_engine(url, poolclass=NullPool)
    try:
        with shadow.outside(), engine.connect() as connection:
            if url.get_backend_name() == "postgresql":
                connection.exec_driver_sql(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
                )
            at = _heads(connection)
            schema = catalog.read(connection, catalog.NOT_OURS)
            connection.rollback()
    except DBAPIError as error:
        raise errors.error(url, error) from None
    return Database(url, urls.shown(url), at, schema)


def compare(database: Database, built: Schema) -> None:
    """Say what differs between the database and what its revisions build."""
    brought = {key for key in database.schema.objects if key.kind == "extension"}
    database.differing = [
        each
        for each in catalog.diff(database.schema, built)
        # Versions, and what a server brings by itself, are not the history's.
        if each.property != "version" and not (each.key in brought and each.after is None)
    ]


def _heads(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection, opts=version_table.options()).get_current_heads()
