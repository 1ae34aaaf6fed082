"""The proof of revisions that are there already: each one by itself, up, down and up again."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from alembic.script import Script

from migrator import shadow
from migrator.config.context import Context
from migrator.errors import MigratorError, one_line
from migrator.proof.proof import NotProved
from migrator.proof.revising import proved
from migrator.proof.shadow_history import ShadowHistory, refuse_production
from migrator.revisions import graph


@dataclass(frozen=True)
class Proved:
    """A revision; `problem` is empty if it holds, `details` are the lines below it."""

    script: Script
    problem: str = ""
    details: tuple[tuple[str, str], ...] = ()
    notes: list[str] = field(default_factory=list)


def prove(context: Context, revisions: Collection[str] | None = None) -> Iterator[Proved]:
    """Prove revisions of the history, oldest first, on shadow databases.

    The models are not asked: what a revision leads to is its own business. It must lead back, too,
    unless it says `irreversible = "why"`.

    Args:
        revisions: their identifiers; all of the history if None.

    Raises:
        MigratorError: one that is not to be proved fails.
    """
    refuse_production(context)
    with shadow.empty(context) as url, shadow.fenced(context, url) as own:
        directory = graph.load(own)
        history = ShadowHistory(own, directory, url)
        for script in reversed(list(directory.walk_revisions())):
            if (revisions is None or script.revision in revisions) and not script.is_merge_point:
                yield _one(history, script)
            try:
                history.apply(script)
            except Exception as error:  # a revision is somebody's Python
                raise MigratorError(
                    f"Revision {script.revision} fails on an empty database: {one_line(error)}."
                ) from error


def _one(history: ShadowHistory, script: Script) -> Proved:
    try:
        with proved(history, [script]) as (_, notes, _):
            return Proved(script, notes=notes)
    except NotProved as error:
        return Proved(script, str(error), error.details)
