"""A NOT NULL column without a default."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="adding-required-field",
    reason=(
        "A NOT NULL column without a default fails on a table that has rows, and code that"
        " still runs does not fill it."
    ),
    safe="add it as nullable, op.backfill(...), then op.set_not_null(...).",
    example=Example(
        unsafe='op.add_column("users", sa.Column("city", sa.Text(), nullable=False))',
        safe='op.add_column("users", sa.Column("city", sa.Text()))',
    ),
    action=lambda candidate: (
        candidate.kind == "add column"
        and candidate.action.has("not null")
        and not candidate.action.has("default", "generated")
    ),
    locks=True,
    announces=frozenset({"fails"}),
)
