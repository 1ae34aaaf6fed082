"""A loop over rows of the database that changes them one by one."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="row-by-row",
    reason=(
        "The loop changes rows one by one in the revision's transaction: it holds the locks of all"
        " of them until it ends, which takes a round trip for each."
    ),
    safe="op.backfill(...), or batches in op.get_context().autocommit_block().",
    example=Example(
        unsafe="""
bind = op.get_bind()
for (key,) in bind.execute(sa.text("SELECT id FROM users")):
    bind.execute(sa.text("UPDATE users SET nick = 'x' WHERE id = :id"), {"id": key})
""",
        safe="""
bind = op.get_bind()
for key in (1, 2):
    bind.execute(sa.text("UPDATE users SET nick = 'x' WHERE id = :id"), {"id": key})
""",
    ),
    code=lambda code, history: {
        each.line for each in code.row_writes if not each.is_of_few(history.schema)
    },
    words=("for ",),
    locks=True,
)
