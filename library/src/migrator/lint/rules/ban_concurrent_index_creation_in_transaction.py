"""CONCURRENTLY inside a transaction."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="ban-concurrent-index-creation-in-transaction",
    reason="CONCURRENTLY does not work inside a transaction: the revision fails.",
    safe="op.create_index_concurrently(...), which leaves the transaction first.",
    example=Example(
        unsafe='op.create_index("ix", "users", ["name"], postgresql_concurrently=True)',
        safe='op.create_index_concurrently("ix", "users", ["name"])',
    ),
    action=lambda candidate: (
        candidate.in_transaction
        and candidate.action.has("concurrently")
        and candidate.kind != "refresh"
    ),
    locks=True,
    announces=frozenset({"fails"}),
)
