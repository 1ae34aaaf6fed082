"""SQL that squawk's grammar does not have."""

from migrator.lint.rule import Example, Rule, harmless

RULE = Rule(
    name="syntax-error",
    reason="squawk cannot parse this as PostgreSQL's SQL.",
    safe="fix the statement.",
    example=Example(
        unsafe='op.execute("ALTER TABEL users ADD n int")',
        safe='op.execute("ALTER TABLE users ADD n int")',
    ),
    squawk=True,
    in_blocks=False,  # PL/pgSQL has more words
    locks=True,
    dismiss=harmless,
    undecided_at_deploy=True,
    announces=frozenset({"fails"}),
)
