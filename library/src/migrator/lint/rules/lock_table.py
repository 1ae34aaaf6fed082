"""LOCK TABLE."""

from migrator.lint.rule import Example, Rule
from migrator.postgres import sql

RULE = Rule(
    name="lock-table",
    reason="LOCK TABLE blocks other sessions until the transaction ends.",
    safe="leave it out, or take an advisory lock that your code knows.",
    example=Example(
        unsafe='op.execute("LOCK TABLE users")',
        safe='op.execute("SELECT pg_advisory_xact_lock(7)")',
    ),
    statement=lambda candidate: candidate.kind == "lock" and not sql.has_weak_lock(candidate.sql),
    observed=lambda seen: seen.word == "LOCK" and bool(seen.locked),
    locks=True,
    covers=frozenset({"blocks-while-rewriting"}),
)
