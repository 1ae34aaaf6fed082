"""Empty databases to try a history on, and what is in them afterwards."""

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
from migrator.history.schema import Schema


@dataclass
class ShadowDatabases:
    """Makes scratch databases, and reads databases that are to be compared with each other.

    Args:
        context: the project's configuration.
        server: a database beside which the scratch databases are made; it is not touched.
        ignored: the name of Alembic's own table, with its schema if it has one.
        owners: whether it counts who owns what.
    """

    context: Context
    server: URL
    ignored: str = "alembic_version"
    owners: bool = True

    @contextmanager
    def empty(self) -> Iterator[Engine]:
        """Yield an engine on a new, empty database, which is removed at the end.

        Raises:
            MigratorError: there can be none.
        """
        with shadow.empty(self.server) as url:
            yield create_engine(url, poolclass=NullPool)

    @contextmanager
    def configured(self, engine: Engine, folder: Path | None = None) -> Iterator[Context]:
        """Yield a configuration for commands on the database of `engine`.

        Args:
            folder: where the revisions are, if not in their usual place.
        """
        with shadow.configured(self.context, engine.url) as copy:
            yield copy if folder is None else with_revisions(copy, folder)

    def schema(self, engine: Engine) -> Schema:
        """Return the schema of the database of `engine`.

        Raises:
            MigratorError: it cannot be read; the message says why.
        """
        if engine.dialect.name == "sqlite":
            return sqlite.read(engine, self.ignored)
        from migrator.history import postgresql  # psycopg is not installed everywhere

        with self.configured(engine) as copy:
            return postgresql.read(copy, engine, self.ignored, self.owners)

    def rows(self, engine: Engine, tables: Sequence[str]) -> tuple[str, ...]:
        """Return the statements that fill `tables` (as SQL writes them) as they are now."""
        if not tables:
            return ()
        if engine.dialect.name == "sqlite":
            return sqlite.rows(engine, tables)
        from migrator.history import postgresql  # psycopg is not installed everywhere

        with self.configured(engine) as copy:
            return postgresql.rows(copy, engine, tables)


def with_revisions(context: Context, folder: Path) -> Context:
    """Let `context` find its revisions in another folder, and return it."""
    context.config.set_main_option("path_separator", "newline")  # a path may have a colon in it
    context.config.set_main_option("version_locations", str(folder))
    return context
