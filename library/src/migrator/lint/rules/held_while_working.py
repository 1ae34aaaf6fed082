"""A lock that is held while another statement reads or writes a whole table."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="held-while-working",
    reason=(
        "A lock from an earlier statement of the transaction is held while a whole table is"
        " read or written."
    ),
    safe="move the slow statement to a revision of its own.",
    example=Example(
        unsafe="""
op.add_column("users", sa.Column("n", sa.Integer()))
op.execute("SELECT count(*) FROM teams")
""",
        safe='op.add_column("users", sa.Column("n", sa.Integer()))',
    ),
    observed=lambda seen: bool(seen.held and (seen.rewritten | seen.scanned)),
    locks=True,
)
