"""Sentences about what was not tried, or is less certain than it could be."""

from collections.abc import Sequence
from pathlib import Path

from alembic.script import Script

from migrator.errors import counted
from migrator.revisions import unreadable
from migrator.trace import Traced

WITHOUT = "tried without rows, because a revision cannot work with generated ones"
SHOWN = 5  # names of tables in a sentence


def of_trace(traced: Sequence[Traced]) -> list[str]:
    """Return sentences about what a trace could not try, each once."""
    notes = dict.fromkeys(f"{each.script.revision}: {n}" for each in traced for n in each.notes)
    tables = list(dict.fromkeys(name for each in traced for name in each.without_rows))
    if not tables:
        return [*notes]
    if "*" in tables:  # see trace.rejected_rows
        return [*notes, f"All tables {WITHOUT}."]
    shown = ", ".join(sorted(tables)[:SHOWN])
    more = f" and {len(tables) - SHOWN} more" if len(tables) > SHOWN else ""
    return [*notes, f"{counted(len(tables), 'table')} {WITHOUT}: {shown}{more}."]


def of_lost(lost: Sequence[Script], *, traced: bool) -> list[str]:
    """Return what is less certain because of earlier revisions that cannot be imported."""
    if not lost:
        return []
    first, *others = lost
    more = f" and {counted(len(others), 'other revision')}" if others else ""
    untried = ", so that none of these can be tried on a shadow database" if traced else ""
    why = f"{Path(str(first.module.__file__)).name} ({unreadable.reason(first)})"
    return [f"{why}{more} cannot be imported; it comes before these{untried}."]
