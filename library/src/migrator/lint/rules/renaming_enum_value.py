"""A value of an enum with another name."""

from migrator.lint.rule import Example, Rule
from migrator.postgres import sql

RULE = Rule(
    name="renaming-enum-value",
    reason="After a rename code that still runs reads and writes it: the deploy breaks it.",
    safe="a new value beside it, op.backfill(...), then let the code change over.",
    example=Example(
        unsafe="op.execute(\"ALTER TYPE mood RENAME VALUE 'happy' TO 'glad'\")",
        safe="op.execute(\"ALTER TYPE mood ADD VALUE 'glad'\")",
    ),
    statement=lambda candidate: sql.renames_enum_value(candidate.sql),
    observed=lambda seen: seen.loses("value", renamed=True),
    breaks_code=True,
)
