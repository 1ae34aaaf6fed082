"""A view, function, type or other object with another name."""

from migrator.lint.rule import Example, Rule

# They have rules of their own, or no code goes by their names.
OTHERS = (
    *("table", "schema", "column", "value", "constraint", "index"),
    *("trigger", "policy", "rule", "statistic ext", "domconstraint"),
)

RULE = Rule(
    name="renaming-object",
    reason="Code that still runs uses the old name: the rename breaks that code.",
    safe="create a second one with the new name, and drop the old one in a contract revision.",
    example=Example(
        unsafe='op.execute("ALTER TYPE mood RENAME TO temper")',
        safe="op.execute(\"CREATE TYPE temper AS ENUM ('happy', 'sad')\")",
    ),
    action=lambda candidate: (
        candidate.kind.startswith("rename ")
        and candidate.kind.removeprefix("rename ") not in OTHERS
        and not candidate.made_again()
    ),
    breaks_code=True,
)
