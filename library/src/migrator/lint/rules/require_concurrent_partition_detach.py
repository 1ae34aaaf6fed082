"""DETACH PARTITION without CONCURRENTLY."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="require-concurrent-partition-detach",
    reason="Detaching a partition locks the partitioned table against reads and writes.",
    safe=(
        "ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY in op.get_context().autocommit_block()."
    ),
    example=Example(
        unsafe='op.execute("ALTER TABLE events DETACH PARTITION events_1")',
        safe="""
with op.get_context().autocommit_block():
    op.execute("ALTER TABLE events DETACH PARTITION events_1 CONCURRENTLY")
""",
    ),
    action=lambda candidate: (
        candidate.kind == "detach partition" and not candidate.action.has("concurrently")
    ),
    locks=True,
)
