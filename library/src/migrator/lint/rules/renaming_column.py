"""A column with another name."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="renaming-column",
    reason="Code that still runs uses the old name of the column: the rename breaks that code.",
    safe=(
        "a new column that both versions of the code fill, op.backfill(...), then drop the"
        " old one in a contract revision."
    ),
    example=Example(
        unsafe='op.alter_column("users", "nick", new_column_name="alias")',
        safe='op.add_column("users", sa.Column("alias", sa.String(200)))',
    ),
    action=lambda candidate: candidate.kind == "rename column",
    observed=lambda seen: seen.loses("column", renamed=True),
    breaks_code=True,
)
