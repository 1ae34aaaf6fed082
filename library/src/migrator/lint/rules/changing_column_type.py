"""Another type for a column."""

from migrator.lint.rule import Example, Rule, harmless

RULE = Rule(
    name="changing-column-type",
    reason=(
        "A change of type usually rewrites the table while it is locked against reads and"
        " writes, and code that still runs may not know the new type."
    ),
    safe="add a column of the new type, op.backfill(...) it, then switch the code over.",
    example=Example(
        unsafe='op.alter_column("users", "age", type_=sa.BigInteger())',
        safe='op.alter_column("users", "nick", type_=sa.Text())',
    ),
    squawk=True,
    locks=True,
    dismiss=harmless,
    undecided_at_deploy=True,
)
