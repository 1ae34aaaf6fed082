"""The constraints that pending revisions add, in their order, from the SQL and the operations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError

from migrator.config.context import Context
from migrator.errors import MigratorError
from migrator.postgres import sql
from migrator.postgres.violation_query import AddedConstraint

if TYPE_CHECKING:
    from migrator.lint.statements import Action

# Verbs of actions after which a table has the same rows, in columns of the same names.
KEEP = (
    *("add", "alter", "begin", "commit", "create", "disable", "enable", "grant", "like", "lock"),
    *("read", "revoke", "set", "validate"),
)
KEPT_BY_DROP = (
    *("constraint", "default", "identity", "index", "not null", "policy", "trigger", "view"),
)
NOT_KEPT = ("set type", "set expression")
HARMLESS = ("COMMENT", "SET", "RESET", "CREATE", "ALTER")  # what is not read in detail


@dataclass(frozen=True)
class Step:
    """What one statement or operation of a revision adds.

    `is_first` is whether nothing before it changes rows, so that those that are there now are those
    that it will meet.
    """

    revision: str
    added: tuple[AddedConstraint, ...]
    is_first: bool


def find(context: Context, revisions: ScriptDirectory, scripts: Sequence[Script]) -> Iterator[Step]:
    """Yield what the upgrades of some of the revisions add.

    What stands in a DO block is left out, except that of an operation, which says what it adds:
    the block may have a condition.
    """
    from migrator.lint import rendering  # half of the tool, and only where something is pending
    from migrator.lint.statements.added_constraints import added_constraints

    try:
        rendered = rendering.render(context, revisions, scripts)
    except (CommandError, MigratorError):  # lint says it
        return
    is_first, last = True, None
    for each in rendered:
        for statement in each.statements:
            adds = statement.sql
            if statement.operation is not None:
                adds = "" if statement.operation is last else statement.adds
                last = statement.operation
            yield Step(each.script.revision, added_constraints(adds), is_first)
            is_first = is_first and keeps_rows(statement.sql)
        is_first = is_first and not each.failure


def keeps_rows(statement: str) -> bool:
    """Return whether all tables have the same rows after a statement, as far as can be read."""
    from migrator.lint.statements import read

    found = read(statement)
    if not found.actions and not found.inside:
        return sql.begins(statement, *HARMLESS)
    inside = (action for inner in found.inside for action in read(inner.sql).actions)
    return all(map(_keeps, (*found.actions, *inside)))


def _keeps(action: "Action") -> bool:
    verb, _, what = action.kind.partition(" ")
    if verb == "drop":
        return what in KEPT_BY_DROP
    return verb in KEEP and action.kind not in NOT_KEPT
