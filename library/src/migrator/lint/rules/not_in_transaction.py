"""A statement that PostgreSQL refuses inside a transaction."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule

KINDS = ("vacuum", "alter system", "drop database")


def _is_refused(candidate: Candidate) -> bool:
    action = candidate.action
    alone = candidate.kind in KINDS or (
        candidate.kind in ("reindex", "cluster") and action.has("whole")
    )
    concurrently = action.has("concurrently") and candidate.kind != "refresh"
    # PostgreSQL makes one transaction of several statements in one text.
    in_other = candidate.nested or candidate.accompanied
    return (alone and (in_other or candidate.in_transaction)) or (
        concurrently and in_other and not candidate.in_transaction
    )


RULE = Rule(
    name="not-in-transaction",
    reason=(
        "VACUUM, ALTER SYSTEM, and CONCURRENTLY in a DO block or beside another statement in one"
        " text, do not work inside a transaction: the revision fails."
    ),
    safe="op.execute(...) with this statement alone, in op.get_context().autocommit_block().",
    example=Example(
        unsafe='op.execute("VACUUM users")',
        safe="""
with op.get_context().autocommit_block():
    op.execute("VACUUM users")
""",
    ),
    action=_is_refused,
    locks=True,
    announces=frozenset({"fails"}),
)
