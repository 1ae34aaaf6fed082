"""A full scan under a lock."""

from migrator.lint.observed import Observed
from migrator.lint.rule import Example, Rule


def _observed(seen: Observed) -> bool:
    work = seen.rewritten | seen.scanned
    return bool(work) and bool(seen.locked or work & seen.held)


RULE = Rule(
    name="blocks-while-scanning",
    reason=(
        "The whole table is scanned while it is locked: with many rows, other sessions wait"
        " that long."
    ),
    safe=(
        "the operations of migrator.operations scan without such a lock; or move the scan"
        " to a revision of its own."
    ),
    example=Example(
        unsafe="""
change = "replace('CREATE INDEX ix ON # (age)', '#', 'users')"
op.execute(f"DO $$BEGIN EXECUTE {change}; END$$")
""",
        safe='op.create_index_concurrently("ix", "users", ["age"])',
    ),
    observed=_observed,
    locks=True,
    covers=frozenset({"held-while-working"}),
)
