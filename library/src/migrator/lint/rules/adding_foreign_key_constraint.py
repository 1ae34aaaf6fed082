"""A foreign key that is checked while both tables are locked."""

from migrator.lint.candidate import Candidate
from migrator.lint.observed import Trial
from migrator.lint.rule import Example, Rule
from migrator.lint.statements import Action, read


def _reads(action: Action) -> bool:
    """Return whether rows may have to be read: a column that comes with it is empty."""
    is_new_and_empty = action.has("with column") and not action.has("default")
    return action.adds("foreign key") and not is_new_and_empty


def _scans(candidate: Candidate) -> bool:
    return _reads(candidate.action) and not candidate.action.has("not valid")


def _reads_nothing(trial: Trial) -> bool:
    """Return whether no rows of a table that was there may have to be read.

    A foreign key is read through indexes where there are any, so that no full scan is seen.
    """
    texts = (trial.finding.statement, *(step.sql for step in trial.steps))
    actions = [action for text in texts for action in read(text).actions]
    names = {action.table for action in actions}
    tables = {oid for step in trial.steps for oid, name in step.names.items() if name in names}
    is_new = bool(tables) and tables.isdisjoint(trial.traced.old)
    return is_new or not any(_reads(action) for action in actions)


RULE = Rule(
    name="adding-foreign-key-constraint",
    reason=(
        "Adding a foreign key scans the whole table while both tables are locked against writes."
    ),
    safe=(
        "op.add_foreign_key_validated(...): added as NOT VALID, then validated without"
        " blocking reads or writes."
    ),
    example=Example(
        unsafe='op.create_foreign_key("fk", "users", "teams", ["team_id"], ["id"])',
        safe='op.add_foreign_key_validated("fk", "users", "teams", ["team_id"], ["id"])',
    ),
    action=_scans,
    locks=True,
    dismiss=lambda trial: trial.harmless and _reads_nothing(trial),
    covers=frozenset({"constraint-missing-not-valid"}),
)
