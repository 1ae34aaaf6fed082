"""What comes after a failure, which the trace has not seen."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="not-tried",
    reason="The trace stopped before this, so nobody knows what it would lock or break.",
    safe="fix what stopped it, or put that into a revision behind this one.",
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
