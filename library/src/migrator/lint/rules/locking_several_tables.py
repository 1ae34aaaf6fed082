"""Several tables that are in use, locked in one transaction."""

from migrator.lint.rule import Example, Rule

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
    action=lambda candidate: (
        candidate.action.has("strong lock")
        and candidate.in_transaction
        and len(candidate.locked_before() | {candidate.action.table}) > 1
        and candidate.action.table not in candidate.locked_before()
    ),
    locks=True,
)
