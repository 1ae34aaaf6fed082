"""A foreign key that is checked while both tables are locked."""

from migrator.lint.rule import Example, Rule, Trial
from migrator.postgres import sql


def _reads_nothing(trial: Trial) -> bool:
    """Return whether no rows of a table that was there may have to be read.

    A foreign key is read through indexes where there are any, so that no full scan is seen. Nothing
    is read for a column that comes with it and is empty.
    """
    names = sql.subject(trial.finding.statement).names
    tables = {oid for step in trial.steps for oid, name in step.names.items() if name in names}
    is_new = bool(tables) and tables.isdisjoint(trial.traced.old)
    texts = (trial.finding.statement, *(step.sql for step in trial.steps))
    return is_new or not any(sql.has(text, "FOREIGN KEY", "DEFAULT") for text in texts)


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
    squawk=True,
    locks=True,
    dismiss=lambda trial: trial.harmless and _reads_nothing(trial),
    covers=frozenset({"constraint-missing-not-valid"}),
)
