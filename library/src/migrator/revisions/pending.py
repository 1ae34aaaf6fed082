"""Where the database is, where this code wants it, and the revisions between the two."""

from dataclasses import dataclass
from typing import Any

from alembic.runtime.migration import RevisionStep
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from migrator.config.context import Context
from migrator.errors import UsageError
from migrator.revisions import description, graph, phase_and_transaction, position
from migrator.revisions.phase_and_transaction import CONTRACT


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
            "pending": [description.as_dict(each) for each in self.pending],
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
        if phase_and_transaction.of(script).phase == CONTRACT:
            break
        reached = script.revision
    return reached
