"""A value of an enum with another name."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="renaming-enum-value",
    reason="Code that still runs uses the old value: the rename breaks that code.",
    safe="add a new value, op.backfill(...), then switch the code over.",
    example=Example(
        unsafe="op.execute(\"ALTER TYPE mood RENAME VALUE 'happy' TO 'glad'\")",
        safe="op.execute(\"ALTER TYPE mood ADD VALUE 'glad'\")",
    ),
    action=lambda candidate: candidate.kind == "rename value",
    observed=lambda seen: seen.loses("value", renamed=True),
    breaks_code=True,
)
