"""A statement that fails on the shadow database."""

from migrator.lint.rule import Example, Rule

RULE = Rule(
    name="fails",
    reason="The revision fails on the shadow database.",
    safe="",
    example=Example(
        unsafe="op.execute(\"DO $$BEGIN RAISE 'no'; END$$\")",
        safe='op.execute("SELECT 1")',
    ),
    observed=lambda seen: bool(seen.step.error),
    covers=frozenset({"lock-table", "truncate-table"}),
)
