"""Another type for a column."""

from migrator.lint.rule import Example, Rule, harmless

RULE = Rule(
    name="changing-column-type",
    reason=(
        "Another type usually rewrites the table while it is locked against reads and writes,"
        " and code that still runs may not know it."
    ),
    safe="a new column of that type, op.backfill(...), then let the code change over.",
    example=Example(
        unsafe='op.alter_column("users", "age", type_=sa.BigInteger())',
        safe='op.alter_column("users", "nick", type_=sa.Text())',
    ),
    squawk=True,
    locks=True,
    dismiss=harmless,
    undecided_at_deploy=True,
)
