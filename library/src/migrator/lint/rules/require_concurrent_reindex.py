"""REINDEX without CONCURRENTLY."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="require-concurrent-reindex",
    reason="REINDEX locks the table against writes for as long as it takes.",
    safe="REINDEX ... CONCURRENTLY in op.get_context().autocommit_block().",
    example=Example(
        unsafe='op.execute("REINDEX TABLE users")',
        safe="""
with op.get_context().autocommit_block():
    op.execute("REINDEX TABLE CONCURRENTLY users")
""",
    ),
    action=lambda candidate: (
        candidate.kind == "reindex" and not candidate.action.has("concurrently")
    ),
    locks=True,
)
