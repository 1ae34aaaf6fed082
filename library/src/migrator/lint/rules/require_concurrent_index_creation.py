"""CREATE INDEX without CONCURRENTLY."""

from migrator.lint.rule import Example, Rule, harmless

RULE = Rule(
    name="require-concurrent-index-creation",
    reason="Building an index locks the table against writes for as long as it takes.",
    safe="op.create_index_concurrently(...), in a revision of its own.",
    example=Example(
        unsafe='op.create_index("ix", "users", ["name"])',
        safe='op.create_index_concurrently("ix", "users", ["name"])',
    ),
    squawk=True,
    locks=True,
    dismiss=harmless,
)
