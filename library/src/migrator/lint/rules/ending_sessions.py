"""Sessions of others that a revision ends."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="ending-sessions",
    reason=(
        "pg_terminate_backend and pg_cancel_backend end what other sessions are doing: their users"
        " get errors, on every database of the server where the condition allows it."
    ),
    safe="leave it out: a deploy waits for locks only briefly, and retries.",
    example=Example(
        unsafe="""
op.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'none'")
""",
        safe='op.execute("SELECT pid FROM pg_stat_activity LIMIT 1")',
    ),
    action=lambda candidate: (
        candidate.kind == "call"
        and candidate.action.name in ("pg_terminate_backend", "pg_cancel_backend")
    ),
)
