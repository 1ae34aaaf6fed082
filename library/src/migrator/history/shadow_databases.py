"""Shadow databases on which a history is tried, and the schemas and rows in them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from migrator import shadow
from migrator.config.context import Context
from migrator.history import sqlite
from migrator.history.schema_objects import Schema


@dataclass
class ShadowDatabases:
    """Creates shadow databases, and reads the schemas of databases to compare.

    Args:
        context: the project's context.
        server: a database on the server where shadow databases are created; it is not changed.
        ignored: the name of Alembic's version table, with its schema if it has one.
        owners: whether owners and grants to roles are part of a schema.
        without: patterns of objects that are not part of it.
    """

    context: Context
    server: URL
    ignored: str = "alembic_version"
    owners: bool = True
    without: tuple[str, ...] = ()

    @contextmanager
    def empty(self) -> Iterator[Engine]:
        """Yield an engine on a new, empty database, which is dropped at the end.

        Raises:
            MigratorError: the database cannot be created.
        """
        with shadow.empty(self.context, self.server) as url:
            yield create_engine(url, poolclass=NullPool)

    @contextmanager
    def fenced(self, engine: Engine, folder: Path | None = None) -> Iterator[Context]:
        """Yield a context for commands on the shadow database of `engine`.

        Args:
            folder: the folder of the revisions, if it is not the configured one.
        """
        with shadow.fenced(self.context, engine.url) as copy:
            yield copy if folder is None else with_revisions(copy, folder)

    def schema(self, engine: Engine) -> Schema:
        """Return the schema of the database of `engine`.

        Raises:
            MigratorError: the schema cannot be read.
        """
        if engine.dialect.name == "sqlite":
            return sqlite.read(engine, self.ignored)
        from migrator.history import postgresql  # needs psycopg

        with shadow.configured(self.context, engine.url) as copy:
            return postgresql.read(copy, engine, self.ignored, self.owners, self.without)

    def rows(self, engine: Engine, tables: Sequence[str]) -> tuple[str, ...]:
        """Return INSERT statements for the rows in `tables` (names as SQL writes them)."""
        if not tables:
            return ()
        if engine.dialect.name == "sqlite":
            return sqlite.rows(engine, tables)
        from migrator.history import postgresql  # needs psycopg

        with shadow.configured(self.context, engine.url) as copy:
            return postgresql.rows(copy, engine, tables)


def with_revisions(context: Context, folder: Path) -> Context:
    """Set the folder of the revisions of `context`, and return it."""
    context.config.set_main_option("path_separator", "newline")  # a path may contain a colon
    context.config.set_main_option("version_locations", str(folder))
    return context
