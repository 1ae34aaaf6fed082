"""VACUUM FULL and CLUSTER."""

from migrator.lint.rule import Example, Rule
from migrator.postgres import sql

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
    squawk=True,
    statement=lambda candidate: sql.rewrites_table(candidate.sql),
    locks=True,
)
