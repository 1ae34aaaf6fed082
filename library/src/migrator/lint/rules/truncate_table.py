"""TRUNCATE."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="truncate-table",
    reason="TRUNCATE locks the table against reads and writes, and removes all rows.",
    safe="delete in batches, as op.backfill(...) writes.",
    example=Example(
        unsafe='op.execute("TRUNCATE leftovers")',
        safe='op.execute("DELETE FROM leftovers WHERE id = 1")',
    ),
    action=lambda candidate: candidate.kind == "truncate",
    observed=lambda seen: seen.word == "TRUNCATE" and bool(seen.locked),
    locks=True,
    covers=frozenset({"blocks-while-rewriting"}),
)
