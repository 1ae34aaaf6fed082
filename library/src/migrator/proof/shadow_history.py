"""The revisions of a history on a shadow database, forward and back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from migrator import catalog
from migrator.catalog import Schema
from migrator.config.context import Context
from migrator.errors import RefusedError
from migrator.revisions import log

NOT_COMPARED = ("alembic_version", log.TABLE.name)


@dataclass
class ShadowHistory:
    """The revisions in `directory`, on the shadow database at `url`, which `context` names.

    The files are read once, and what is added to `directory` later is known, too.
    """

    context: Context
    directory: ScriptDirectory
    url: URL

    def upgrade(self, to: str) -> None:
        """Apply revisions; whatever one of them raises is raised."""
        self.run(lambda heads, _: self.directory._upgrade_revs(to, heads), destination_rev=to)
        self._expect(to)

    def downgrade(self, to: str) -> None:
        """Revert revisions; whatever one of them raises is raised."""
        self.run(lambda heads, _: self.directory._downgrade_revs(to, heads), destination_rev=to)

    def run(self, steps: Callable[[Any, MigrationContext], Any], **options: Any) -> None:
        """Run env.py with `steps` as the function that gives Alembic its steps."""
        attributes = self.context.config.attributes
        with self.connect() as connection:
            attributes["connection"] = connection
            try:
                with EnvironmentContext(self.context.config, self.directory, fn=steps, **options):
                    self.directory.run_env()
            finally:
                del attributes["connection"]

    def schema(self) -> Schema:
        """Return the catalog."""
        with self.connect() as connection:
            return catalog.read(connection, NOT_COMPARED)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Yield a connection of its own, which is closed at the end."""
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.connect() as connection:
            yield connection

    def _expect(self, to: str) -> None:
        """Refuse to go on if Alembic has worked on another database.

        Raises:
            RefusedError: the shadow database is not where it has to be.
        """
        with self.connect() as connection:
            at = set(MigrationContext.configure(connection).get_current_heads())
        wanted = {each.revision for each in self.directory.get_revisions(to) if each}
        if at != wanted:
            raise RefusedError(
                "env.py did not use the database that it was given, but one of its own: nothing"
                " can be tried on a shadow database. Take the connection from"
                ' config.attributes["connection"], as the env.py of this template does.'
            )
