"""DROP DATABASE."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="ban-drop-database",
    reason="It drops a database.",
    safe="leave that to people.",
    example=Example(
        unsafe='op.execute("DROP DATABASE other")',
        safe="pass",
    ),
    squawk=True,
)
