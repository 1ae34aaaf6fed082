"""The revisions of a history on a shadow database, forward and back."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from traceback import extract_tb
from typing import Any, Self

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from migrator import catalog, shadow
from migrator.autogenerate import comparison
from migrator.autogenerate.comparison import Comparison
from migrator.catalog import Schema
from migrator.config import imports, models, version_table
from migrator.config.context import Context
from migrator.console import withheld
from migrator.errors import MigratorError, RefusedError, one_line
from migrator.revisions import accepted_drift, graph


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

    def apply(self, script: Script) -> None:
        """Apply one revision; whatever it raises is raised."""
        step = MigrationStep.upgrade_from_script(self.directory.revision_map, script)
        self.run(lambda *_: [step], destination_rev=script.revision)
        self._expect(script.revision)

    def revert(self, script: Script) -> None:
        """Revert one revision; whatever it raises is raised."""
        step = MigrationStep.downgrade_from_script(self.directory.revision_map, script)
        self.run(lambda *_: [step], destination_rev=script.revision)

    def run(self, steps: Callable[[Any, MigrationContext], Any], **options: Any) -> None:
        """Run env.py with `steps` as the function that gives Alembic its steps."""
        attributes = self.context.config.attributes

        def all_steps(heads: Any, migration: MigrationContext) -> Iterator[Any]:
            yield from steps(heads, migration)
            shadow.commit_rest(migration)

        with self.connect() as connection:
            attributes["connection"] = connection
            try:
                config, directory = self.context.config, self.directory
                with (
                    EnvironmentContext(config, directory, fn=all_steps, **options),
                    withheld.prints(),
                ):
                    directory.run_env()
            finally:
                del attributes["connection"]

    def schema(self) -> Schema:
        """Return the catalog."""
        with self.reading() as connection:
            return catalog.read(connection, catalog.NOT_OURS)

    def compare(self) -> Comparison:
        """Compare with the models, which have been imported.

        Raises:
            MigratorError: the tables of the models cannot be created.
        """
        accepted = accepted_drift.read(Path(self.directory.dir), "models")
        with self.connect() as connection:
            return comparison.compare(connection, models.metadata(self.context.config), accepted)

    def connect(self) -> AbstractContextManager[Connection]:
        """Return a connection of its own, as if it were a new one."""
        return shadow.connected(self.url)

    def reading(self) -> AbstractContextManager[Connection]:
        """Return a connection to read with, which others use, too."""
        return shadow.reading(self.url)

    @contextmanager
    def copied(self) -> Iterator[Self]:
        """Yield the same on a copy of the database."""
        with shadow.copy(self.url) as url, shadow.fenced(self.context, url) as own:
            yield replace(self, context=own, url=url)

    @contextmanager
    def made_again(self, script: Script) -> Iterator[Self]:
        """Yield the same on a new database, with the revisions before `script`."""
        with shadow.another(self.url) as url, shadow.fenced(self.context, url) as own:
            shadow.prepare(self.context, url)
            made = replace(self, context=own, url=url)
            for parent in script._versioned_down_revisions:
                made.upgrade(parent)
            yield made

    def _expect(self, to: str) -> None:
        """Refuse to go on if Alembic has worked on another database.

        Raises:
            ShadowError: the shadow database is not where it has to be.
        """
        with self.reading() as connection:
            options = version_table.options()
            at = set(MigrationContext.configure(connection, opts=options).get_current_heads())
        wanted = {each.revision for each in self.directory.get_revisions(to) if each}
        if not wanted <= at:
            raise shadow.not_there()


def refuse_production(context: Context) -> None:
    """Refuse an ini file that is for deploys.

    Raises:
        RefusedError: there are no shadow databases on a production server.
    """
    if context.settings.production:
        raise RefusedError(
            f"{context.ini} is for deploys, and revisions are tried on shadow databases, which do"
            " not belong on a production server: use alembic.ini."
        )


@contextmanager
def applied(context: Context) -> Iterator[ShadowHistory]:
    """Yield the history, applied to a shadow database.

    Raises:
        RefusedError: `context` is for production, where there are no shadow databases, or its
            server is not for development; or env.py works on another database.
        MigratorError: a revision fails on it.
    """
    refuse_production(context)
    with shadow.empty(context) as url, shadow.fenced(context, url) as own:
        directory = graph.load(own)
        history = ShadowHistory(own, directory, url)
        if directory.get_heads():
            try:
                history.upgrade("heads")
            except MigratorError:
                raise
            except Exception as error:  # a revision is somebody's Python, and so is env.py
                raise _failed(directory, error) from error
        yield history


def _failed(directory: ScriptDirectory, error: Exception) -> MigratorError:
    """Return the error for what a revision or env.py raised."""
    reason = f"({type(error).__name__}: {one_line(error)}{imports.place(error)})"
    files = {Path(frame.filename) for frame in extract_tb(error.__traceback__)}
    if files.isdisjoint(Path(each.path) for each in directory.walk_revisions()):
        file = imports.relative(str(Path(directory.dir, "env.py")))
        return MigratorError(
            f"{file} fails {reason}, so no revision was run and nothing was written. Fix what it"
            " imports or does."
        )
    return MigratorError(
        f"The revisions cannot be applied to an empty database {reason}: fix the one that fails"
        " first."
    )
