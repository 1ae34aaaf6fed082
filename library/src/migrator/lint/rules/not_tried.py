"""What comes after a failure, which the trace has not seen."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="not-tried",
    reason="The trace stopped before this statement, so what it locks or breaks is unknown.",
    safe="fix what stopped the trace, or move this to a later revision.",
    example=Example(
        unsafe="""
op.create_index("ix", "users", ["name"], postgresql_concurrently=True)
op.execute("ALTER TABLE users ADD n int")
""",
        safe="""
op.create_index_concurrently("ix", "users", ["name"])
op.execute("ALTER TABLE users ADD n int")
""",
    ),
    untried=True,
)
