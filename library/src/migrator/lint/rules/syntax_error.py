"""SQL that PostgreSQL's grammar does not have."""

from migrator.lint.rule import Example, Rule, harmless

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
