"""SQL that PostgreSQL's grammar does not have."""

from migrator.lint.observed import harmless
from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="syntax-error",
    reason="PostgreSQL cannot parse this statement: the revision fails.",
    safe="fix the statement.",
    example=Example(
        unsafe='op.execute("ALTER TABEL users ADD n int")',
        safe='op.execute("ALTER TABLE users ADD n int")',
    ),
    action=lambda candidate: candidate.kind == "syntax error",
    locks=True,
    dismiss=harmless,
    announces=frozenset({"fails"}),
)
