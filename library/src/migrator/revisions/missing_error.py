"""The error for a database at a revision that this code does not have, and the ways out of it."""

import shlex
from collections.abc import Iterator, Sequence

from migrator.config.context import Context
from migrator.errors import MigratorError
from migrator.revisions.missing import Missing


def of(context: Context, found: Sequence[Missing], current: Sequence[str]) -> MigratorError:
    """Return the error for a database at revisions that this code does not have.

    Args:
        current: where the database is, which may be at others too.
    """
    names = ", ".join(each.revision for each in found)
    where = "; ".join(dict.fromkeys(each.where for each in found))
    advice = "Deploy the code that has it"
    if not context.settings.production:
        advice = "Reset a development database"
    if any(each.source for each in found):
        advice = "Go back with the code that has it, or bring the file here"
    made = MigratorError(
        f"The database is at revision {names}, which this code does not have: {where}. Nothing was"
        f" changed. {advice}."
    )
    made.details = tuple(_ways_out(context, found, current))
    made.data = as_json(found)
    return made


def as_json(found: Sequence[Missing]) -> dict[str, object]:
    """Return what JSON says about them."""
    return {"missing": [each.as_dict() for each in found]}


def _ways_out(
    context: Context, found: Sequence[Missing], current: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield the commands with which the database and this code come together again."""
    production = context.settings.production
    for each in found:
        if not each.source:
            continue
        target = each.follows[0] if each.follows else "base"
        # At several heads, a revision that both follow would revert the other one too.
        target = f"{each.revision}@{target}" if len(current) > 1 else target
        if each.others.issuperset(current) and each.source != "HEAD":
            there = f"git checkout --detach {shlex.quote(each.source)}"
            back = f"make {'rollback' if production else 'downgrade'} to={target}"
            yield "to go back", f"{there} && {back} && git checkout -"
        yield "to bring it", each.restore
    if not production:
        if all(each.deleted and not each.follows for each in found):  # versions/ was emptied
            yield "to begin anew", 'make squash m="start" from=database'
        yield "to empty it", "make reset"
