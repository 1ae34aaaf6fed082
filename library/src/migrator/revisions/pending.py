"""Where the database is, where this code wants it, and the revisions between the two."""

import re
from dataclasses import dataclass
from typing import Any

from alembic.runtime.migration import RevisionStep
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from migrator.config.context import Context
from migrator.errors import UsageError
from migrator.revisions import attributes, graph, position
from migrator.revisions.attributes import CONTRACT


@dataclass(frozen=True)
class Plan:
    """`pending` leads from `current` (empty at base) to `target`, in the order of work.

    `target` is for Alembic. `after` are the revisions that a way back ends at, which may be more.
    `ahead`: the database is where newer code has brought it, so nothing is pending.
    """

    current: tuple[str, ...]
    target: str
    pending: tuple[Script, ...]
    upgrade: bool = True
    ahead: bool = False
    after: tuple[str, ...] = ()

    def steps(self, revisions: ScriptDirectory, heads: Any) -> list[RevisionStep]:
        """Return Alembic's steps from where the database is, `heads`, to the target."""
        if self.upgrade:
            return revisions._upgrade_revs(self.target, heads)
        return revisions._downgrade_revs(self.target, heads)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "current": [*self.current],
            "target": self.target,
            "pending": [graph.as_dict(each) for each in self.pending],
            "ahead": self.ahead,
        }

    @property
    def at(self) -> str:
        """The current revision in words."""
        return ", ".join(self.current) or "base"

    @property
    def ends_at(self) -> str:
        """Where it leads in words."""
        return ", ".join(self.after) or self.target


def make(
    context: Context,
    connection: Connection,
    to: str = "head",
    revisions: ScriptDirectory | None = None,
) -> Plan:
    """Compare the database with the revisions of this code; changes nothing.

    Args:
        to: the revision to reach, as Alembic writes it.
        revisions: those of `context`, if they are loaded already, which takes 0.1 ms for each.

    Raises:
        MigratorError: the history has several heads, or the database is at a revision that
            this code does not have.
        RefusedError: newer code has migrated the database, and `allow_ahead` is false.
        UsageError: there is no revision `to`, or it lies behind.
    """
    script = revisions or graph.load(context)
    target = graph.find(script, to)
    current = position.current_heads(connection)
    if set(current) == {target}:
        return Plan(current, target, ())
    if any(not graph.is_known(script, revision) for revision in current):
        position.refuse_unknown(context, connection, script, current)
        return Plan(current, target, (), ahead=True)
    try:
        pending = list(script.iterate_revisions(target, current or "base"))
    except (CommandError, RevisionError):
        raise UsageError(
            f"The database is at {', '.join(current)}, and no revision leads forward from there to"
            f" {target}; nothing was changed."
        ) from None
    return Plan(current, target, tuple(reversed(pending)))


def before_contract(found: Plan) -> str:
    """Return how far the database may go while old code runs.

    That is up to the first revision with `phase = "contract"`, which autogenerate writes. With a
    database that has no revision yet, no code runs: all the way.
    """
    if not found.current:
        return found.target
    reached = found.current[0]
    for script in found.pending:
        if attributes.of(script).phase == CONTRACT:
            break
        reached = script.revision
    return reached


def back(context: Context, connection: Connection, to: str) -> Plan:
    """Return the way back from where the database is to the revision `to`; changes nothing.

    Args:
        to: an identifier, "base", or "-1" and so on for as many steps.

    Raises:
        MigratorError: as for `make`.
        UsageError: there is no such revision behind.
    """
    script = graph.load(context)
    current = position.current_heads(connection)
    if any(not graph.is_known(script, revision) for revision in current):
        position.refuse_unknown(context, connection, script, current)
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
