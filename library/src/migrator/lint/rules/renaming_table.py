"""A table with another name or in another schema."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="renaming-table",
    reason="Code that still runs uses the old name of the table: the rename breaks that code.",
    safe="create a new table, or a view with the old name for as long as old code runs.",
    example=Example(
        unsafe='op.rename_table("leftovers", "remains")',
        safe='op.execute("CREATE VIEW remains AS SELECT * FROM leftovers")',
    ),
    action=lambda candidate: (
        candidate.kind in ("rename table", "rename schema") and not candidate.is_read_by_old_name()
    ),
    observed=lambda seen: seen.loses("table", renamed=True),
    breaks_code=True,
)
