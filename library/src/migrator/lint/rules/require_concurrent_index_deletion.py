"""DROP INDEX without CONCURRENTLY."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="require-concurrent-index-deletion",
    reason=(
        "DROP INDEX locks the table against reads and writes, and first waits for running queries."
    ),
    safe="op.drop_index_concurrently(...).",
    example=Example(
        unsafe='op.drop_index("ix_users_nick", "users")',
        safe='op.drop_index_concurrently("ix_users_nick", "users")',
    ),
    squawk=True,
    locks=True,
)
