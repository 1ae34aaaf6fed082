"""A revision that ends its own transaction."""

from migrator.lint.history import History
from migrator.lint.python_code import Code
from migrator.lint.rule import Example, Rule

KINDS = ("begin", "commit", "rollback", "prepare transaction")
# An ORM session on the connection leaves the transaction alone, and so does a savepoint.
BINDS = ("get_bind()", "bind", "conn", "connection", "transaction", "transaction()")


def _lines(code: Code, _history: History) -> list[int]:
    """Return where the connection is committed, but before an autocommit block, which does it."""
    before_block = {before for _, before in code.blocks}
    return [
        call.line
        for call in code.calls
        if call.ends_with("commit", "rollback")
        and call.name.rpartition(".")[0].endswith(BINDS)
        and call.line not in before_block
    ]


RULE = Rule(
    name="own-transaction",
    reason=(
        "What comes before is committed without the row in alembic_version, and what comes behind"
        " cannot be rolled back with it: after a failure the revision is half applied."
    ),
    safe="with op.get_context().autocommit_block(), or a revision for each part.",
    example=Example(
        unsafe="""
op.execute("ALTER TABLE users ADD n int")
op.add_column("users", sa.Column("n", sa.Integer()))
op.execute("COMMIT")
""",
        safe="""
op.execute("ALTER TABLE users ADD n int")
with op.get_context().autocommit_block():
    op.execute("VACUUM users")
""",
    ),
    action=lambda candidate: candidate.in_transaction and candidate.kind in KINDS,
    code=_lines,
    words=("commit(", "rollback("),
)
