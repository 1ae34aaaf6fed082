"""A column that is dropped while old code runs."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="ban-drop-column",
    reason="Code that still runs reads and writes the column: dropping it breaks that code.",
    safe='first deploy code without it, then drop it in a revision with phase = "contract".',
    example=Example(
        unsafe='op.drop_column("users", "nick")',
        safe="""
phase = "contract"
op.drop_column("users", "nick")
""",
    ),
    action=lambda candidate: candidate.kind == "drop column",
    observed=lambda seen: seen.loses("column", renamed=False),
    breaks_code=True,
    allowed_in_contract=True,
)
