"""Begin the history anew with what the development database has, whatever became of the old one.

The new revision has the identifier that the database is at. So a database that was deployed up to
it needs no stamp, although the files of its revisions are gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from alembic.util import rev_id
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from migrator import database, shadow
from migrator.config.context import Context
from migrator.errors import PendingError, UsageError
from migrator.history import (
    baseline,
    extensions,
    folder_swap,
    models_file,
    proved_revision,
    revision_file,
    squash,
)
from migrator.history.shadow_databases import ShadowDatabases
from migrator.revisions import accepted_drift, graph, position


@dataclass(frozen=True)
class FreshStart:
    """What is replaced.

    Args:
        current: the revisions that the database is at.
        revision: the identifier of the new revision.
        gone: the identifiers of the revisions whose files are removed.
        versions: their folder.
    """

    current: tuple[str, ...]
    revision: str
    gone: tuple[str, ...]
    versions: Path
    script: ScriptDirectory

    @property
    def to_stamp(self) -> bool:
        """Whether the database is elsewhere than at the new revision."""
        return self.current != (self.revision,)


def choose(context: Context) -> FreshStart:
    """Return what a fresh start would replace.

    Raises:
        RefusedError: `context` is for production.
        PendingError: the database lacks some of the revisions.
        UsageError: the revisions are in several folders.
    """
    squash.refuse_production(context)
    script = graph.load(context)
    versions = squash.folder(script)
    with database.connect(context) as connection:
        current = position.current_heads(connection)
    heads = script.get_heads()
    if any(graph.is_known(script, each) for each in current) and {*current} != {*heads}:
        raise PendingError(
            f"Your database is at {', '.join(current)}, and the newest revision is"
            f" {', '.join(heads)}: a history that begins with this database would lack what is"
            " between the two. Nothing was changed; run `make migrate` first."
        )
    (revision, *others) = current or heads or (rev_id(),)
    gone = tuple(each.revision for each in script.walk_revisions())
    return FreshStart(current, rev_id() if others else revision, gone, versions, script)


def run(context: Context, chosen: FreshStart, message: str) -> baseline.BaselineResult:
    """Write the revision, prove it, and replace all revisions with it.

    Raises:
        UsageError: the database has no tables.
        MigratorError: a revision that creates the same schema cannot be written.
    """
    url = context.target.url
    config = Path(chosen.script.dir)
    without = accepted_drift.read(config, "database").whole
    shadows = ShadowDatabases(context, url, owners=False, without=without)
    source = create_engine(url, poolclass=NullPool)
    wanted = shadows.schema(source)
    if not wanted.tables:
        raise UsageError("The database has no tables, so no history can begin with it.")
    extensions.refuse_missing(url, wanted)
    replaces = tuple(each for each in chosen.gone if each != chosen.revision)
    with folder_swap.replacement(chosen.versions) as new:
        for each in chosen.script.walk_revisions():
            (new / Path(each.path).relative_to(chosen.versions.absolute())).unlink()
        text = revision_file.RevisionParts(message, replaces)
        made = proved_revision.write(shadows, new, chosen.revision, source, wanted, text)
        with shadows.empty() as engine, shadows.fenced(engine, new) as copy:
            shadow.upgrade(copy, chosen.revision)
            with engine.connect() as connection:
                differences, problem = models_file.compare(context, connection, config)
        folder_swap.swap(chosen.versions, new)
    return baseline.BaselineResult(
        chosen.revision,
        chosen.versions / made.path.relative_to(new),
        chosen.versions,
        made.carried,
        made.why,
        tuple(each.title for each in wanted.left_out),
        tuple(each.describe("the database", "the models") for each in differences),
        problem,
    )


def stamp(context: Context, chosen: FreshStart) -> None:
    """Record in the database that it is at the new revision; nothing else in it is changed."""
    command.stamp(context.config, chosen.revision, purge=True)


def others(chosen: FreshStart) -> Sequence[str]:
    """Return what has to be done for other databases, line by line."""
    lines = [f"Databases at {chosen.revision} need no action: the new revision has its name."]
    if chosen.to_stamp:
        lines = [
            "Stamp every other database that has this schema, production too, and compare it:",
            "  .venv/bin/alembic -c alembic_prod.ini -x by-hand=yes stamp --purge"
            f" {chosen.revision}",
            "  .venv/bin/alembic -c alembic_prod.ini check",
        ]
    return [*lines, "Rows that the old revisions inserted are not in a new database: seed them."]
