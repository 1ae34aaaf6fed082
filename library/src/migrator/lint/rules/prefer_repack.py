"""VACUUM FULL and CLUSTER."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="prefer-repack",
    reason=(
        "VACUUM FULL and CLUSTER rewrite the table while it is locked against reads and writes."
    ),
    safe="pg_repack.",
    example=Example(
        unsafe="""
with op.get_context().autocommit_block():
    op.execute("VACUUM FULL users")
""",
        safe="""
with op.get_context().autocommit_block():
    op.execute("VACUUM users")
""",
    ),
    action=lambda candidate: (
        candidate.kind == "cluster" or (candidate.kind == "vacuum" and candidate.action.has("full"))
    ),
    locks=True,
)
