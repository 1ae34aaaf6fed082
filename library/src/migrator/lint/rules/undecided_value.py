"""A new NOT NULL column whose values are not decided."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="undecided-value",
    reason=(
        "The revision applies to an empty table only: it does not say which value rows that are"
        " there get in the new column."
    ),
    safe="write a value, or SQL in sa.text(...), in place of None.",
    example=Example(
        unsafe='op.backfill("users", {"nick": None}, key="id")',
        safe='op.backfill("users", {"nick": "unknown"}, key="id")',
    ),
    observed=lambda seen: seen.step.of_python and seen.step.sql == "UndecidedValue",
    covers=frozenset({"fails"}),
)
