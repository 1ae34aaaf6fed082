"""A write to PostgreSQL's own catalogs."""

from migrator.lint.rule import Example, Rule
from migrator.lint.statements.rows import WRITES

RULE = Rule(
    name="changing-catalog",
    reason=(
        "PostgreSQL checks nothing of what is written to its catalogs: rows that do not fit the"
        " new definition stay, sessions go on with the old one, and a restored dump may fail."
    ),
    safe="the statement that changes it: ALTER TABLE, ALTER TYPE.",
    example=Example(
        unsafe="""
op.execute("UPDATE pg_attribute SET attnotnull = true WHERE attrelid = 'users'::regclass")
""",
        safe='op.execute("SELECT attnotnull FROM pg_attribute LIMIT 1")',
    ),
    action=lambda candidate: candidate.kind in WRITES and candidate.action.table.startswith("pg_"),
    covers=frozenset({"bulk-write"}),
)
