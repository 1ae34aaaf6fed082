"""A sequence that begins again with numbers that it has given."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="resetting-sequence",
    reason=(
        "The sequence gives numbers again that rows already have: every INSERT that takes one of"
        " them as its key fails."
    ),
    safe="setval(...) with the greatest number that the table has.",
    example=Example(
        unsafe="""
op.execute("CREATE SEQUENCE IF NOT EXISTS numbers")
op.execute("ALTER SEQUENCE numbers RESTART")
""",
        safe="""
op.execute("CREATE SEQUENCE IF NOT EXISTS numbers")
op.execute("ALTER SEQUENCE numbers INCREMENT BY 10")
""",
    ),
    action=lambda candidate: (
        candidate.kind in ("alter sequence", "add identity", "set identity")
        and candidate.action.has("from the start")
        and not candidate.change.is_on_new(candidate.action)
    ),
)
