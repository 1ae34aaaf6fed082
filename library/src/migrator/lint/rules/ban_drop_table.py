"""A table that is dropped while old code runs."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="ban-drop-table",
    reason="Code that still runs reads and writes the table: dropping it breaks that code.",
    safe='first deploy code without it, then drop it in a revision with phase = "contract".',
    example=Example(
        unsafe='op.drop_table("leftovers")',
        safe="""
phase = "contract"
op.drop_table("leftovers")
""",
    ),
    action=lambda candidate: (
        candidate.kind == "drop table"
        or (candidate.kind == "drop schema" and candidate.action.has("cascade"))
    ),
    observed=lambda seen: seen.loses("table", renamed=False),
    breaks_code=True,
    allowed_in_contract=True,
)
