"""A table or an index that is written anew under a lock."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="blocks-while-rewriting",
    reason=(
        "The table or its index is written anew while it is locked: with many rows, others"
        " wait that long."
    ),
    safe="a new column or index beside the old one, op.backfill(...), then change over.",
    example=Example(
        unsafe="op.execute(\"DO $$BEGIN EXECUTE 'ALTER TABLE users ALTER age TYPE int8'; END$$\")",
        safe='op.add_column("users", sa.Column("long_age", sa.BigInteger()))',
    ),
    observed=lambda seen: bool(seen.rewritten),
    locks=True,
    covers=frozenset({"bulk-write"}),
)
