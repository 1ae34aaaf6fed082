"""`make revision`: from the models to revisions that are proved, and then written."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from alembic.script import Script

from migrator import shadow
from migrator.autogenerate import comparison
from migrator.config import models
from migrator.config.context import Context
from migrator.errors import MigratorError, RefusedError, one_line
from migrator.proof import proof
from migrator.proof.proof import NotProved, Proof
from migrator.proof.proposal import proposed
from migrator.proof.seeding import Seeding
from migrator.proof.shadow_history import ShadowHistory
from migrator.revisions import graph


@dataclass
class Written:
    """The files that were written, and what the proof was made without."""

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def revise(
    context: Context, message: str, asked: Sequence[str], lossy: Collection[str] = ()
) -> Written:
    """Write the revisions that lead from the history to the models, once they are proved.

    Args:
        asked: what was named, as after alembic's -x.
        lossy: columns (table.column) whose values may change.

    Returns:
        No files if the models and the history agree.

    Raises:
        RefusedError: something has to be named, or cannot be proved; nothing was written.
        MigratorError: a revision fails, or no shadow database can be made; nothing was written.
    """
    with applied(context) as history, proposed(history, message, asked) as proposal:
        if not proposal.scripts:
            _expect_agreement(history)
            return Written()
        notes = prove(history, proposal.scripts, frozenset(lossy))
        return Written(proposal.write(), notes)


@contextmanager
def applied(context: Context) -> Iterator[ShadowHistory]:
    """Yield the history, applied to a shadow database.

    Raises:
        RefusedError: `context` is for production, where there are no shadow databases.
        MigratorError: a revision fails on it.
    """
    if context.settings.production:
        raise RefusedError(
            f"{context.ini} is for deploys, and revisions are tried on shadow databases, which do"
            " not belong on a production server: use alembic.ini."
        )
    with shadow.empty(shadow.server(context)) as url, shadow.configured(context, url) as own:
        directory = graph.load(own)
        history = ShadowHistory(own, directory, url)
        if directory.get_heads():
            try:
                history.upgrade("heads")
            except MigratorError:
                raise
            except Exception as error:  # a revision is somebody's Python
                raise MigratorError(
                    "The revisions cannot be applied to an empty database"
                    f" ({type(error).__name__}: {one_line(error)}): fix the one that fails first."
                ) from error
        yield history


def prove(
    history: ShadowHistory, scripts: Sequence[Script], lossy: frozenset[str] = frozenset()
) -> list[str]:
    """Prove revisions that follow those of `history`, on copies of its database.

    Rows that a revision cannot work with, as duplicates where a value becomes unique, are left
    out in another try, and a sentence says so.

    Raises:
        NotProved: they do something else than they have to.
    """
    metadata = models.metadata(history.context.config)
    seeding = Seeding()
    while True:
        with shadow.copy(history.url) as url, shadow.configured(history.context, url) as own:
            copy = ShadowHistory(own, history.directory, url)
            notes = seeding.fill(copy)
            try:
                Proof(copy, scripts, metadata, lossy).run()
            except NotProved:
                raise
            except Exception as error:  # a revision is somebody's Python
                if not seeding.without(error):
                    raise NotProved(
                        f"The revision fails on a shadow database: {one_line(error)}"
                    ) from error
            else:
                return [*notes, *seeding.notes]


def _expect_agreement(history: ShadowHistory) -> None:
    """Raise what autogenerate did not see.

    Raises:
        NotProved: the models and the history differ all the same.
    """
    with history.connect() as connection:
        found = comparison.compare(connection, models.metadata(history.context.config)).differences
    if found:
        raise proof.not_covered(found)
