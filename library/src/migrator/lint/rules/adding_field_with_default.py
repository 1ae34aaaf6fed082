"""A column with a default that is computed for each row."""

from migrator.lint.observed import harmless
from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="adding-field-with-default",
    reason=(
        "A default that is computed for each row rewrites the table while it is locked"
        " against reads and writes."
    ),
    safe=(
        "add the column without a default, set the default, then op.backfill(...) the"
        " existing rows."
    ),
    example=Example(
        unsafe="""
op.add_column(
    "users", sa.Column("token", sa.Uuid(), server_default=sa.text("gen_random_uuid()"))
)
""",
        safe="""
op.add_column("users", sa.Column("token", sa.Uuid()))
op.alter_column("users", "token", server_default=sa.text("gen_random_uuid()"))
""",
    ),
    action=lambda candidate: (
        candidate.kind == "add column" and candidate.action.has("volatile", "stored")
    ),
    locks=True,
    dismiss=harmless,
)
