"""A constraint that is checked while the table is locked."""

from migrator.lint.rule import Example, Rule, harmless

RULE = Rule(
    name="constraint-missing-not-valid",
    reason="Adding a constraint scans the whole table while it is locked.",
    safe=(
        "op.add_check_validated(...) or op.add_foreign_key_validated(...): added as NOT"
        " VALID, then validated without blocking reads or writes."
    ),
    example=Example(
        unsafe='op.create_check_constraint("ck", "users", "length(name) > 0")',
        safe='op.add_check_validated("ck", "users", "length(name) < 300")',
    ),
    squawk=True,
    locks=True,
    dismiss=harmless,
)
