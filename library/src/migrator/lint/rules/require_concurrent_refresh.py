"""REFRESH MATERIALIZED VIEW without CONCURRENTLY."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="require-concurrent-refresh",
    reason="REFRESH locks the materialized view against reads for as long as its query takes.",
    safe="REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index.",
    example=Example(
        unsafe="""
op.execute("CREATE MATERIALIZED VIEW IF NOT EXISTS names AS SELECT name FROM users")
op.execute("REFRESH MATERIALIZED VIEW names")
""",
        safe="""
op.execute("CREATE MATERIALIZED VIEW names AS SELECT name FROM users")
op.execute("REFRESH MATERIALIZED VIEW names")
""",
    ),
    action=lambda candidate: (
        candidate.kind == "refresh" and not candidate.action.has("concurrently")
    ),
    locks=True,
    covers=frozenset({"blocks-while-rewriting"}),
)
