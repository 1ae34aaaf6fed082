"""LOCK TABLE."""

from migrator.lint.rule import Example, Rule

# Neither reads nor writes wait for them.
WEAK = ("access share", "row share", "row exclusive", "share update exclusive")

RULE = Rule(
    name="lock-table",
    reason="LOCK TABLE blocks other sessions until the transaction ends.",
    safe="leave it out, or take an advisory lock that your code knows.",
    example=Example(
        unsafe='op.execute("LOCK TABLE users")',
        safe='op.execute("SELECT pg_advisory_xact_lock(7)")',
    ),
    action=lambda candidate: candidate.kind == "lock" and candidate.action.value not in WEAK,
    observed=lambda seen: seen.word == "LOCK" and bool(seen.locked),
    locks=True,
    covers=frozenset({"blocks-while-rewriting"}),
)
