"""A write to a whole table."""

from migrator.lint.rule import Example, Observed, Rule
from migrator.postgres import sql


def _observed(seen: Observed) -> bool:
    # A batch of op.backfill may hold all rows that are there.
    all_rows = not seen.step.place.own and bool(seen.bulk)
    return all_rows or bool(seen.changed & seen.step.scanned)


RULE = Rule(
    name="bulk-write",
    reason=(
        "A write to the whole table in one transaction holds the locks of all rows until it"
        " ends, and leaves as many dead rows behind."
    ),
    safe="op.backfill(...), which works in batches and can be resumed.",
    example=Example(
        unsafe="op.execute(\"UPDATE users SET nick = 'x'\")",
        safe='op.backfill("users", {"nick": sa.text("name")}, key="id")',
    ),
    statement=lambda candidate: (
        candidate.kind in ("update", "delete") and not sql.is_limited(candidate.sql)
    ),
    observed=_observed,
    locks=True,
    covers=frozenset({"blocks-while-scanning"}),
)
