"""Several tables that are in use, locked in one transaction."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule
from migrator.lint.statements.blocks import HOLE


def _locks_another(candidate: Candidate) -> bool:
    table = candidate.action.table
    if table == HOLE and candidate.repeated:  # a name that a loop puts there
        return candidate.action.has("strong lock")
    # Nobody uses a table that goes.
    dropped = {each.action.table for each in candidate.later if each.action.kind == "drop table"}
    before = candidate.locked_before() - dropped
    strong = candidate.action.has("strong lock") and candidate.in_transaction
    return strong and bool(before) and table not in before | dropped


RULE = Rule(
    name="locking-several-tables",
    reason=(
        "The transaction locks more than one table in use: a session that uses them in another"
        " order meets it in a deadlock, and everybody waits for the first while it waits for the"
        " second."
    ),
    safe="one revision for each table, so that each has a transaction of its own.",
    example=Example(
        unsafe="""
op.add_column("users", sa.Column("n", sa.Integer()))
op.add_column("teams", sa.Column("n", sa.Integer()))
""",
        safe="""
op.add_column("users", sa.Column("n", sa.Integer()))
op.add_column("users", sa.Column("m", sa.Integer()))
""",
    ),
    action=_locks_another,
    locks=True,
    # One file for each table would be no better: a deploy's lock_timeout is below the time after
    # which PostgreSQL looks for deadlocks, so that it gives way.
    written="a deploy waits lock_timeout for each, then retries",
)
