"""A value of an enum that is used in the transaction that adds it."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule


def _is_used(candidate: Candidate) -> bool:
    written = "'" + candidate.action.new_name.replace("'", "''") + "'"
    return (
        candidate.kind == "add value"
        and candidate.in_transaction
        and any(
            written in each.statement.sql
            for each in candidate.later
            if each.transaction == candidate.transaction and each.action.kind != "add value"
        )
    )


RULE = Rule(
    name="enum-value-in-transaction",
    reason=(
        "PostgreSQL refuses a value of an enum in the transaction that adds it: the revision fails."
    ),
    safe="ALTER TYPE ... ADD VALUE in op.get_context().autocommit_block(), or a revision before.",
    example=Example(
        unsafe="""
op.execute("ALTER TYPE mood ADD VALUE 'glad'")
op.execute("UPDATE users SET mood = 'glad' WHERE id = 1")
""",
        safe="""
with op.get_context().autocommit_block():
    op.execute("ALTER TYPE mood ADD VALUE 'glad'")
op.execute("UPDATE users SET mood = 'glad' WHERE id = 1")
""",
    ),
    action=_is_used,
    locks=True,
    announces=frozenset({"fails"}),
)
