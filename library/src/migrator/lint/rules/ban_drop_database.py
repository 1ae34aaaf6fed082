"""DROP DATABASE."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="ban-drop-database",
    reason="DROP DATABASE removes a whole database.",
    safe="do not drop databases in a revision.",
    example=Example(
        unsafe='op.execute("DROP DATABASE other")',
        safe="pass",
    ),
    action=lambda candidate: candidate.kind == "drop database",
)
