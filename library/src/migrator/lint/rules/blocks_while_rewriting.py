"""A table or an index that is rewritten under a lock."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="blocks-while-rewriting",
    reason=(
        "The table or one of its indexes is rewritten while it is locked: with many rows,"
        " other sessions wait that long."
    ),
    safe="add a new column or index beside the old one, op.backfill(...), then switch over.",
    example=Example(
        unsafe="""
change = "replace('ALTER TABLE # ALTER age TYPE int8', '#', 'users')"
op.execute(f"DO $$BEGIN EXECUTE {change}; END$$")
""",
        safe='op.add_column("users", sa.Column("long_age", sa.BigInteger()))',
    ),
    observed=lambda seen: bool(seen.rewritten),
    locks=True,
    covers=frozenset({"bulk-write"}),
)
