"""The revisions that a rollback reverts: from where the database is back to another revision."""

import re

from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from migrator.config.context import Context
from migrator.errors import UsageError
from migrator.revisions import graph, position
from migrator.revisions.pending import Plan


def find(context: Context, connection: Connection, to: str) -> Plan:
    """Return the way back from where the database is to the revision `to`; changes nothing.

    Args:
        to: an identifier, "base", or "-1" and so on for as many steps.

    Raises:
        MigratorError: the database is at a revision that this code does not have.
        UsageError: there is no such revision behind.
    """
    script = graph.load(context)
    current = position.current_heads(connection)
    if any(not graph.is_known(script, revision) for revision in current):
        # `allow_ahead` is of no use here: what this code does not have, it cannot revert.
        position.refuse_missing(context, connection)
    try:
        steps = script._downgrade_revs(to, current)  # type: ignore[arg-type]
    except CommandError as error:
        raise UsageError(
            f"There is no way back from {', '.join(current) or 'base'} to {to} ({error}); nothing"
            " was changed. `make history` lists the revisions."
        ) from None
    pending = tuple(step.revision for step in steps)
    taken = {each.revision for each in pending}
    left = [each for each in _behind(script, current) if each.revision not in taken]
    below = {name for each in left for name in each._all_down_revisions}
    after = tuple(each.revision for each in left if each.revision not in below)
    target = _absolute(script, to, current, pending)
    return Plan(current, target, pending, upgrade=False, after=after)


def still_there(connection: Connection, going: Plan, script: ScriptDirectory) -> list[Script]:
    """Return those of `going`, a way back, that the database still has."""
    behind = {each.revision for each in _behind(script, position.current_heads(connection))}
    return [each for each in going.pending if each.revision in behind]


def _behind(script: ScriptDirectory, heads: tuple[str, ...]) -> list[Script]:
    return list(script.iterate_revisions(heads, "base"))


def _absolute(
    script: ScriptDirectory, to: str, current: tuple[str, ...], pending: tuple[Script, ...]
) -> str:
    """Return `to` so that it means the same when a part of the way is done, unlike "-1"."""
    if relative := re.fullmatch(r"(?:(.+)@)?-\d+", to):
        (before,) = pending[-1]._versioned_down_revisions or ("base",)
        label = relative[1] or (current[0] if len(current) > 1 else "")
        return f"{label}@{before}" if label else before
    if re.search("[@+-]", to):
        return to
    found = script.get_revision(to)
    return found.revision if found else "base"
